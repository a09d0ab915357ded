// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/lock.h"

#ifdef EXCLAVE_DEBUG_LOCKS
#include <stdio.h>
#include <stdlib.h>

static _Thread_local unsigned int held[LOCK_NR_RANKS];

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

void lock_rank_acquire(enum lock_rank rank)
{
	for (unsigned int r = rank + 1; r < LOCK_NR_RANKS; r++)
		if (held[r])
			order_violated(names[rank], r);
	held[rank]++;
}

void lock_rank_release(enum lock_rank rank)
{
	if (!held[rank])
		order_violated("release of a lock that is not held", rank);
	held[rank]--;
}

void lock_assert_none_held(void)
{
	for (unsigned int r = 0; r < LOCK_NR_RANKS; r++)
		if (held[r])
			order_violated("access to guest memory", r);
}
#endif
