// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Linear memory for functions in C, and what fills the TLB for translated code.
 *
 * Devices: an instruction that reads one is repeated until the VMM has answered
 * all of its reads; what it writes waits in v->mmio.write until it is complete.
 */
#include "engine/core.h"

#include "cpu/debug.h"
#include "engine/operand.h"
#include "mmu/guest_access.h"

#include <errno.h>
#include <string.h>

#define PAGE_SIZE 4096u
#define MMIO_MAX  8u /* bytes of one exit */

static uint32_t index_access(unsigned int index)
{
	switch ((enum engine_mmu_index)index) {
	case ENGINE_MMU_USER:
	case ENGINE_MMU_ENCLAVE:
		return PFERR_USER_MASK;
	case ENGINE_MMU_KERNEL_AC:
		return MMU_ACCESS_AC;
	case ENGINE_MMU_KERNEL:
	case ENGINE_MMU_INDICES:
		break;
	}
	return 0;
}

/* The TLB that serves @access of struct cpu_ops. */
static unsigned int index_of(const struct engine_vcpu *v, uint32_t access)
{
	const struct x86_state *s = &v->cpu.state;

	if (access & PFERR_USER_MASK)
		return (v->mode & MODE_INDEX) == ENGINE_MMU_ENCLAVE ? ENGINE_MMU_ENCLAVE
								    : ENGINE_MMU_USER;
	if ((access & CPU_ACCESS_IMPLICIT) || !(s->rflags & X86_EFLAGS_AC) ||
	    !(s->cr4 & X86_CR4_SMAP))
		return ENGINE_MMU_KERNEL;
	return ENGINE_MMU_KERNEL_AC;
}

uint32_t vcpu_access(const struct engine_vcpu *v)
{
	return v->cpu.state.cpl == 3 ? PFERR_USER_MASK : 0;
}

static enum cpu_result fill(struct engine_vcpu *v, gva_t gva, uint32_t access,
			    struct mmu_page *page)
{
	enum mmu_status status;

	do {
		status = mmu_fill(&v->mmu, &v->mmu_mode, v->as_id, gva, access, page);
	} while (status == MMU_AGAIN);
	switch (status) {
	case MMU_OK:
	case MMU_AGAIN:
	case MMU_DEVICE:
		break;
	case MMU_FAULT:
		v->cpu.fault = page->fault;
		return CPU_FAULT;
	case MMU_HOST_ERROR:
		v->cpu.host_errno = page->host_errno;
		return CPU_HOST_ERROR;
	}
	return CPU_OK;
}

enum cpu_result vcpu_fetch(struct engine_vcpu *v, gva_t gva, struct mmu_page *page)
{
	return fill(v, gva, index_access(v->mode & MODE_INDEX) | PFERR_FETCH_MASK, page);
}

/* Puts what the walk found where translated code looks, if it may go there unseen. */
static void enter(struct engine_vcpu *v, unsigned int index, gva_t gva, const struct mmu_page *page,
		  bool is_code)
{
	if ((v->mode & MODE_ALIGN) || vcpu_is_watched(v, gva))
		return;
	tlb_enter(&v->tlb[index], gva, page, page->hva, (page->allowed & MMU_WRITE) && !is_code);
}

enum cpu_result vcpu_place(struct engine_vcpu *v, unsigned int index, gva_t gva, bool write,
			   struct place *place)
{
	uint32_t access = index_access(index) | (write ? PFERR_WRITE_MASK : 0);
	struct mmu_page page = {0};
	bool is_code;

	CPU_TRY(fill(v, gva, access, &page));
	*place = (struct place){.gpa = page.gpa + gva % PAGE_SIZE};
	if (page.kind == MEMSLOT_MMIO || (page.kind == MEMSLOT_ROM && write)) {
		/* An exit from an enclave does not show the instruction that the VMM would finish. */
		if (exec_in_enclave(v)) {
			v->exit.reason = ENGINE_EXIT_MMIO;
			return CPU_AGAIN;
		}
		place->device = true;
		return CPU_OK;
	}
	if (!page.hva)
		return CPU_OK;
	if (page.allowed & MMU_WRITE)
		safepoint_may_write(v, page.hva);
	is_code = (page.allowed & MMU_WRITE) && code_is_at(v, page.hva);
	enter(v, index, gva, &page, is_code);
	place->code = write && is_code;
	place->host = page.hva + gva % PAGE_SIZE;
	return CPU_OK;
}

enum cpu_result vcpu_page(struct engine_vcpu *v, gva_t gva, bool write, uint8_t **host)
{
	unsigned int index = index_of(v, vcpu_access(v));
	struct place place;

	*host = tlb_lookup(&v->tlb[index], gva, write);
	if (*host)
		return CPU_OK;
	CPU_TRY(vcpu_place(v, index, gva, write, &place));
	if (!place.code && !vcpu_is_watched(v, gva))
		*host = place.host;
	return CPU_OK;
}

static enum cpu_result not_canonical(struct engine_vcpu *v)
{
	v->cpu.fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
	return CPU_FAULT;
}

/* A range, cut where its pages meet. */
struct span {
	struct place place[2];
	size_t len[2];
	gva_t gva[2];
};

static enum cpu_result span_init(struct engine_vcpu *v, struct span *span, gva_t gva, size_t len,
				 bool write, unsigned int index)
{
	bool wide = v->cpu.state.efer & EFER_LMA;
	size_t here = PAGE_SIZE - gva % PAGE_SIZE;

	span->place[0] = (struct place){0}; /* also of a range of no bytes */
	span->gva[0] = gva;
	span->len[0] = len < here ? len : here;
	span->len[1] = len - span->len[0];
	span->gva[1] = wide ? gva + span->len[0] : (uint32_t)(gva + span->len[0]);
	for (unsigned int i = 0; i < 2 && span->len[i]; i++) {
		struct place *place = &span->place[i];
		uint8_t *host = tlb_lookup(&v->tlb[index], span->gva[i], write);

		*place = (struct place){.host = host};
		if (host)
			continue;
		if (wide && !x86_is_canonical(&v->cpu.state, span->gva[i]))
			return not_canonical(v);
		CPU_TRY(vcpu_place(v, index, span->gva[i], write, place));
	}
	return CPU_OK;
}

/* The VMM's answers are used up in order; one that does not fit makes us ask anew. */
static enum cpu_result read_device(struct engine_vcpu *v, gpa_t gpa, uint8_t *dst, size_t len)
{
	struct engine_mmio *mmio = &v->mmio;

	while (len) {
		size_t part = len < MMIO_MAX ? len : MMIO_MAX;
		struct engine_mmio_fragment *f = &mmio->read[mmio->read_used];

		if (mmio->read_used < mmio->read_count && (f->gpa != gpa || f->len != part))
			mmio->read_count = mmio->read_used;
		if (mmio->read_used == mmio->read_count) {
			if (mmio->read_count == ENGINE_MMIO_FRAGMENTS) {
				v->exit.reason = ENGINE_EXIT_INTERNAL_ERROR;
				return CPU_AGAIN;
			}
			v->exit.reason = ENGINE_EXIT_MMIO;
			v->exit.mmio.gpa = gpa;
			v->exit.mmio.len = (uint8_t)part;
			v->exit.mmio.write = false;
			v->pending = ENGINE_PENDING_MMIO;
			return CPU_AGAIN;
		}
		memcpy(dst, f->data, part);
		mmio->read_used++;
		dst += part;
		gpa += part;
		len -= part;
	}
	return CPU_OK;
}

static bool has_room_to_write(const struct engine_vcpu *v, size_t len)
{
	return v->mmio.write_count + (len + MMIO_MAX - 1) / MMIO_MAX <= ENGINE_MMIO_FRAGMENTS;
}

static void write_device(struct engine_vcpu *v, gpa_t gpa, const uint8_t *src, size_t len)
{
	while (len) {
		size_t part = len < MMIO_MAX ? len : MMIO_MAX;
		struct engine_mmio_fragment *f = &v->mmio.write[v->mmio.write_count++];

		f->gpa = gpa;
		f->len = (uint8_t)part;
		memcpy(f->data, src, part);
		src += part;
		gpa += part;
		len -= part;
	}
}

static enum cpu_result read_place(struct engine_vcpu *v, const struct place *place, uint8_t *dst,
				  size_t len)
{
	if (place->device)
		return read_device(v, place->gpa, dst, len);
	if (!place->host) {
		memset(dst, 0xff, len);
		return CPU_OK;
	}
	v->cpu.host_errno = guest_copy_from(dst, place->host, len);
	return v->cpu.host_errno ? CPU_HOST_ERROR : CPU_OK;
}

static enum cpu_result write_place(struct engine_vcpu *v, const struct place *place,
				   const uint8_t *src, size_t len)
{
	if (place->device) {
		write_device(v, place->gpa, src, len);
		return CPU_OK;
	}
	if (!place->host)
		return CPU_OK;
	v->cpu.host_errno = guest_copy_to(place->host, src, len);
	if (v->cpu.host_errno)
		return CPU_HOST_ERROR;
	if (place->code) {
		uint8_t *page = (uint8_t *)align_down((uint64_t)(uintptr_t)place->host, PAGE_SIZE);

		code_written(v, page, (uint32_t)(place->host - page), (uint32_t)len);
	}
	return CPU_OK;
}

enum cpu_result vcpu_read(struct engine_vcpu *v, gva_t gva, void *dst, size_t len, uint32_t access)
{
	uint8_t *to = dst;
	struct span span;

	CPU_TRY(span_init(v, &span, gva, len, false, index_of(v, access)));
	for (unsigned int i = 0; i < 2 && span.len[i]; i++) {
		CPU_TRY(read_place(v, &span.place[i], to, span.len[i]));
		to += span.len[i];
	}
	v->debug_pending |= vcpu_watch(v, gva, len, false);
	return CPU_OK;
}

enum cpu_result vcpu_write(struct engine_vcpu *v, gva_t gva, const void *src, size_t len,
			   uint32_t access)
{
	const uint8_t *from = src;
	struct span span;

	CPU_TRY(span_init(v, &span, gva, len, true, index_of(v, access)));
	if ((span.place[0].device || (span.len[1] && span.place[1].device)) &&
	    !has_room_to_write(v, len)) {
		v->exit.reason = ENGINE_EXIT_INTERNAL_ERROR;
		return CPU_AGAIN;
	}
	for (unsigned int i = 0; i < 2 && span.len[i]; i++) {
		CPU_TRY(write_place(v, &span.place[i], from, span.len[i]));
		from += span.len[i];
	}
	v->debug_pending |= vcpu_watch(v, gva, len, true);
	return CPU_OK;
}

enum cpu_result vcpu_probe_write(struct engine_vcpu *v, gva_t gva, size_t len)
{
	struct span span;

	return span_init(v, &span, gva, len, true, index_of(v, vcpu_access(v)));
}

/* Descriptors and the bits of a TSS do not lie in devices; where they do, two steps must do. */
enum cpu_result vcpu_or_byte(struct engine_vcpu *v, gva_t gva, uint8_t bits, uint8_t *old,
			     uint32_t access)
{
	struct span span;
	uint32_t word;
	uint8_t *host;
	int err;

	CPU_TRY(span_init(v, &span, gva, 1, true, index_of(v, access)));
	if (!span.place[0].host || span.place[0].code) {
		uint8_t value;

		CPU_TRY(vcpu_read(v, gva, old, 1, access));
		value = *old | bits;
		return vcpu_write(v, gva, &value, 1, access);
	}
	host = (uint8_t *)align_down((uint64_t)(uintptr_t)span.place[0].host, 4);
	do {
		unsigned int shift = (unsigned int)(span.place[0].host - host) * 8;

		err = guest_load32(host, &word);
		*old = (uint8_t)(word >> shift);
		if (!err && (*old & bits) != bits)
			err = guest_cmpxchg32(host, word, word | (uint32_t)bits << shift);
	} while (err == -EAGAIN);
	v->cpu.host_errno = err;
	return err ? CPU_HOST_ERROR : CPU_OK;
}
