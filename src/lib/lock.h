/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of locks in the order in which they may be taken: a thread that
 * holds a lock takes only locks that stand below it in the list. Debug builds
 * check this at every acquisition; docs/locking.md says what each one protects.
 */
#ifndef EXCLAVE_LIB_LOCK_H
#define EXCLAVE_LIB_LOCK_H

#define LOCK_RANKS(X)                                        \
	X(LOCK_MEMSLOTS, "memory slots of a VM")             \
	X(LOCK_EPC_SECTIONS, "EPC section list")             \
	X(LOCK_EPCM_PAGE, "EPCM entry, shared or exclusive") \
	X(LOCK_EPCM_SGX2, "EPCM entry, among SGX2 leaves")   \
	X(LOCK_SECS_MEASURE, "SECS measurement")             \
	X(LOCK_SECS_TRACK, "SECS tracking cycle")

enum lock_rank {
#define LOCK_RANK_ENUM(rank, what) rank,
	LOCK_RANKS(LOCK_RANK_ENUM)
#undef LOCK_RANK_ENUM
	LOCK_NR_RANKS,
};

/*
 * lock_rank_acquire() is called before waiting, lock_rank_release() after the
 * release. Several locks of one rank may be held only when they were taken in
 * an order that the rank's owner documents (EPCM entries: by address).
 */
#ifdef EXCLAVE_DEBUG_LOCKS
void lock_rank_acquire(enum lock_rank rank);
void lock_rank_release(enum lock_rank rank);
/* No lock at all is held: asserted before guest memory is touched, which may sleep. */
void lock_assert_none_held(void);
#else
static inline void lock_rank_acquire(enum lock_rank rank)
{
	(void)rank;
}

static inline void lock_rank_release(enum lock_rank rank)
{
	(void)rank;
}

static inline void lock_assert_none_held(void)
{
}
#endif

#endif
