// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EACCEPT" while another processor runs a leaf on the same page. */
#include "tests.h"

#include <pthread.h>
#include <sched.h>

#define TARGET_PAGE 8
#define TARGET_GVA  (ENCLAVE_BASE + PAGES(8))
#define PENDING_RW  (EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING)
#define ACCEPTED_RW (EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W)

#define RACE_ROUNDS 20000
#define RACE_DELAYS 100

/* Both sides spin on the rounds: anything that sleeps would keep them apart. */
struct race {
	struct epcm_entry *target;
	struct epcm_entry *secs;
	_Atomic unsigned int started;
	_Atomic unsigned int blocked;
};

static void wait_for(_Atomic unsigned int *counter, unsigned int value)
{
	for (unsigned int spins = 1; atomic_load(counter) < value; spins++) {
		cpu_relax();
		if (spins % 1000 == 0)
			sched_yield();
	}
}

/* What EBLOCK does to the page of a running enclave, each time at another moment. */
static void *block_again_and_again(void *arg)
{
	struct race *race = arg;

	for (unsigned int i = 1; i <= RACE_ROUNDS; i++) {
		wait_for(&race->started, i);
		for (unsigned int delay = i % RACE_DELAYS; delay; delay--)
			__asm__ volatile("");
		epcm_lock(race->target, EPCM_SHARED);
		track_mark_page(race->target, race->secs, 0, EPCM_BLOCKED);
		epcm_unlock(race->target, EPCM_SHARED);
		atomic_store(&race->blocked, i);
	}
	return NULL;
}

/* Both leaves have ended: the page shows what each of them did. */
static bool both_hold(struct leaf_result res, uint64_t state)
{
	uint64_t flags = state & EPCM_FLAGS_MASK;

	if (res.kind == LEAF_CODE)
		return !res.value && flags == (EPCM_VALID | EPCM_BLOCKED | ACCEPTED_RW);
	return res.kind == LEAF_FAULT && res.vector == PF_VECTOR &&
	       flags == (EPCM_VALID | EPCM_BLOCKED | PENDING_RW);
}

/* Neither conflicts with the other, and neither undoes what the other did. */
static void eaccept_races_with_eblock_both_hold(void **state)
{
	struct fixture *f = *state;
	struct race race = {.target = epcm_of(f, TARGET_PAGE), .secs = epcm_of(f, 0)};
	unsigned int lost = 0;
	pthread_t thread;
	uint64_t fresh;

	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	aug_page(f, 0, TARGET_PAGE, TARGET_GVA);
	enter_by_hand(f, 0);
	set_enclave_secinfo(f, PENDING_RW);
	fresh = epcm_state(race.target);
	assert_int_equal(pthread_create(&thread, NULL, block_again_and_again, &race), 0);
	/* Nothing may fail before the thread has ended. */
	for (unsigned int i = 1; i <= RACE_ROUNDS; i++) {
		struct leaf_result res;

		atomic_store(&race.target->state, fresh);
		atomic_store(&race.started, i);
		res = run_enclu(&f->cpus[0], EACCEPT, ENCLAVE_SECINFO_GVA, TARGET_GVA, 0);
		wait_for(&race.blocked, i);
		lost += !both_hold(res, epcm_state(race.target));
	}
	pthread_join(thread, NULL);
	assert_int_equal(lost, 0);
}

const struct CMUnitTest eaccept_race_tests[] = {
	sgx_test(eaccept_races_with_eblock_both_hold),
};
const size_t eaccept_race_test_count = ARRAY_SIZE(eaccept_race_tests);
