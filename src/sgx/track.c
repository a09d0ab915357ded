// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/track.h"

#define TRACK_CURRENT_SHIFT  32
#define TRACK_PREVIOUS_SHIFT 48

static uint64_t track_pack(uint32_t epoch, uint16_t current, uint16_t previous)
{
	return epoch | (uint64_t)current << TRACK_CURRENT_SHIFT |
	       (uint64_t)previous << TRACK_PREVIOUS_SHIFT;
}

static uint16_t track_current(uint64_t word)
{
	return (uint16_t)(word >> TRACK_CURRENT_SHIFT);
}

static uint16_t track_previous(uint64_t word)
{
	return (uint16_t)(word >> TRACK_PREVIOUS_SHIFT);
}

void track_reset(struct epcm_entry *secs)
{
	atomic_store(&secs->track, track_pack(1, 0, 0));
}

uint32_t track_epoch(const struct epcm_entry *secs)
{
	return (uint32_t)atomic_load(&secs->track);
}

bool track_enter(struct epcm_entry *secs, uint32_t *epoch)
{
	uint64_t old = atomic_load(&secs->track);

	do {
		if (track_current(old) == TRACK_MAX_INSIDE)
			return false;
	} while (!atomic_compare_exchange_weak(&secs->track, &old,
					       old + (UINT64_C(1) << TRACK_CURRENT_SHIFT)));
	*epoch = (uint32_t)old;
	return true;
}

void track_leave(struct epcm_entry *secs, uint32_t epoch)
{
	uint64_t old = atomic_load(&secs->track);
	uint64_t new;

	do {
		bool recent = epoch == (uint32_t)old;

		new = old - (UINT64_C(1) << (recent ? TRACK_CURRENT_SHIFT : TRACK_PREVIOUS_SHIFT));
	} while (!atomic_compare_exchange_weak(&secs->track, &old, new));
}

bool track_is_active(const struct epcm_entry *secs)
{
	uint64_t word = atomic_load(&secs->track);

	return track_current(word) || track_previous(word);
}

bool track_new_epoch(struct epcm_entry *secs)
{
	uint64_t old = atomic_load(&secs->track);
	uint64_t new;

	do {
		if (track_previous(old))
			return false;
		new = track_pack((uint32_t)old + 1, 0, track_current(old));
	} while (!atomic_compare_exchange_weak(&secs->track, &old, new));
	return true;
}

bool track_is_complete(const struct epcm_entry *secs, uint32_t epoch)
{
	uint64_t word = atomic_load(&secs->track);
	uint32_t now = (uint32_t)word;

	if (epoch == now)
		return false;
	return epoch != now - 1 || !track_previous(word);
}

void track_mark_page(struct epcm_entry *e, struct epcm_entry *secs, uint64_t clear, uint64_t set)
{
	uint32_t epoch;

	do {
		uint64_t old = atomic_load(&e->state);

		epoch = track_epoch(secs);
		while (!atomic_compare_exchange_weak(&e->state, &old,
						     epcm_with_epoch((old & ~clear) | set, epoch)))
			;
	} while (epoch != track_epoch(secs));
}
