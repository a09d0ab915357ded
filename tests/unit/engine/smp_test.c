// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two vCPUs on one code cache: what one of them writes the other executes, a
 * locked access that crosses a page is one access, and whoever waits for all vCPUs
 * does not wait for ever.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "smp_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#define ROUNDS 3000u

#define PASSES      500u
#define PASS_MAX_NS 300000u

static void *run(void *arg)
{
	struct engine_vcpu *v = arg;

	return (void *)(uintptr_t)engine_run(v);
}

static void run_both(struct smp *p)
{
	pthread_t thread[2];

	smp_prepare(p, 0, PAGE_A);
	smp_prepare(p, 1, PAGE_B);
	for (unsigned int n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&thread[n], NULL, run, p->v[n]), 0);
	for (unsigned int n = 0; n < 2; n++) {
		void *reason;

		pthread_join(thread[n], &reason);
		assert_int_equal((uintptr_t)reason, ENGINE_EXIT_HLT);
	}
}

/* rbx: the data; 0: what the function returned, 4: stop */
static const uint8_t caller[] = {
	0xbb, 0x00, 0x30, 0x00, 0x40, /* mov $CODE + 0x3000, %ebx */
	0xe8, 0xf6, 0x1f, 0x00, 0x00, /* 1: call CODE + 0x2000 */
	0x89, 0x03,                   /* mov %eax, (%rbx) */
	0x83, 0x7b, 0x04, 0x00,       /* cmpl $0, 4(%rbx) */
	0x74, 0xf3,                   /* je 1b */
	0xf4,                         /* hlt */
};

static const uint8_t function[] = {
	0xb8, 0x00, 0x00, 0x00, 0x00, /* mov $0, %eax: the immediate changes */
	0xc3,                         /* ret */
};

static const uint8_t changer[] = {
	0xbb, 0x00, 0x30, 0x00, 0x40,             /* mov $CODE + 0x3000, %ebx */
	0xb9, 0xb8, 0x0b, 0x00, 0x00,             /* mov $ROUNDS, %ecx */
	0x89, 0x8b, 0x01, 0xf0, 0xff, 0xff,       /* 1: mov %ecx, -0xfff(%rbx) */
	0x39, 0x0b,                               /* 2: cmp %ecx, (%rbx) */
	0x75, 0xfc,                               /* jne 2b */
	0xff, 0xc9,                               /* dec %ecx */
	0x75, 0xf2,                               /* jnz 1b */
	0xc7, 0x43, 0x04, 0x01, 0x00, 0x00, 0x00, /* movl $1, 4(%rbx) */
	0xf4,                                     /* hlt */
};
_Static_assert(ROUNDS == 0xbb8, "the constant in the code");

static void change_code(uint32_t debug)
{
	struct smp p;

	smp_start(&p, 2, debug);
	memcpy(smp_page(&p, PAGE_A), caller, sizeof(caller));
	memcpy(smp_page(&p, PAGE_B), changer, sizeof(changer));
	memcpy(smp_page(&p, PAGE_FUN), function, sizeof(function));
	run_both(&p);
	smp_end(&p);
}

static void code_of_one_vcpu_changed_by_other_is_executed(void **state)
{
	(void)state;
	change_code(0);
	change_code(ENGINE_DEBUG_NO_CHAIN);
	change_code(ENGINE_DEBUG_FAULT_MAP);
}

/* Each adds 1, ROUNDS times, to eight bytes of which four lie in the next page. */
static const uint8_t adder[] = {
	0xbb, 0xfc, 0x3f, 0x00, 0x40, /* mov $CODE + 0x3ffc, %ebx */
	0xb9, 0xb8, 0x0b, 0x00, 0x00, /* mov $ROUNDS, %ecx */
	0xf0, 0x48, 0x83, 0x03, 0x01, /* 1: lock addq $1, (%rbx) */
	0xff, 0xc9,                   /* dec %ecx */
	0x75, 0xf7,                   /* jnz 1b */
	0xf4,                         /* hlt */
};

static void locked_access_across_pages_is_one(void **state)
{
	/* The sum passes the border between the two halves. */
	uint64_t sum = UINT64_C(0xfffffff0);
	struct smp p;

	(void)state;
	smp_start(&p, 2, 0);
	memcpy(smp_page(&p, PAGE_A), adder, sizeof(adder));
	memcpy(smp_page(&p, PAGE_B), adder, sizeof(adder));
	memcpy(smp_page(&p, PAGE_DATA) + PAGE_SIZE - 4, &sum, sizeof(sum));
	run_both(&p);
	memcpy(&sum, smp_page(&p, PAGE_DATA) + PAGE_SIZE - 4, sizeof(sum));
	assert_int_equal(sum, UINT64_C(0xfffffff0) + 2 * ROUNDS);
	smp_end(&p);
}

static void *synchronize(void *arg)
{
	struct smp *p = arg;

	for (unsigned int i = 0; i < 300; i++)
		engine_synchronize(p->m.engine);
	return NULL;
}

/* Memory slots change while code changes, and somebody is alone now and then. */
static void synchronize_among_changes_returns(void **state)
{
	pthread_t thread;
	struct smp p;

	(void)state;
	smp_start(&p, 2, ENGINE_DEBUG_TINY_CACHE);
	memcpy(smp_page(&p, PAGE_A), caller, sizeof(caller));
	memcpy(smp_page(&p, PAGE_B), changer, sizeof(changer));
	memcpy(smp_page(&p, PAGE_FUN), function, sizeof(function));
	assert_int_equal(pthread_create(&thread, NULL, synchronize, &p), 0);
	run_both(&p);
	pthread_join(thread, NULL);
	smp_end(&p);
}

/* Stores to the data page until told to stop. */
static const uint8_t storer[] = {
	0xbb, 0x00, 0x30, 0x00, 0x40,    /* mov $CODE + 0x3000, %ebx */
	0xc7, 0x03, 1,    0,    0,    0, /* 1: movl $1, (%rbx) */
	0x83, 0x7b, 0x04, 0x00,          /* cmpl $0, 4(%rbx) */
	0x74, 0xf4,                      /* je 1b */
	0xf4,                            /* hlt */
};

/*
 * Dropping write entries takes nothing from who waits for the same: if it did, vCPUs that come to
 * new code at the same time would send each other back to the start again and again.
 */
static void protecting_while_waiting_for_protection_is_no_disturbance(void **state)
{
	_Atomic uint32_t *data;
	pthread_t thread;
	struct smp p;

	(void)state;
	smp_start(&p, 2, 0);
	memcpy(smp_page(&p, PAGE_B), storer, sizeof(storer));
	data = (_Atomic uint32_t *)(void *)smp_page(&p, PAGE_DATA);
	smp_prepare(&p, 0, PAGE_A);
	smp_prepare(&p, 1, PAGE_B);
	assert_int_equal(pthread_create(&thread, NULL, run, p.v[1]), 0);
	while (!atomic_load(&data[0]))
		sched_yield();
	safepoint_enter(p.v[0]);
	for (unsigned int i = 0; i < 200; i++) {
		smp_ask_for_protection(p.v[0], smp_page(&p, PAGE_FUN));
		assert_true(safepoint_protect(p.v[0], smp_page(&p, PAGE_DATA)));
	}
	safepoint_leave(p.v[0]);
	atomic_store(&data[1], 1);
	pthread_join(thread, NULL);
	smp_end(&p);
}

/* Waits for an even number in (%rbx), makes it odd, ROUNDS times; the other vCPU likewise for odd ones. */
static const uint8_t passer[] = {
	0xbb, 0x00,          0x30,        0x00, 0x40, /* mov $CODE + 0x3000, %ebx */
	0xb9, PASSES & 0xff, PASSES >> 8, 0x00, 0x00, /* mov $PASSES, %ecx */
	0xf3, 0x90,                                   /* 1: pause */
	0xf6, 0x03,          0x01,                    /* testb $1, (%rbx) */
	0x75, 0xf9,                                   /* jne 1b (je: the other one) */
	0xff, 0x03,                                   /* incl (%rbx) */
	0xff, 0xc9,                                   /* dec %ecx */
	0x75, 0xf3,                                   /* jnz 1b */
	0xf4,                                         /* hlt */
};
#define PASSER_JNE 15u

static uint64_t cpu_time_ns(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/*
 * Two vCPUs on one processor of the host pass a number to and fro. Who spins gives the processor
 * away, not only at the end of its time slice, which is some milliseconds.
 */
static void spinning_with_pause_lets_the_other_run(void **state)
{
	cpu_set_t before, one;
	struct smp p;
	uint64_t start_ns, spent_ns;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	CPU_ZERO(&one);
	CPU_SET((unsigned int)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	smp_start(&p, 2, 0);
	memcpy(smp_page(&p, PAGE_A), passer, sizeof(passer));
	memcpy(smp_page(&p, PAGE_B), passer, sizeof(passer));
	smp_page(&p, PAGE_B)[PASSER_JNE] = 0x74;
	start_ns = cpu_time_ns();
	run_both(&p);
	spent_ns = cpu_time_ns() - start_ns;
	assert_int_equal(smp_page(&p, PAGE_DATA)[0] | smp_page(&p, PAGE_DATA)[1] << 8, 2 * PASSES);
	smp_end(&p);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_true(spent_ns / (2 * PASSES) < PASS_MAX_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_of_one_vcpu_changed_by_other_is_executed),
		cmocka_unit_test(locked_access_across_pages_is_one),
		cmocka_unit_test(synchronize_among_changes_returns),
		cmocka_unit_test(protecting_while_waiting_for_protection_is_no_disturbance),
		cmocka_unit_test(spinning_with_pause_lets_the_other_run),
	};

	return cmocka_run_group_tests_name("smp", tests, NULL, NULL);
}
