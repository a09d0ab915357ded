/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of epcm.h that is inline: taking and releasing a lock word that
 * nobody holds. Every leaf does it several times, and a call would cost as much
 * as the atomic operation.
 */
#ifndef EXCLAVE_SGX_EPCM_LOCK_H
#define EXCLAVE_SGX_EPCM_LOCK_H

#include "lib/bits.h"
#include "lib/lock.h"
#include "sgx/epcm.h"

/* Waits; the word was busy, or another processor changed it under us. Return: as epcm_lock(). */
bool epcm_lock_slow(struct epcm_entry *e, uint32_t busy, uint32_t add);

/* Adds @add to the lock word as soon as no bit of @busy is set in it. */
static inline bool epcm_lock_word(struct epcm_entry *e, uint32_t busy, uint32_t add)
{
	uint32_t old = atomic_load_explicit(&e->lock, memory_order_relaxed);

	if (likely(!(old & busy)) &&
	    likely(atomic_compare_exchange_strong_explicit(
		    &e->lock, &old, old + add, memory_order_acquire, memory_order_relaxed)))
		return true;
	return epcm_lock_slow(e, busy, add);
}

/* Only the exclusive holder writes the counter, so it needs order but no atomic addition. */
static inline void epcm_seq_begin(struct epcm_entry *e)
{
	uint32_t seq = atomic_load_explicit(&e->seq, memory_order_relaxed);

	atomic_store_explicit(&e->seq, seq + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

/* @step: to the next even number, or when nothing has changed back to the one before. */
static inline void epcm_seq_end(struct epcm_entry *e, uint32_t step)
{
	uint32_t seq = atomic_load_explicit(&e->seq, memory_order_relaxed);

	atomic_store_explicit(&e->seq, seq + step, memory_order_release);
}

/* Who holds a page so that @mode has to wait. */
static inline uint32_t epcm_busy(enum epcm_mode mode)
{
	return mode == EPCM_SHARED ? EPCM_LOCK_EXCL
				   : EPCM_LOCK_EXCL | EPCM_LOCK_SGX2 | EPCM_LOCK_READERS;
}

static inline bool epcm_set_is_free(const struct epcm_claim *claims, unsigned int count)
{
	uint32_t busy = 0;

	for (unsigned int i = 0; i < count; i++)
		busy |= atomic_load(&claims[i].entry->lock) & epcm_busy(claims[i].mode);
	return !busy;
}

/*
 * More shared holders than the count has room for cannot exist: each is a host
 * thread inside a leaf.
 */
static inline bool epcm_lock(struct epcm_entry *e, enum epcm_mode mode)
{
	bool locked;

	lock_acquire(LOCK_EPCM_PAGE, e);
	if (mode == EPCM_SHARED) {
		locked = epcm_lock_word(e, epcm_busy(mode), 1);
	} else {
		locked = epcm_lock_word(e, epcm_busy(mode), EPCM_LOCK_EXCL);
		if (locked)
			epcm_seq_begin(e);
	}
	if (!locked)
		lock_release(LOCK_EPCM_PAGE, e);
	return locked;
}

static inline void epcm_unlock_step(struct epcm_entry *e, enum epcm_mode mode, uint32_t seq_step)
{
	if (mode == EPCM_SHARED) {
		atomic_fetch_sub_explicit(&e->lock, 1, memory_order_release);
	} else {
		epcm_seq_end(e, seq_step);
		atomic_fetch_and_explicit(&e->lock, ~EPCM_LOCK_EXCL, memory_order_release);
	}
	lock_release(LOCK_EPCM_PAGE, e);
}

static inline void epcm_unlock(struct epcm_entry *e, enum epcm_mode mode)
{
	epcm_unlock_step(e, mode, 1);
}

static inline enum lock_rank epcm_bit_rank(uint32_t bit)
{
	if (bit == EPCM_LOCK_SGX2)
		return LOCK_EPCM_SGX2;
	return bit == EPCM_LOCK_MEASURE ? LOCK_SECS_MEASURE : LOCK_SECS_TRACK;
}

static inline bool epcm_bit_lock(struct epcm_entry *e, uint32_t bit)
{
	lock_acquire(epcm_bit_rank(bit), e);
	if (epcm_lock_word(e, bit, bit))
		return true;
	lock_release(epcm_bit_rank(bit), e);
	return false;
}

static inline void epcm_bit_unlock(struct epcm_entry *e, uint32_t bit)
{
	atomic_fetch_and_explicit(&e->lock, ~bit, memory_order_release);
	lock_release(epcm_bit_rank(bit), e);
}

#endif
