// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lock word of an EPCM entry, and every change of an entry.
 *
 * Holders never sleep and hold for microseconds, so a waiter spins, then
 * yields. It gives up only when a holder was not heard of for the lock
 * patience, which a running system never sees: a conflict reported where
 * software has made no mistake makes Linux complain. Tests set the patience to
 * zero and hold pages to see each leaf report its conflict.
 */
#include "sgx/epcm.h"

#include "lib/bits.h"
#include "lib/lock.h"
#include "sgx/patience.h"

#include <sched.h>
#include <time.h>

#define SPINS_BEFORE_YIELD 200

static _Atomic uint64_t patience_ns = SGX_LOCK_PATIENCE_NS;

void sgx_set_lock_patience(uint64_t ns)
{
	atomic_store(&patience_ns, ns);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* One round of waiting. Return: false when patience is at its end. */
static bool wait_round(unsigned int round, uint64_t *deadline)
{
	uint64_t patience = atomic_load_explicit(&patience_ns, memory_order_relaxed);

	if (!patience)
		return false;
	if (round < SPINS_BEFORE_YIELD) {
		cpu_relax();
		return true;
	}
	if (!*deadline)
		*deadline = now_ns() + patience;
	else if (now_ns() >= *deadline)
		return false;
	sched_yield();
	return true;
}

/* Adds @add to the lock word as soon as no bit of @busy is set in it. */
static bool lock_word(struct epcm_entry *e, uint32_t busy, uint32_t add)
{
	uint32_t old = atomic_load_explicit(&e->lock, memory_order_relaxed);
	uint64_t deadline = 0;

	for (unsigned int round = 0;;) {
		if (!(old & busy)) {
			if (atomic_compare_exchange_weak_explicit(&e->lock, &old, old + add,
								  memory_order_acquire,
								  memory_order_relaxed))
				return true;
			continue;
		}
		if (!wait_round(round++, &deadline))
			return false;
		old = atomic_load_explicit(&e->lock, memory_order_relaxed);
	}
}

bool epcm_lock_slow(struct epcm_entry *e, uint32_t busy, uint32_t add)
{
	return lock_word(e, busy, add);
}

/* The claims sorted by address, each page once; @origin[i] is a claim of it. */
static unsigned int sort_claims(const struct epcm_claim *claims, unsigned int count,
				struct epcm_claim *sorted, unsigned int *origin)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int at = n;

		while (at > 0 && sorted[at - 1].entry > claims[i].entry)
			at--;
		if (at > 0 && sorted[at - 1].entry == claims[i].entry) {
			if (claims[i].mode == EPCM_EXCLUSIVE)
				sorted[at - 1].mode = EPCM_EXCLUSIVE;
			continue;
		}
		for (unsigned int j = n; j > at; j--) {
			sorted[j] = sorted[j - 1];
			origin[j] = origin[j - 1];
		}
		sorted[at] = claims[i];
		origin[at] = i;
		n++;
	}
	return n;
}

/* Two pages, which most leaves have: as epcm_lock_set(). */
static int lock_two(const struct epcm_claim *claims)
{
	unsigned int first = claims[0].entry > claims[1].entry;

	if (!epcm_lock(claims[first].entry, claims[first].mode))
		return (int)first;
	if (epcm_lock(claims[!first].entry, claims[!first].mode))
		return -1;
	epcm_unlock(claims[first].entry, claims[first].mode);
	return !first;
}

int epcm_lock_set(const struct epcm_claim *claims, unsigned int count)
{
	struct epcm_claim sorted[EPCM_MAX_CLAIMS];
	unsigned int origin[EPCM_MAX_CLAIMS], n;

	if (likely(count == 2 && claims[0].entry != claims[1].entry))
		return lock_two(claims);
	n = sort_claims(claims, count, sorted, origin);
	for (unsigned int i = 0; i < n; i++) {
		if (epcm_lock(sorted[i].entry, sorted[i].mode))
			continue;
		for (unsigned int j = i; j > 0; j--)
			epcm_unlock(sorted[j - 1].entry, sorted[j - 1].mode);
		return (int)origin[i];
	}
	return -1;
}

static void unlock_set(const struct epcm_claim *claims, unsigned int count, uint32_t seq_step)
{
	/* In any order, each page once and in the stronger mode. */
	for (unsigned int i = 0; i < count; i++) {
		enum epcm_mode mode = claims[i].mode;
		bool done = false;

		for (unsigned int j = 0; j < count; j++) {
			if (j == i || claims[j].entry != claims[i].entry)
				continue;
			done |= j < i;
			if (claims[j].mode == EPCM_EXCLUSIVE)
				mode = EPCM_EXCLUSIVE;
		}
		if (!done)
			epcm_unlock_step(claims[i].entry, mode, seq_step);
	}
}

void epcm_unlock_set(const struct epcm_claim *claims, unsigned int count)
{
	unlock_set(claims, count, 1);
}

void epcm_unlock_set_unchanged(const struct epcm_claim *claims, unsigned int count)
{
	unlock_set(claims, count, UINT32_MAX);
}

bool epcm_bit_wait(struct epcm_entry *e, uint32_t bit)
{
	return lock_word(e, bit, 0);
}

bool epcm_lock_sgx2(struct epcm_entry *e)
{
	if (!epcm_lock(e, EPCM_SHARED))
		return false;
	if (epcm_bit_lock(e, EPCM_LOCK_SGX2))
		return true;
	epcm_unlock(e, EPCM_SHARED);
	return false;
}

void epcm_unlock_sgx2(struct epcm_entry *e)
{
	epcm_bit_unlock(e, EPCM_LOCK_SGX2);
	epcm_unlock(e, EPCM_SHARED);
}

void epcm_make_valid(struct epcm_entry *e, uint64_t state, gva_t linaddr, struct epcm_entry *secs)
{
	atomic_store_explicit(&e->linaddr, linaddr, memory_order_relaxed);
	atomic_store_explicit(&e->secs, secs, memory_order_relaxed);
	if (secs)
		atomic_fetch_add(&secs->children, 1);
	atomic_store(&e->state, state);
}

void epcm_make_invalid(struct epcm_entry *e)
{
	struct epcm_entry *secs = epcm_secs(e);

	/* The page first: once the count is down, the SECS may go. */
	atomic_store(&e->state, 0);
	atomic_store_explicit(&e->secs, NULL, memory_order_relaxed);
	atomic_store_explicit(&e->linaddr, 0, memory_order_relaxed);
	if (secs)
		atomic_fetch_sub(&secs->children, 1);
}

void epcm_change_flags(struct epcm_entry *e, uint64_t clear, uint64_t set)
{
	uint64_t old = atomic_load(&e->state);

	while (!atomic_compare_exchange_weak(&e->state, &old, (old & ~clear) | set))
		;
}

/*
 * A leaf that holds the page exclusively is about to change all of it, so wait
 * for its end; the counter tells a view that mixes two owners of the page.
 */
struct epcm_view epcm_view(const struct epcm_entry *e)
{
	struct epcm_view view;
	uint32_t seq;

	for (unsigned int round = 0;; round++) {
		seq = atomic_load(&e->seq);
		view.state = atomic_load(&e->state);
		view.linaddr = atomic_load(&e->linaddr);
		view.secs = atomic_load(&e->secs);
		if (!(seq & 1) && seq == atomic_load(&e->seq))
			return view;
		/* Its holder may have lost its time slice to us. */
		if (round < SPINS_BEFORE_YIELD)
			cpu_relax();
		else
			sched_yield();
	}
}

bool epcm_allows(const struct epcm_view *view, const struct epcm_entry *secs, gva_t gva,
		 uint64_t rights)
{
	const uint64_t no_access = EPCM_BLOCKED | EPCM_PENDING | EPCM_MODIFIED;

	return epcm_is(view->state, SGX_PAGE_TYPE_REG) && !(view->state & no_access) &&
	       view->secs == secs && view->linaddr == align_down(gva, SGX_PAGE_SIZE) &&
	       (view->state & rights) == rights;
}
