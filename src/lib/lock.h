/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of locks in the order in which they may be taken: a thread that
 * holds a lock takes only locks that stand below it in the list. Debug builds
 * check this at every acquisition; docs/locking.md says what each one protects.
 */
#ifndef EXCLAVE_LIB_LOCK_H
#define EXCLAVE_LIB_LOCK_H

#include <stddef.h>

#define LOCK_RANKS(X)                                        \
	X(LOCK_VCPU, "ioctl of a vCPU")                      \
	X(LOCK_VM, "VM")                                     \
	X(LOCK_REGIONS, "memory regions of a VM")            \
	X(LOCK_MEMSLOTS, "memory slots of a VM")             \
	X(LOCK_ENGINES, "list of engines")                   \
	X(LOCK_VCPUS, "vCPUs of an engine")                  \
	X(LOCK_TRANSLATE, "code cache of a VM")              \
	X(LOCK_IO_BUS, "ioeventfds and coalesced zones")     \
	X(LOCK_MSR_FILTER, "MSR filter")                     \
	X(LOCK_CLOCK, "clock of a VM")                       \
	X(LOCK_IRQFD, "irqfds of a VM")                      \
	X(LOCK_IRQ_ROUTING, "interrupt routes of a VM")      \
	X(LOCK_PIT, "interval timer")                        \
	X(LOCK_PIC, "pair of 8259As")                        \
	X(LOCK_IOAPIC, "I/O APIC")                           \
	X(LOCK_LAPIC, "local APIC")                          \
	X(LOCK_SERVICE, "service thread of a VM")            \
	X(LOCK_VEPC_MAP, "mappings of virtual EPC")          \
	X(LOCK_VEPC, "virtual EPC")                          \
	X(LOCK_VEPC_ZOMBIES, "zombie SECS pages")            \
	X(LOCK_EPC_POOL, "free EPC pages")                   \
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
 * lock_acquire() is called before waiting, lock_release() after the release. @lock
 * tells the locks of one rank apart, of which a thread may hold several that it took
 * in the order of their addresses. lock_rank_acquire() and lock_rank_release() are
 * for ranks of which a thread holds one.
 */
#ifdef EXCLAVE_DEBUG_LOCKS
void lock_acquire(enum lock_rank rank, const void *lock);
void lock_release(enum lock_rank rank, const void *lock);
/*
 * No lock at all is held: asserted before whatever may sleep or wait for another page's
 * holder. LOCK_VCPU does not count: nobody waits for it but who wants the same vCPU.
 */
void lock_assert_none_held(void);
#else
static inline void lock_acquire(enum lock_rank rank, const void *lock)
{
	(void)rank;
	(void)lock;
}

static inline void lock_release(enum lock_rank rank, const void *lock)
{
	(void)rank;
	(void)lock;
}

static inline void lock_assert_none_held(void)
{
}
#endif

static inline void lock_rank_acquire(enum lock_rank rank)
{
	lock_acquire(rank, NULL);
}

static inline void lock_rank_release(enum lock_rank rank)
{
	lock_release(rank, NULL);
}

#endif
