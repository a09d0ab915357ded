// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes on while a thread is inside: others come in, interrupts take it out. */
#include "enclave.h"

#include <immintrin.h>

static uint64_t inside, arrived, most, total;

static void note_most(uint64_t now)
{
	uint64_t seen = __atomic_load_n(&most, __ATOMIC_RELAXED);

	while (seen < now && !__atomic_compare_exchange_n(&most, &seen, now, false,
							  __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Waits inside until all threads are, then counts together with them. */
void call_meet(struct call_frame *f)
{
	note_most(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST));
	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < f->meet.threads)
		_mm_pause();
	for (uint64_t i = 0; i < f->meet.rounds; i++)
		__atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	f->meet.most = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
	f->meet.total = __atomic_load_n(&total, __ATOMIC_SEQ_CST);
}

/* No exit leaves this in the SSA: it is not an address. */
#define NO_EXIT UINT64_C(0x5a5a5a5a5a5a5a5a)
/* Between two looks at the SSA, and at whether to stop. */
#define LOOK_ROUNDS 64

void call_storm(struct call_frame *f, uint64_t thread)
{
	struct sgx_gprsgx *gpr =
		(struct sgx_gprsgx *)(enclave_ssa + (thread + 1) * SGX_PAGE_SIZE) - 1;
	volatile uint64_t *exit_rip = &gpr->rip;
	const volatile uint32_t *stop = (const volatile uint32_t *)f->storm.stop;
	uint64_t round = 0, sum = 0, exits = 0;

	if (!is_outside((const void *)f->storm.stop, sizeof(*stop))) {
		f->status = CALL_BAD_ADDRESS;
		return;
	}
	*exit_rip = NO_EXIT;
	do {
		for (unsigned int i = 0; i < LOOK_ROUNDS; i++)
			sum = storm_round(sum, round++);
		if (*exit_rip != NO_EXIT) {
			*exit_rip = NO_EXIT;
			exits++;
		}
	} while (!*stop);
	f->storm.rounds = round;
	f->storm.checksum = sum;
	f->storm.exits = exits;
}

void call_gaps(struct call_frame *f)
{
	if (is_outside((const void *)f->gaps.counter, sizeof(uint32_t)))
		gaps_collect(&f->gaps);
	else
		f->status = CALL_BAD_ADDRESS;
}
