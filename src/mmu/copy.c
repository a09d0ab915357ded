// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmu/mmu.h"

#include "mmu/guest_access.h"

#include <errno.h>
#include <string.h>

/* A range of linear addresses, cut where its pages meet. */
struct span {
	struct mmu_page page[2];
	size_t offset; /* in the first page */
	size_t len[2];
};

/* Can C code copy here, be it into the void of the abort page? */
static bool is_plain(const struct mmu_page *page, uint32_t access)
{
	switch (page->kind) {
	case MEMSLOT_RAM:
	case MEMSLOT_EPC:
		return true;
	case MEMSLOT_ROM:
		return !(access & PFERR_WRITE_MASK);
	case MEMSLOT_MMIO:
		return false;
	}
	return false;
}

/* Translates the whole range. Return: MMU_OK, or what the first page that refuses says. */
static enum mmu_status span_fill(struct span *span, struct mmu *mmu, const struct mmu_mode *mode,
				 unsigned int as_id, gva_t gva, size_t len, uint32_t access,
				 struct mmu_page *page)
{
	enum mmu_status status;

	if (len > MMU_MAX_COPY) {
		page->host_errno = -EINVAL;
		return MMU_HOST_ERROR;
	}
	span->offset = gva & (GUEST_PAGE_SIZE - 1);
	span->len[0] = len < GUEST_PAGE_SIZE - span->offset ? len : GUEST_PAGE_SIZE - span->offset;
	span->len[1] = len - span->len[0];
	for (unsigned int i = 0; i < 2 && span->len[i]; i++) {
		span->page[i] = (struct mmu_page){0};
		status = mmu_fill(mmu, mode, as_id, i ? gva + span->len[0] : gva, access,
				  &span->page[i]);
		if (status == MMU_OK && !is_plain(&span->page[i], access))
			status = MMU_DEVICE;
		if (status != MMU_OK) {
			*page = span->page[i];
			return status;
		}
	}
	return MMU_OK;
}

enum mmu_status mmu_read(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, void *dst, size_t len, uint32_t access, struct mmu_page *page)
{
	struct span span;
	enum mmu_status status = span_fill(&span, mmu, mode, as_id, gva, len, access, page);
	uint8_t *to = dst;

	if (status != MMU_OK)
		return status;
	for (unsigned int i = 0; i < 2 && span.len[i]; i++) {
		const uint8_t *hva = span.page[i].hva;

		if (!hva)
			memset(to, 0xff, span.len[i]);
		else
			page->host_errno =
				guest_copy_from(to, hva + (i ? 0 : span.offset), span.len[i]);
		if (hva && page->host_errno)
			return MMU_HOST_ERROR;
		to += span.len[i];
	}
	return MMU_OK;
}

enum mmu_status mmu_write(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			  gva_t gva, const void *src, size_t len, uint32_t access,
			  struct mmu_page *page)
{
	struct span span;
	enum mmu_status status =
		span_fill(&span, mmu, mode, as_id, gva, len, access | PFERR_WRITE_MASK, page);
	const uint8_t *from = src;

	if (status != MMU_OK)
		return status;
	for (unsigned int i = 0; i < 2 && span.len[i]; i++) {
		const struct mmu_page *to = &span.page[i];
		size_t offset = i ? 0 : span.offset;

		if (to->hva) {
			page->host_errno = guest_copy_to(to->hva + offset, from, span.len[i]);
			if (page->host_errno)
				return MMU_HOST_ERROR;
			if (mmu->written)
				mmu->written(mmu->opaque, to->gpa + offset, span.len[i]);
		}
		from += span.len[i];
	}
	return MMU_OK;
}
