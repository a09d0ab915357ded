// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sgx_watch_page() while a leaf changes the page: the watcher reads the new contents,
 * or it is told of them. To lose both takes two processors whose stores wait in their
 * store buffers, so both sides meet at one moment, again and again.
 */
#include "enclave.h"
#include "tests.h"

#include <pthread.h>
#include <sched.h>

#define RACE_ROUNDS 50000
#define RACE_DELAYS 200

struct race {
	struct sgx_platform *platform;
	const struct sgx_gprsgx *gprsgx;
	_Atomic unsigned int started;
	_Atomic unsigned int watched;
	uint64_t seen;
	_Atomic unsigned int notices;
};

static void wait_for(_Atomic unsigned int *counter, unsigned int value)
{
	for (unsigned int spins = 1; atomic_load(counter) < value; spins++) {
		cpu_relax();
		if (spins % 1000 == 0)
			sched_yield();
	}
}

static void count_notice(void *ctx, hpa_t hpa)
{
	struct race *race = ctx;

	atomic_fetch_add(&race->notices, 1);
}

/* What a translator does, each time at another moment. */
static void *watch_again_and_again(void *arg)
{
	struct race *race = arg;

	for (unsigned int i = 1; i <= RACE_ROUNDS; i++) {
		wait_for(&race->started, i);
		for (unsigned int delay = i % RACE_DELAYS; delay; delay--)
			__asm__ volatile("");
		sgx_watch_page(race->platform, EPC_HPA + PAGES(SSA0_PAGE));
		race->seen = __atomic_load_n(&race->gprsgx->ursp, __ATOMIC_RELAXED);
		atomic_store(&race->watched, i);
	}
	return NULL;
}

/* Without the fixture's comparisons, beside which the leaf would take no time. */
static void run(struct fixture *f, uint32_t leaf, uint64_t rbx)
{
	f->state->gpr[X86_RAX] = leaf;
	f->state->gpr[X86_RBX] = rbx;
	f->state->gpr[X86_RCX] = AEP_GVA;
	sgx_enclu(f->cpu);
}

static void watch_races_with_change_never_lost(void **state)
{
	struct fixture *f = *state;
	struct race race = {.platform = f->cpu->platform};
	unsigned int lost = 0, entered = 0;
	pthread_t thread;

	make_enclave(f);
	race.gprsgx = frame_gprsgx(f, 0);
	race.platform->page_changed = count_notice;
	race.platform->page_changed_ctx = &race;
	f->state->cpl = 3;
	assert_int_equal(pthread_create(&thread, NULL, watch_again_and_again, &race), 0);
	/* Nothing may fail before the thread has ended. */
	for (unsigned int i = 1; i <= RACE_ROUNDS; i++) {
		atomic_store(&race.notices, 0);
		atomic_store(&race.started, i);
		f->state->gpr[X86_RSP] = i;
		run(f, EENTER, TCS_GVA); /* writes URSP */
		wait_for(&race.watched, i);
		entered += sgx_in_enclave(f->cpu);
		lost += race.seen != i && !atomic_load(&race.notices);
		run(f, EEXIT, AEP_GVA);
		atomic_store(&epcm_of(f, SSA0_PAGE)->watched, 0);
	}
	pthread_join(thread, NULL);
	assert_int_equal(entered, RACE_ROUNDS);
	assert_int_equal(lost, 0);
}

const struct CMUnitTest watch_race_tests[] = {
	sgx_test(watch_races_with_change_never_lost),
};
const size_t watch_race_test_count = ARRAY_SIZE(watch_race_tests);
