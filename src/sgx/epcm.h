/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Enclave Page Cache Map (EPCM)": one entry for each EPC page.
 *
 * An entry belongs to its section (epc.h) and lives as long as it. Its lock is
 * the word `lock`; see docs/locking.md. What one leaf does to a page happens
 * under that page's lock, taken through epcm_lock(), epcm_lock_set() or
 * epcm_bit_lock(). Two things are read without a lock:
 *  - `state`, `linaddr` and `secs` together, which decide an access at a TLB fill
 *    (epcm_view(), access.c);
 *  - `secs` of a valid child page: the parent cannot go before its children,
 *    so whoever holds a valid child locked may use its SECS entry.
 */
#ifndef EXCLAVE_SGX_EPCM_H
#define EXCLAVE_SGX_EPCM_H

#include "lib/x86.h"
#include "sgx/arch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * EPCM entry state. Bits 0..2 and 8..15 lie where SECINFO.FLAGS has them, so
 * that a mask turns one into the other; so do PENDING, MODIFIED and PR.
 *
 *  63..32 epoch: the parent's epoch at the last EBLOCK, EMODPR or EMODT
 *  17     BLOCKED
 *  16     VALID
 *  15..8  PT
 *  5,4,3  PR, MODIFIED, PENDING
 *  2,1,0  X, W, R
 */
#define EPCM_R           SGX_SECINFO_R
#define EPCM_W           SGX_SECINFO_W
#define EPCM_X           SGX_SECINFO_X
#define EPCM_RWX         SGX_SECINFO_RWX
#define EPCM_PENDING     SGX_SECINFO_PENDING
#define EPCM_MODIFIED    SGX_SECINFO_MODIFIED
#define EPCM_PR          SGX_SECINFO_PR
#define EPCM_PT_MASK     SGX_SECINFO_PT_MASK
#define EPCM_SECINFO     (EPCM_RWX | EPCM_PENDING | EPCM_MODIFIED | EPCM_PR | EPCM_PT_MASK)
#define EPCM_VALID       (UINT64_C(1) << 16)
#define EPCM_BLOCKED     (UINT64_C(1) << 17)
#define EPCM_EPOCH_SHIFT 32
#define EPCM_FLAGS_MASK  UINT64_C(0xffffffff)

#define EPCM_PT(type) ((uint64_t)(type) << SGX_SECINFO_PT_SHIFT)

/*
 * The lock word: readers in the low half, then one bit for each kind of
 * holder. A SECS entry has two more, for the two things that leaves on its
 * children share.
 */
#define EPCM_LOCK_READERS UINT32_C(0x0000ffff)
#define EPCM_LOCK_TRACK   (UINT32_C(1) << 28) /* SECS: a tracking cycle is being started */
#define EPCM_LOCK_MEASURE (UINT32_C(1) << 29) /* SECS: MRENCLAVE and INIT */
#define EPCM_LOCK_SGX2    (UINT32_C(1) << 30) /* one SGX2 leaf among the shared holders */
#define EPCM_LOCK_EXCL    (UINT32_C(1) << 31)

struct epcm_entry {
	_Atomic uint32_t lock;
	_Atomic uint32_t seq; /* grows with exclusive holders: even when there is none */
	_Atomic uint64_t state;
	_Atomic uint64_t linaddr;        /* ENCLAVEADDRESS */
	struct epcm_entry *_Atomic secs; /* ENCLAVESECS */
	uint8_t *_Atomic page;           /* contents; set at the first look-up, then constant */

	/* PT_SECS only. */
	_Atomic uint64_t track; /* track.h */
	_Atomic uint32_t children;
	_Atomic uint32_t watched; /* any page: the embedder wants page_changed() notices */
	union {
		_Atomic uint64_t context;     /* PT_SECS: ENCLAVECONTEXT */
		_Atomic uint64_t activations; /* PT_TCS: counts entries (enclu/entry.h) */
	};
};
_Static_assert(sizeof(struct epcm_entry) == 64, "one cache line for each EPC page");

static inline uint64_t epcm_state(const struct epcm_entry *e)
{
	return atomic_load_explicit(&e->state, memory_order_acquire);
}

static inline bool epcm_is_valid(uint64_t state)
{
	return state & EPCM_VALID;
}

static inline enum sgx_page_type epcm_pt(uint64_t state)
{
	return (enum sgx_page_type)((state & EPCM_PT_MASK) >> SGX_SECINFO_PT_SHIFT);
}

/* VALID and of type @pt, whatever the other bits say. */
static inline bool epcm_is(uint64_t state, enum sgx_page_type pt)
{
	return (state & (EPCM_VALID | EPCM_PT_MASK)) == (EPCM_VALID | EPCM_PT(pt));
}

static inline uint32_t epcm_epoch(uint64_t state)
{
	return (uint32_t)(state >> EPCM_EPOCH_SHIFT);
}

static inline uint64_t epcm_with_epoch(uint64_t state, uint32_t epoch)
{
	return (state & EPCM_FLAGS_MASK) | (uint64_t)epoch << EPCM_EPOCH_SHIFT;
}

static inline gva_t epcm_linaddr(const struct epcm_entry *e)
{
	return atomic_load_explicit(&e->linaddr, memory_order_relaxed);
}

static inline struct epcm_entry *epcm_secs(const struct epcm_entry *e)
{
	return atomic_load_explicit(&e->secs, memory_order_relaxed);
}

static inline void *epcm_page(const struct epcm_entry *e)
{
	return atomic_load_explicit(&e->page, memory_order_relaxed);
}

/* Does the page have a parent, that is, does it count as a child of a SECS? */
static inline bool epcm_has_parent(uint64_t state)
{
	enum sgx_page_type pt = epcm_pt(state);

	return pt != SGX_PAGE_TYPE_SECS && pt != SGX_PAGE_TYPE_VA;
}

/* What an entry said at one moment, read without its lock. */
struct epcm_view {
	uint64_t state;
	gva_t linaddr;
	const struct epcm_entry *secs;
};

struct epcm_view epcm_view(const struct epcm_entry *e);

/*
 * May enclave @secs access its page at @gva with all of @rights (EPCM_R, _W, _X)?
 * SDM "Access-control Requirements": a valid regular page of that enclave and
 * address, in no transitional state.
 */
bool epcm_allows(const struct epcm_view *view, const struct epcm_entry *secs, gva_t gva,
		 uint64_t rights);

enum epcm_mode {
	EPCM_SHARED,
	EPCM_EXCLUSIVE,
};

/*
 * Locks one page. Holders inside the model never sleep, so this waits for them;
 * it gives up only after the lock patience (patience.h).
 * Return: false when it gave up, the caller then reports the conflict that SDM
 * "Concurrency Restrictions" of its leaf names.
 */
static inline bool epcm_lock(struct epcm_entry *e, enum epcm_mode mode);
static inline void epcm_unlock(struct epcm_entry *e, enum epcm_mode mode);

struct epcm_claim {
	struct epcm_entry *entry;
	enum epcm_mode mode;
};

/*
 * Locks up to EPCM_MAX_CLAIMS pages in address order, whatever the order of
 * @claims, so that two leaves that name each other's pages do not deadlock. One
 * page may be claimed twice; the stronger mode counts.
 * Return: -1 with all of them locked, or the index of the claim that could not
 * be had, with none of them locked.
 */
#define EPCM_MAX_CLAIMS 3
int epcm_lock_set(const struct epcm_claim *claims, unsigned int count);
void epcm_unlock_set(const struct epcm_claim *claims, unsigned int count);
/* For who has only looked: `seq` is what it was before, so nobody has to look again. */
void epcm_unlock_set_unchanged(const struct epcm_claim *claims, unsigned int count);

/*
 * Could all of them be locked this moment? Then a leaf that only wants to know whether it is
 * worth going on may look without locks: it locks and looks again later. Refused is nothing before
 * it has been looked at locked, since half of a change may have been seen.
 */
static inline bool epcm_set_is_free(const struct epcm_claim *claims, unsigned int count);

/* EPCM_LOCK_SGX2, EPCM_LOCK_MEASURE or EPCM_LOCK_TRACK; as epcm_lock(). */
static inline bool epcm_bit_lock(struct epcm_entry *e, uint32_t bit);
static inline void epcm_bit_unlock(struct epcm_entry *e, uint32_t bit);
/* Waits until nobody holds @bit, without taking it. Return: false as epcm_lock(). */
bool epcm_bit_wait(struct epcm_entry *e, uint32_t bit);

/*
 * The target of an SGX2 leaf: shared with others, but alone among SGX2 leaves.
 * EPCM_SHARED and EPCM_LOCK_SGX2 in one. Return: false as epcm_lock().
 */
bool epcm_lock_sgx2(struct epcm_entry *e);
void epcm_unlock_sgx2(struct epcm_entry *e);

/*
 * Changes of an entry; the caller holds it exclusively.
 * epcm_make_valid() publishes a page whose contents are complete; @state has
 * VALID. For a child, @secs is locked shared and gains a child.
 */
void epcm_make_valid(struct epcm_entry *e, uint64_t state, gva_t linaddr, struct epcm_entry *secs);
void epcm_make_invalid(struct epcm_entry *e);

/*
 * Clears @clear and then sets @set; the caller holds the entry shared, so other
 * shared holders may change other bits meanwhile.
 */
void epcm_change_flags(struct epcm_entry *e, uint64_t clear, uint64_t set);

#include "sgx/epcm_lock.h"

#endif
