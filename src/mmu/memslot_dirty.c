// SPDX-License-Identifier: GPL-2.0-or-later
/* The writers' side of the dirty log. */
#include "mmu/memslot.h"

#include <errno.h>

/* Return: 0 with @found, whose log exists; the caller holds the slots lock. */
static int find_log(const struct memslots *slots, uint32_t number, const struct memslot **found)
{
	if (number >> 16 >= MEMSLOT_ADDRESS_SPACES || (uint16_t)number >= MEMSLOT_MAX_SLOTS)
		return -EINVAL;
	*found = slots->by_id[number >> 16][(uint16_t)number];
	return *found && (*found)->dirty ? 0 : -ENOENT;
}

/* Return: was any bit set? If not, no TLB has a write entry of the slot either. */
static bool take_words(const struct memslot *slot, bool clear, uint64_t *bitmap)
{
	size_t words = memslot_dirty_words(slot->size);
	uint64_t any = 0;

	for (size_t i = 0; i < words; i++) {
		/* A clean word is not written, so that an idle log stays unpopulated. */
		bitmap[i] = atomic_load_explicit(&slot->dirty[i], memory_order_relaxed);
		if (clear && bitmap[i])
			bitmap[i] =
				atomic_exchange_explicit(&slot->dirty[i], 0, memory_order_relaxed);
		any |= bitmap[i];
	}
	return any;
}

int memslots_get_dirty_log(struct memslots *slots, uint32_t number, bool clear, uint64_t *bitmap,
			   size_t words)
{
	const struct memslot *slot;
	int ret;

	memslots_lock(slots);
	ret = find_log(slots, number, &slot);
	if (!ret && words < memslot_dirty_words(slot->size))
		ret = -EINVAL;
	if (!ret && take_words(slot, clear, bitmap) && clear)
		slots->synchronize(slots->opaque);
	memslots_unlock(slots);
	return ret;
}

/* Return: was any of the bits set? */
static bool clear_words(const struct memslot *slot, size_t first, size_t words,
			const uint64_t *bitmap)
{
	uint64_t any = 0;

	for (size_t i = 0; i < words; i++) {
		if (bitmap[i])
			any |= bitmap[i] & atomic_fetch_and_explicit(&slot->dirty[first + i],
								     ~bitmap[i],
								     memory_order_relaxed);
	}
	return any;
}

static int check_range(const struct memslot *slot, uint64_t first, uint64_t count)
{
	uint64_t pages = slot->size >> GUEST_PAGE_SHIFT;

	if (!is_aligned(first, 64) || first > pages || count > pages - first)
		return -EINVAL;
	return count == pages - first || is_aligned(count, 64) ? 0 : -EINVAL;
}

int memslots_clear_dirty_log(struct memslots *slots, uint32_t number, uint64_t first,
			     uint64_t count, const uint64_t *bitmap)
{
	const struct memslot *slot;
	int ret;

	memslots_lock(slots);
	ret = find_log(slots, number, &slot);
	if (!ret)
		ret = check_range(slot, first, count);
	if (!ret && clear_words(slot, first / 64, (count + 63) / 64, bitmap))
		slots->synchronize(slots->opaque);
	memslots_unlock(slots);
	return ret;
}
