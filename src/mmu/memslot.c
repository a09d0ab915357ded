// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules are KVM's, and so is their order: a VMM may probe for limits by the
 * errno. SDM has no part in this.
 */
#include "mmu/memslot.h"

#include "lib/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The end of what a 4-level host gives user space: the last page is never mapped. */
#define USER_ADDRESS_END ((UINT64_C(1) << 47) - GUEST_PAGE_SIZE)

static const struct memslot_array empty_array;

void memslots_lock(struct memslots *slots)
{
	lock_rank_acquire(LOCK_MEMSLOTS);
	pthread_mutex_lock(&slots->lock);
}

void memslots_unlock(struct memslots *slots)
{
	pthread_mutex_unlock(&slots->lock);
	lock_rank_release(LOCK_MEMSLOTS);
}

struct memslots *memslots_new(unsigned int phys_bits, void (*synchronize)(void *opaque),
			      void *opaque)
{
	struct memslots *slots = calloc(1, sizeof(*slots));

	if (!slots)
		return NULL;
	pthread_mutex_init(&slots->lock, NULL);
	slots->phys_bits = phys_bits < MEMSLOT_MAX_PHYS_BITS ? phys_bits : MEMSLOT_MAX_PHYS_BITS;
	slots->synchronize = synchronize;
	slots->opaque = opaque;
	for (unsigned int as = 0; as < MEMSLOT_ADDRESS_SPACES; as++)
		atomic_init(&slots->array[as], &empty_array);
	return slots;
}

static void array_free(const struct memslot_array *array)
{
	if (array != &empty_array)
		free((void *)array);
}

static void slot_free(const struct memslot *slot)
{
	if (!slot)
		return;
	free(slot->dirty);
	free((void *)slot);
}

void memslots_free(struct memslots *slots)
{
	if (!slots)
		return;
	for (unsigned int as = 0; as < MEMSLOT_ADDRESS_SPACES; as++) {
		const struct memslot_array *array = memslots_snapshot(slots, as);

		for (unsigned int i = 0; i < array->count; i++)
			slot_free(array->slot[i]);
		array_free(array);
	}
	pthread_mutex_destroy(&slots->lock);
	free(slots);
}

/* The number of slots of @array[0..@count) that begin at or below @gpa. */
static unsigned int position(const struct memslot_array *array, unsigned int count, gpa_t gpa)
{
	unsigned int low = 0, high = count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (array->slot[middle]->base <= gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct memslot *memslot_search(const struct memslot_array *array, gpa_t gpa,
				     unsigned int *hint)
{
	unsigned int after = position(array, array->count, gpa);

	if (!after || !memslot_contains(array->slot[after - 1], gpa))
		return NULL;
	*hint = after - 1;
	return array->slot[after - 1];
}

/* What can be said of a region without knowing the slots. */
static bool region_is_sane(const struct kvm_userspace_memory_region *region)
{
	uint64_t size = region->memory_size;

	if (region->flags & ~(uint32_t)(KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY))
		return false;
	if (!is_aligned(size | region->guest_phys_addr | region->userspace_addr, GUEST_PAGE_SIZE))
		return false;
	if (size > USER_ADDRESS_END || region->userspace_addr > USER_ADDRESS_END - size)
		return false;
	if (region->slot >> 16 >= MEMSLOT_ADDRESS_SPACES ||
	    (uint16_t)region->slot >= MEMSLOT_MAX_SLOTS)
		return false;
	if (region->guest_phys_addr + size < region->guest_phys_addr)
		return false;
	return size >> GUEST_PAGE_SHIFT <= MEMSLOT_MAX_PAGES;
}

/* May an existing slot become what @region says? Only its place and its log may change. */
static bool is_changeable(const struct memslot *old,
			  const struct kvm_userspace_memory_region *region)
{
	return region->userspace_addr == (uintptr_t)old->hva && region->memory_size == old->size &&
	       !((region->flags ^ old->flags) & KVM_MEM_READONLY);
}

static _Atomic uint64_t *dirty_new(const struct memslots *slots, uint64_t size)
{
	size_t words = memslot_dirty_words(size);
	_Atomic uint64_t *dirty = calloc(words, sizeof(*dirty));
	uint64_t pages = size >> GUEST_PAGE_SHIFT;

	if (!dirty || !slots->dirty_initially_set)
		return dirty;
	for (size_t i = 0; i < words; i++)
		atomic_init(&dirty[i], ~UINT64_C(0));
	if (pages % 64)
		atomic_init(&dirty[words - 1], BIT64(pages % 64) - 1);
	return dirty;
}

/* The slot that @region asks for, with @old's backing and log if there is an @old. */
static struct memslot *slot_new(const struct memslots *slots,
				const struct kvm_userspace_memory_region *region,
				const struct memslot *old, const struct memslot_epc *epc)
{
	struct memslot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	slot->base = region->guest_phys_addr;
	slot->size = region->memory_size;
	slot->hva = (uint8_t *)(uintptr_t)region->userspace_addr;
	slot->flags = region->flags;
	slot->id = (uint16_t)region->slot;
	slot->as_id = (uint16_t)(region->slot >> 16);
	slot->kind = slot->flags & KVM_MEM_READONLY ? MEMSLOT_ROM : MEMSLOT_RAM;
	if (old) {
		slot->kind = old->kind;
		slot->epc = old->epc;
	} else if (epc) {
		slot->kind = MEMSLOT_EPC;
		slot->epc = *epc;
	}
	if (!(slot->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return slot;
	slot->dirty = old && old->dirty ? old->dirty : dirty_new(slots, slot->size);
	if (!slot->dirty) {
		free(slot);
		return NULL;
	}
	return slot;
}

/* A copy of @current without @old and with @new, either of which may be NULL. */
static struct memslot_array *array_replace(const struct memslot_array *current,
					   const struct memslot *old, const struct memslot *new)
{
	unsigned int count = current->count;
	struct memslot_array *array;
	unsigned int at;

	array = malloc(sizeof(*array) + (count + 1) * sizeof(struct memslot *));
	if (!array)
		return NULL;
	memcpy(array->slot, current->slot, count * sizeof(struct memslot *));
	if (old) {
		at = position(array, count, old->base) - 1;
		count--;
		memmove(&array->slot[at], &array->slot[at + 1],
			(count - at) * sizeof(struct memslot *));
	}
	if (new) {
		at = position(array, count, new->base);
		memmove(&array->slot[at + 1], &array->slot[at],
			(count - at) * sizeof(struct memslot *));
		array->slot[at] = new;
		count++;
	}
	array->count = count;
	return array;
}

static bool overlaps(const struct memslot_array *array, const struct memslot *slot)
{
	unsigned int at = position(array, array->count, slot->base) - 1;
	const struct memslot *before = at ? array->slot[at - 1] : NULL;
	const struct memslot *after = at + 1 < array->count ? array->slot[at + 1] : NULL;

	return (before && slot->base - before->base < before->size) ||
	       (after && after->base - slot->base < slot->size);
}

static bool is_addressable(const struct memslots *slots, const struct memslot *slot)
{
	return slot->base + slot->size - 1 < BIT64(slots->phys_bits);
}

/* Makes @array current and frees what only the old one knew: it, @old, and a log not inherited. */
static void publish(struct memslots *slots, unsigned int as, struct memslot_array *array,
		    const struct memslot *old, const struct memslot *new)
{
	const struct memslot_array *before = memslots_snapshot(slots, as);

	array->generation = ++slots->generation;
	slots->by_id[as][new ? new->id : old->id] = new;
	atomic_store_explicit(&slots->array[as], array, memory_order_release);
	slots->synchronize(slots->opaque);
	array_free(before);
	if (old && (!new || new->dirty != old->dirty))
		free(old->dirty);
	free((void *)old);
}

static int slots_replace(struct memslots *slots, const struct kvm_userspace_memory_region *region,
			 const struct memslot *old, const struct memslot_epc *epc)
{
	unsigned int as = region->slot >> 16;
	struct memslot_array *array;
	struct memslot *new = NULL;
	int ret = -ENOMEM;

	if (region->memory_size) {
		new = slot_new(slots, region, old, epc);
		if (!new)
			return -ENOMEM;
	}
	array = array_replace(memslots_snapshot(slots, as), old, new);
	if (!array)
		goto err_free_slot;
	ret = -EEXIST;
	if (new &&overlaps(array, new))
		goto err_free_array;
	ret = -EINVAL;
	if (new && !is_addressable(slots, new))
		goto err_free_array;
	publish(slots, as, array, old, new);
	return 0;

err_free_array:
	array_free(array);
err_free_slot:
	if (new &&old &&new->dirty == old->dirty)
		new->dirty = NULL;
	slot_free(new);
	return ret;
}

int memslots_set(struct memslots *slots, const struct kvm_userspace_memory_region *region,
		 const struct memslot_epc *epc)
{
	const struct memslot *old;
	int ret;

	if (!region_is_sane(region))
		return -EINVAL;
	memslots_lock(slots);
	old = slots->by_id[region->slot >> 16][(uint16_t)region->slot];
	if (!region->memory_size)
		ret = old ? slots_replace(slots, region, old, NULL) : -EINVAL;
	else if (old && !is_changeable(old, region))
		ret = -EINVAL;
	else if (old && old->base == region->guest_phys_addr && old->flags == region->flags)
		ret = 0;
	else
		ret = slots_replace(slots, region, old, epc);
	memslots_unlock(slots);
	return ret;
}
