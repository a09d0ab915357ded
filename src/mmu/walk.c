// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order of an Intel processor's walker, which the SDM leaves open in part:
 * an entry is read; P, then the reserved bits are checked; then A is set in it,
 * unless it is the leaf, and the next entry is read. Rights are checked once, at
 * the leaf, over all levels; so a missing P or a reserved bit further down ranks
 * before a missing right further up. Then A and, for a write, D are set in the
 * leaf in one step.
 *
 * A table in a read-only slot is walked without setting A and D, and the page
 * counts as dirty once written, as with KVM. A table where no slot is reads as
 * not present, also as with KVM; hardware would read what the bus returns. One
 * in the EPC reads as the abort page does, all ones.
 */
#include "mmu/walk.h"

#include "mmu/guest_access.h"

/*
 * How often the entries of one walk may change between our load and our
 * compare-exchange. Another vCPU that does this on purpose wins against any
 * limit now and then, but must not keep us here for ever.
 */
#define WALK_MAX_RETRIES 64

/* One walk under way. */
struct walker {
	struct mmu *mmu;
	const struct mmu_mode *mode;
	const struct memslot_array *slots;
	gva_t gva;
	uint32_t access;
	unsigned int level;
	/* The entry of this level: where it lies, and what it held. */
	const struct memslot *slot;
	gpa_t entry_gpa;
	uint64_t entry;
	/* Over all levels so far; NX as "some level forbids". */
	uint64_t all;
	uint64_t any;
};

static enum mmu_status page_fault(const struct walker *w, uint32_t why, struct walk *out)
{
	uint32_t code = why | (w->access & (PFERR_WRITE_MASK | PFERR_USER_MASK));

	/* SDM "Page-Fault Exceptions": I/D is 0 where fetches have no rights of their own. */
	if (w->mode->smep || w->mode->nxe)
		code |= w->access & PFERR_FETCH_MASK;
	out->fault = (struct x86_exception){
		.vector = PF_VECTOR,
		.has_error_code = true,
		.error_code = code,
		.address = w->gva,
	};
	return MMU_FAULT;
}

static enum mmu_status host_error(int err, struct walk *out)
{
	out->host_errno = err;
	return MMU_HOST_ERROR;
}

static unsigned int level_shift(const struct mmu_mode *mode, unsigned int level)
{
	return GUEST_PAGE_SHIFT + (level - 1) * mode->index_bits;
}

/* Return: 0, or -EFAULT. What is no memory gives an entry that is not present. */
static int load_entry(struct walker *w, gpa_t table)
{
	unsigned int index = (unsigned int)(w->gva >> level_shift(w->mode, w->level)) &
			     (BIT32(w->mode->index_bits) - 1);
	uint32_t entry32;
	int err;

	w->entry_gpa = table + index * w->mode->entry_size;
	w->slot = memslot_lookup(w->slots, w->entry_gpa, &w->mmu->table_hint);
	w->entry = 0;
	if (unlikely(!memslot_is_readable(w->slot))) {
		if (w->slot && w->slot->kind == MEMSLOT_EPC)
			w->entry = w->mode->entry_size == 4 ? UINT32_MAX : UINT64_MAX;
		return 0;
	}
	if (w->mode->entry_size == 8)
		return guest_load64(memslot_hva(w->slot, w->entry_gpa), &w->entry);
	err = guest_load32(memslot_hva(w->slot, w->entry_gpa), &entry32);
	w->entry = entry32;
	return err;
}

/* Return: 0; -EAGAIN when the entry is not any more what was read; -EFAULT. */
static int set_bits(struct walker *w, uint64_t bits)
{
	uint64_t wanted = w->entry | bits;
	uint8_t *hva;
	int err;

	if (likely(wanted == w->entry) || !memslot_is_writable(w->slot))
		return 0;
	hva = memslot_hva(w->slot, w->entry_gpa);
	if (w->mode->entry_size == 8)
		err = guest_cmpxchg64(hva, w->entry, wanted);
	else
		err = guest_cmpxchg32(hva, (uint32_t)w->entry, (uint32_t)wanted);
	if (err)
		return err;
	memslot_mark_dirty(w->slot, w->entry_gpa);
	if (w->mmu->written)
		w->mmu->written(w->mmu->opaque, w->entry_gpa, w->mode->entry_size);
	return 0;
}

static bool maps_page(const struct walker *w)
{
	if (w->level == 1)
		return true;
	return (w->entry & PT_PAGE_SIZE_MASK) && (w->mode->large_levels & BIT32(w->level));
}

/* Reads and checks the entry of this level. Return: MMU_OK also for one that maps a page. */
static enum mmu_status step(struct walker *w, gpa_t table, struct walk *out)
{
	const uint64_t *reserved;
	int err = load_entry(w, table);

	if (unlikely(err))
		return host_error(err, out);
	if (!(w->entry & PT_PRESENT_MASK))
		return page_fault(w, 0, out);
	reserved = maps_page(w) ? w->mode->reserved_page : w->mode->reserved_table;
	if (unlikely(w->entry & reserved[w->level]))
		return page_fault(w, PFERR_PRESENT_MASK | PFERR_RSVD_MASK, out);
	w->all &= w->entry;
	w->any |= w->entry;
	return MMU_OK;
}

/* SDM "Determination of Access Rights", for accesses with the USER, AC and IMPLICIT bits given. */
static uint32_t rights(const struct walker *w)
{
	const struct mmu_mode *mode = w->mode;
	bool user_page = w->all & PT_USER_MASK;
	bool exec = !(w->any & PT_NX_MASK);
	bool write = w->all & PT_WRITABLE_MASK;
	bool data = true;

	if (w->access & PFERR_USER_MASK) {
		if (!user_page)
			return 0;
	} else {
		write |= !mode->wp;
		if (user_page) {
			exec &= !mode->smep;
			data = !mode->smap ||
			       ((w->access & MMU_ACCESS_AC) && !(w->access & MMU_ACCESS_IMPLICIT));
		}
	}
	return (data ? MMU_READ : 0) | (data && write ? MMU_WRITE : 0) | (exec ? MMU_EXEC : 0);
}

static uint32_t needed(uint32_t access)
{
	if (access & PFERR_FETCH_MASK)
		return MMU_EXEC;
	return access & PFERR_WRITE_MASK ? MMU_WRITE : MMU_READ;
}

/* The address of the page that the leaf maps, without PAT, NX and the like. */
static gpa_t page_frame(const struct walker *w)
{
	gpa_t frame = w->entry & w->mode->frame_mask & ~(BIT64(level_shift(w->mode, w->level)) - 1);

	/* SDM "Use of CR3 with 32-Bit Paging": PSE-36 keeps bits 39:32 in 20:13. */
	if (w->mode->paging == MMU_PAGING_32BIT && w->level == 2)
		frame |= (w->entry & UINT64_C(0x1fe000)) << (32 - 13);
	return frame;
}

static enum mmu_status finish(struct walker *w, struct walk *out)
{
	uint32_t allowed = rights(w);
	uint64_t bits = PT_ACCESSED_MASK;
	uint64_t offset_mask;
	int err;

	if (needed(w->access) & ~allowed)
		return page_fault(w, PFERR_PRESENT_MASK, out);
	if (needed(w->access) == MMU_WRITE)
		bits |= PT_DIRTY_MASK;
	err = set_bits(w, bits);
	if (unlikely(err))
		return err == -EAGAIN ? MMU_AGAIN : host_error(err, out);
	if (!((w->entry | bits) & PT_DIRTY_MASK))
		allowed &= ~MMU_WRITE;
	out->allowed = allowed;
	out->page_shift = (uint8_t)level_shift(w->mode, w->level);
	offset_mask = BIT64(out->page_shift) - 1;
	out->gpa = page_frame(w) | (w->gva & offset_mask);
	out->user = w->all & PT_USER_MASK;
	out->global = w->mode->pge && (w->entry & PT_GLOBAL_MASK);
	return MMU_OK;
}

static enum mmu_status walk_once(struct walker *w, struct walk *out)
{
	gpa_t table = w->mode->root;
	enum mmu_status status;
	int err;

	w->all = ~UINT64_C(0);
	w->any = 0;
	w->level = w->mode->levels;
	if (w->mode->paging == MMU_PAGING_PAE) {
		table = w->mode->pdpte[(w->gva >> 30) & 3];
		if (!(table & PT_PRESENT_MASK))
			return page_fault(w, 0, out);
		table &= w->mode->frame_mask;
	}
	for (;; w->level--) {
		status = step(w, table, out);
		if (status != MMU_OK)
			return status;
		if (maps_page(w))
			return finish(w, out);
		err = set_bits(w, PT_ACCESSED_MASK);
		if (unlikely(err))
			return err == -EAGAIN ? MMU_AGAIN : host_error(err, out);
		table = w->entry & w->mode->frame_mask;
	}
}

enum mmu_status walk_gva(struct mmu *mmu, const struct mmu_mode *mode, unsigned int as_id,
			 gva_t gva, uint32_t access, struct walk *out)
{
	struct walker w = {
		.mmu = mmu,
		.mode = mode,
		.slots = memslots_snapshot(mmu->slots, as_id),
		.gva = mode->paging == MMU_PAGING_4LEVEL ? gva : (uint32_t)gva,
		.access = access,
	};
	enum mmu_status status = MMU_AGAIN;

	if (mode->paging == MMU_PAGING_NONE) {
		*out = (struct walk){
			.gpa = w.gva,
			.allowed = MMU_READ | MMU_WRITE | MMU_EXEC,
			.user = true,
			.page_shift = GUEST_PAGE_SHIFT,
		};
		return MMU_OK;
	}
	for (unsigned int i = 0; i < WALK_MAX_RETRIES && status == MMU_AGAIN; i++)
		status = walk_once(&w, out);
	return status;
}

/* SDM "PDPTE Registers": bits that are reserved in a present entry. */
static uint64_t pdpte_reserved(unsigned int maxphyaddr)
{
	return (~UINT64_C(0) << maxphyaddr) | UINT64_C(0x1e6);
}

enum mmu_status mmu_load_pdptes(struct mmu *mmu, const struct mmu_registers *regs,
				unsigned int as_id, struct mmu_mode *mode, struct walk *out)
{
	gpa_t table = regs->cr3 & UINT64_C(0xffffffe0);
	const struct memslot_array *slots = memslots_snapshot(mmu->slots, as_id);
	const struct memslot *slot = memslot_lookup(slots, table, &mmu->table_hint);
	uint64_t pdpte[ARRAY_SIZE(mode->pdpte)];
	int err;

	out->fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
	if (!memslot_is_readable(slot))
		return MMU_FAULT;
	for (unsigned int i = 0; i < ARRAY_SIZE(pdpte); i++) {
		err = guest_load64(memslot_hva(slot, table) + i * sizeof(pdpte[i]), &pdpte[i]);
		if (err)
			return host_error(err, out);
		if ((pdpte[i] & PT_PRESENT_MASK) && (pdpte[i] & pdpte_reserved(regs->maxphyaddr)))
			return MMU_FAULT;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(pdpte); i++)
		mode->pdpte[i] = pdpte[i];
	return MMU_OK;
}
