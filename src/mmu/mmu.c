// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmu/mmu.h"

#include "lib/lock.h"
#include "sgx/sgx.h"

#include <errno.h>

_Static_assert(MMU_READ == EPCM_R && MMU_WRITE == EPCM_W && MMU_EXEC == EPCM_X,
	       "rights of EPCM and of pages are the same bits");

/* A page of a vEPC that nobody has touched gets its EPC page now, as with KVM. */
static int epc_page(const struct mmu *mmu, const struct memslot *slot, gpa_t gpa, hpa_t *hpa)
{
	const struct memslot_epc *epc = &slot->epc;
	int err;

	if (mmu->leaving)
		mmu->leaving(mmu->opaque);
	err = epc->ops->lookup(epc->opaque, gpa - slot->base, hpa);

	if (err == -ENOENT)
		err = epc->ops->allocate(epc->opaque, gpa - slot->base, hpa);
	return err;
}

/* What the memory of @slot allows, the dirty log included. */
static uint32_t slot_allowed(const struct memslot *slot, gpa_t gpa, bool write)
{
	uint32_t allowed = MMU_READ | MMU_EXEC;

	if (slot->flags & KVM_MEM_READONLY)
		return allowed;
	if (write)
		memslot_mark_dirty(slot, gpa);
	return write || !slot->dirty ? allowed | MMU_WRITE : allowed;
}

enum mmu_status mmu_resolve(struct mmu *mmu, unsigned int as_id, gpa_t gpa, bool write,
			    struct mmu_page *page)
{
	const struct memslot_array *slots = memslots_snapshot(mmu->slots, as_id);
	const struct memslot *slot = memslot_lookup(slots, gpa, &mmu->data_hint);

	lock_assert_none_held();
	page->gpa = align_down(gpa, GUEST_PAGE_SIZE);
	page->generation = slots->generation;
	page->hva = NULL;
	page->hpa = 0;
	if (!slot) {
		page->kind = MEMSLOT_MMIO;
		page->slot = MMU_NO_SLOT;
		page->allowed = MMU_READ | MMU_WRITE | MMU_EXEC;
		return MMU_OK;
	}
	page->kind = slot->kind;
	page->slot = (uint32_t)slot->as_id << 16 | slot->id;
	if (slot->kind == MEMSLOT_EPC) {
		page->host_errno = epc_page(mmu, slot, page->gpa, &page->hpa);
		if (page->host_errno)
			return MMU_HOST_ERROR;
	} else {
		page->hva = memslot_hva(slot, page->gpa);
	}
	page->allowed = slot_allowed(slot, page->gpa, write);
	return MMU_OK;
}

enum mmu_status mmu_translate(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			      gva_t gva, uint32_t access, struct mmu_page *page)
{
	struct walk walk;
	enum mmu_status status = walk_gva(mmu, mode, as_id, gva, access, &walk);

	if (status == MMU_OK)
		status = mmu_resolve(mmu, as_id, walk.gpa, access & PFERR_WRITE_MASK, page);
	else if (status == MMU_FAULT)
		page->fault = walk.fault;
	else if (status == MMU_HOST_ERROR)
		page->host_errno = walk.host_errno;
	if (status != MMU_OK)
		return status;
	page->allowed &= walk.allowed;
	page->user = walk.user;
	page->global = walk.global;
	page->page_shift = walk.page_shift;
	return MMU_OK;
}

enum mmu_status mmu_fill(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, uint32_t access, struct mmu_page *page)
{
	enum mmu_status status = mmu_translate(mmu, mode, as_id, gva, access, page);
	struct sgx_access verdict;
	struct sgx_place place;

	if (status != MMU_OK || !mmu->sgx)
		return status;
	place = (struct sgx_place){
		.is_epc = page->kind == MEMSLOT_EPC,
		.hpa = page->hpa,
		.host = page->hva,
		.gpa = page->gpa,
	};
	verdict = sgx_check_access(mmu->sgx, gva,
				   access & (PFERR_WRITE_MASK | PFERR_USER_MASK | PFERR_FETCH_MASK),
				   &place);
	switch (verdict.verdict) {
	case SGX_ACCESS_ALLOW:
		page->allowed &= verdict.allowed;
		if (verdict.page)
			page->hva = verdict.page;
		return MMU_OK;
	case SGX_ACCESS_ABORT_PAGE:
		return MMU_OK;
	case SGX_ACCESS_FAULT:
		page->fault = verdict.fault;
		return MMU_FAULT;
	}
	__builtin_unreachable();
}
