// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/lock.h"

#ifdef EXCLAVE_DEBUG_LOCKS
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any thread holds of one rank: EPCM_MAX_CLAIMS pages. */
#define MAX_HELD 4

/* In the order in which they were taken, so by address. */
static _Thread_local struct {
	unsigned int count;
	const void *locks[MAX_HELD];
} held[LOCK_NR_RANKS];

static const char *const names[] = {
#define LOCK_RANK_NAME(rank, what) [rank] = what,
	LOCK_RANKS(LOCK_RANK_NAME)
#undef LOCK_RANK_NAME
};

static void order_violated(const char *what, enum lock_rank holding)
{
	fprintf(stderr, "exclave: lock order: %s while holding: %s\n", what, names[holding]);
	abort();
}

void lock_acquire(enum lock_rank rank, const void *lock)
{
	unsigned int count = held[rank].count;

	for (unsigned int r = rank + 1; r < LOCK_NR_RANKS; r++)
		if (held[r].count)
			order_violated(names[rank], r);
	if (count == MAX_HELD)
		order_violated("one lock too many", rank);
	if (count && (uintptr_t)held[rank].locks[count - 1] >= (uintptr_t)lock)
		order_violated("the same, at the same or a lower address", rank);
	held[rank].locks[held[rank].count++] = lock;
}

void lock_release(enum lock_rank rank, const void *lock)
{
	unsigned int i = 0;

	while (i < held[rank].count && held[rank].locks[i] != lock)
		i++;
	if (i == held[rank].count)
		order_violated("release of a lock that is not held", rank);
	held[rank].count--;
	memmove(&held[rank].locks[i], &held[rank].locks[i + 1],
		(held[rank].count - i) * sizeof(held[rank].locks[0]));
}

void lock_assert_none_held(void)
{
	for (unsigned int r = LOCK_VCPU + 1; r < LOCK_NR_RANKS; r++)
		if (held[r].count)
			order_violated("what may sleep", r);
}
#endif
