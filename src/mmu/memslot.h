/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory slots: which guest-physical ranges have memory behind them, and what
 * memory. What KVM_SET_USER_MEMORY_REGION sets up.
 *
 * One struct memslots belongs to a VM. Each address space has a sorted array of
 * slots; neither an array nor a slot changes once published. Writers hold the
 * slots lock (LOCK_MEMSLOTS), publish a new array, wait in synchronize() until
 * no reader can know the old one any more, and free it.
 *
 * Readers are the VM's vCPU threads inside KVM_RUN. They take no lock: what
 * memslots_snapshot() returned, the slots in it and the host pointers made from
 * them are good until the thread's next safe point.
 */
#ifndef EXCLAVE_MMU_MEMSLOT_H
#define EXCLAVE_MMU_MEMSLOT_H

#include "lib/bits.h"
#include "lib/x86.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

#define GUEST_PAGE_SHIFT 12
#define GUEST_PAGE_SIZE  UINT64_C(4096)

#define MEMSLOT_ADDRESS_SPACES 2 /* the second is SMM's */
#define MEMSLOT_MAX_SLOTS      32764
#define MEMSLOT_MAX_PAGES      ((UINT64_C(1) << 31) - 1)
#define MEMSLOT_MAX_PHYS_BITS  52

enum memslot_kind {
	MEMSLOT_RAM,
	MEMSLOT_ROM,  /* KVM_MEM_READONLY: reads and fetches as RAM, writes as MMIO */
	MEMSLOT_EPC,  /* pages of the Enclave Page Cache */
	MEMSLOT_MMIO, /* no slot */
};

/*
 * What makes a slot EPC. The storey above knows a vEPC mapping when it sees one
 * and gives this table with the slot; both outlive the slot.
 */
struct memslot_epc_ops {
	/*
	 * The page at byte @offset of the slot. Lock-free.
	 * Return: 0 with @hpa set, -ENOENT when the page has none yet, or
	 * another negative errno.
	 */
	int (*lookup)(void *opaque, uint64_t offset, hpa_t *hpa);
	/* Gives the page an EPC page; may sleep. Return: 0 with @hpa set, or a negative errno. */
	int (*allocate)(void *opaque, uint64_t offset, hpa_t *hpa);
};

struct memslot_epc {
	const struct memslot_epc_ops *ops;
	void *opaque;
};

struct memslot {
	gpa_t base;
	uint64_t size; /* never 0; base + size does not wrap */
	uint8_t *hva;  /* userspace_addr. Of an EPC slot it is not memory: do not touch */
	enum memslot_kind kind;
	uint32_t flags; /* KVM_MEM_* */
	uint16_t id;
	uint16_t as_id;
	struct memslot_epc epc;  /* MEMSLOT_EPC */
	_Atomic uint64_t *dirty; /* KVM_MEM_LOG_DIRTY_PAGES: a bit for each page */
};

struct memslot_array {
	uint64_t generation; /* grows with each change of either address space */
	unsigned int count;
	const struct memslot *slot[]; /* ascending by base, disjoint */
};

struct memslots {
	pthread_mutex_t lock;
	unsigned int phys_bits;
	bool dirty_initially_set; /* KVM_DIRTY_LOG_INITIALLY_SET; under the lock */

	/*
	 * Returns when every vCPU has passed a safe point since the call and
	 * has dropped its TLB entries there; a vCPU outside KVM_RUN
	 * counts as passed. Called with the slots lock held, so no vCPU may wait
	 * for that lock without having passed. A full memory barrier.
	 */
	void (*synchronize)(void *opaque);
	void *opaque;

	uint64_t generation; /* under the lock */
	const struct memslot_array *_Atomic array[MEMSLOT_ADDRESS_SPACES];
	const struct memslot *by_id[MEMSLOT_ADDRESS_SPACES][MEMSLOT_MAX_SLOTS]; /* under the lock */
};

/*
 * Makes a VM's slots, all empty. No slot may reach beyond 2^@phys_bits, which
 * is at most MEMSLOT_MAX_PHYS_BITS. Return: NULL when out of memory.
 */
struct memslots *memslots_new(unsigned int phys_bits, void (*synchronize)(void *opaque),
			      void *opaque);
/* No reader is left. */
void memslots_free(struct memslots *slots);

/*
 * KVM_SET_USER_MEMORY_REGION: adds, moves or deletes a slot, or changes its
 * flags. @epc is not NULL when the region is EPC; it counts only for a slot that
 * is added. When this returns, no vCPU uses what the change took away.
 * Return: 0, or with nothing changed
 *  -EINVAL  unknown flags, misaligned address or size, slot or address space
 *           out of range, wrapping or unaddressable range, deletion of a slot
 *           that is not there, change of size, of userspace_addr or of READONLY
 *  -EEXIST  overlap with another slot of the address space
 *  -ENOMEM
 */
int memslots_set(struct memslots *slots, const struct kvm_userspace_memory_region *region,
		 const struct memslot_epc *epc);

/* The current array of address space @as_id, which the caller has checked. Never NULL. */
static inline const struct memslot_array *memslots_snapshot(const struct memslots *slots,
							    unsigned int as_id)
{
	return atomic_load_explicit(&slots->array[as_id], memory_order_acquire);
}

static inline bool memslot_contains(const struct memslot *slot, gpa_t gpa)
{
	return gpa - slot->base < slot->size;
}

/* The slow half of memslot_lookup(). */
const struct memslot *memslot_search(const struct memslot_array *array, gpa_t gpa,
				     unsigned int *hint);

/*
 * @hint belongs to one reader and starts as anything; it serves any array, for a
 * wrong one costs only time. Return: the slot with @gpa, or NULL: MMIO.
 */
static inline const struct memslot *memslot_lookup(const struct memslot_array *array, gpa_t gpa,
						   unsigned int *hint)
{
	if (likely(*hint < array->count && memslot_contains(array->slot[*hint], gpa)))
		return array->slot[*hint];
	return memslot_search(array, gpa, hint);
}

/* Is @slot (NULL: none) memory that C code may read at memslot_hva()? */
static inline bool memslot_is_readable(const struct memslot *slot)
{
	return slot && (slot->kind == MEMSLOT_RAM || slot->kind == MEMSLOT_ROM);
}

static inline bool memslot_is_writable(const struct memslot *slot)
{
	return slot && slot->kind == MEMSLOT_RAM;
}

static inline uint8_t *memslot_hva(const struct memslot *slot, gpa_t gpa)
{
	return slot->hva + (gpa - slot->base);
}

/*
 * Notes in the dirty log, if the slot has one, that the page of @gpa changes.
 * The caller is a reader. It may mark before or after it writes, but both
 * before its next safe point; that also makes it correct to skip a bit that is
 * already set, although it may be collected in the same moment.
 */
static inline void memslot_mark_dirty(const struct memslot *slot, gpa_t gpa)
{
	uint64_t page = (gpa - slot->base) >> GUEST_PAGE_SHIFT;
	_Atomic uint64_t *word;

	if (likely(!slot->dirty))
		return;
	word = &slot->dirty[page / 64];
	if (!(atomic_load_explicit(word, memory_order_relaxed) & BIT64(page % 64)))
		atomic_fetch_or_explicit(word, BIT64(page % 64), memory_order_relaxed);
}

/* 64-bit words of a dirty bitmap for @slot_size bytes. */
static inline size_t memslot_dirty_words(uint64_t slot_size)
{
	return ((slot_size >> GUEST_PAGE_SHIFT) + 63) / 64;
}

/*
 * KVM_GET_DIRTY_LOG into @bitmap of @words words, which is the caller's own
 * memory and not the VMM's: a lock is held. @clear as without
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. The bits are taken first and the write
 * entries of the TLBs dropped afterwards: until then, pages taken may still
 * change, which the VMM sees because it reads them after the return.
 * Return: 0; -EINVAL for a wrong slot number or too few words; -ENOENT when the
 * slot is not there or has no log.
 */
int memslots_get_dirty_log(struct memslots *slots, uint32_t slot, bool clear, uint64_t *bitmap,
			   size_t words);

/*
 * KVM_CLEAR_DIRTY_LOG: clears the bits of the pages from @first on that are set
 * in @bitmap, again the caller's own memory. Return: as above; -EINVAL also when
 * @first is not a multiple of 64, the range is not inside the slot, or @count is
 * neither a multiple of 64 nor reaches the end of the slot.
 */
int memslots_clear_dirty_log(struct memslots *slots, uint32_t slot, uint64_t first, uint64_t count,
			     const uint64_t *bitmap);

/* For the writers' own files. */
void memslots_lock(struct memslots *slots);
void memslots_unlock(struct memslots *slots);

#endif
