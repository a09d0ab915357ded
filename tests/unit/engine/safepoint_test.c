// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What happens between two vCPUs that come to new code and a third one that may write there and
 * is slow to answer. The third one is the test itself: it has run, and then is where translated
 * code would be for as long as the test wants.
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

#define WRITER 2u

#define PATIENCE_SECONDS 20

/* A thread that runs a vCPU. */
struct runner {
	struct engine_vcpu *v;
	pthread_t thread;
	uintptr_t reason;
	_Atomic bool is_done;
};

static void *run(void *arg)
{
	struct runner *r = arg;

	r->reason = engine_run(r->v);
	atomic_store(&r->is_done, true);
	return NULL;
}

static void run_from(struct smp *p, struct runner *r, unsigned int n, unsigned int page)
{
	*r = (struct runner){.v = p->v[n]};
	smp_prepare(p, n, page);
	assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
}

/* movb $1, 0x800(PAGE_FUN); hlt */
static const uint8_t writer[] = {0xbb, 0x00, 0x28, 0x00, 0x40, 0xc6, 0x03, 0x01, 0xf4};

/* Where the writer's translated code would write to PAGE_FUN without asking, or NULL. */
static uint8_t *write_entry(struct smp *p)
{
	return tlb_lookup(&p->v[WRITER]->tlb[ENGINE_MMU_KERNEL], CODE + PAGE_FUN * PAGE_SIZE, true);
}

/* The writer has written to PAGE_FUN, and is running. */
static void start_with_writer(struct smp *p, const uint8_t *code, size_t size)
{
	smp_start(p, 3, 0);
	memcpy(smp_page(p, PAGE_A), writer, sizeof(writer));
	memcpy(smp_page(p, PAGE_FUN), code, size);
	smp_prepare(p, 0, PAGE_A);
	smp_prepare(p, WRITER, PAGE_A);
	assert_int_equal(engine_run(p->v[WRITER]), ENGINE_EXIT_HLT);
	assert_non_null(write_entry(p));
	safepoint_enter(p->v[WRITER]);
}

/* Until @r waits, as the @nth one, for the writer to drop its entry; or does not. */
static void let_it_ask(struct smp *p, struct runner *r, unsigned int nth)
{
	const time_t end = time(NULL) + PATIENCE_SECONDS;
	unsigned int asked;

	do {
		sched_yield();
		engine_lock_translate(p->m.engine);
		asked = p->v[WRITER]->protect_count;
		engine_unlock_translate(p->m.engine);
	} while (asked < nth && !atomic_load(&r->is_done) && time(NULL) < end);
}

/* Once more from the start, by the guest's own jump: after what the VMM does, pages are compared. */
static void expect_rax_again(struct engine_vcpu *v, uint64_t value)
{
	assert_int_equal(engine_run(v), ENGINE_EXIT_HLT);
	assert_int_equal(v->cpu.state.gpr[X86_RAX], value);
}

/*
 * Both come to a page that is new as code, the second one while the first waits. The writer's
 * store comes before its answer, through the entry that it still has: whoever runs the page
 * afterwards must find it, also who has not waited.
 */
static void page_written_while_two_translate_it_is_executed_as_written(void **state)
{
	/* 1: mov $1, %eax; hlt; jmp 1b */
	static const uint8_t function[] = {0xb8, 1, 0, 0, 0, 0xf4, 0xeb, 0xf8};
	struct runner r[2];
	struct smp p;

	(void)state;
	start_with_writer(&p, function, sizeof(function));
	for (unsigned int n = 0; n < 2; n++) {
		run_from(&p, &r[n], n, PAGE_FUN);
		let_it_ask(&p, &r[n], n + 1);
	}
	write_entry(&p)[1] = 2;
	for (unsigned int n = 0; n < 2; n++)
		if (atomic_load(&r[n].is_done))
			expect_rax_again(p.v[n], 2);
	safepoint_serve(p.v[WRITER]);
	assert_null(write_entry(&p));
	safepoint_leave(p.v[WRITER]);
	for (unsigned int n = 0; n < 2; n++) {
		pthread_join(r[n].thread, NULL);
		assert_int_equal(r[n].reason, ENGINE_EXIT_HLT);
		expect_rax_again(p.v[n], 2);
	}
	smp_end(&p);
}

/* Who waits is asked to drop write entries, and does so at once. */
static void ask_who_waits(struct smp *p, struct runner *r)
{
	struct engine_vcpu *v = r->v;

	smp_ask_for_protection(v, smp_page(p, PAGE_DATA));
	engine_kick(v);
	waits_notify(&p->m.engine->waits);
	while ((atomic_load(&v->request) & REQUEST_PROTECT) && !atomic_load(&r->is_done))
		sched_yield();
}

static void leave_by_immediate_exit(struct engine_vcpu *v)
{
	__atomic_store_n(&v->run_page[1], 1, __ATOMIC_SEQ_CST);
	engine_kick(v);
}

static bool is_done_soon(struct runner *r)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	const time_t end = time(NULL) + PATIENCE_SECONDS;

	while (!atomic_load(&r->is_done) && time(NULL) < end)
		nanosleep(&pause, NULL);
	return atomic_load(&r->is_done);
}

/* Counts until told to go on, takes that back, and jumps to where it has not been yet. */
static const uint8_t looper[] = {
	0xbb, 0x00, 0x30, 0x00, 0x40,    /* mov $CODE + 0x3000, %ebx */
	0xb9, 0x00, 0x20, 0x00, 0x40,    /* mov $CODE + 0x2000, %ecx */
	0xba, 0x11, 0x10, 0x00, 0x40,    /* mov $1f, %edx */
	0xff, 0xe2,                      /* jmp *%rdx */
	0xff, 0x43, 0x04,                /* 1: incl 4(%rbx) */
	0x83, 0x3b, 0x00,                /* cmpl $0, (%rbx) */
	0x74, 0xf8,                      /* je 1b */
	0xc7, 0x03, 0,    0,    0,    0, /* movl $0, (%rbx) */
	0xff, 0xe1,                      /* jmp *%rcx */
};
#define ENOUGH_ROUNDS 100u

/*
 * A vCPU that waits at new code is told to leave, and asked something that it answers there. The
 * new code leads back into the loop by a jump that translated code makes by itself: it does not
 * pass the run loop.
 */
static void kick_while_it_waits(void (*leave)(struct engine_vcpu *v))
{
	static const uint8_t jump_back[] = {0xff, 0xe2}; /* jmp *%rdx */
	_Atomic uint32_t *data;
	struct runner r;
	struct smp p;
	bool left;

	start_with_writer(&p, jump_back, sizeof(jump_back));
	memcpy(smp_page(&p, PAGE_B), looper, sizeof(looper));
	data = (_Atomic uint32_t *)(void *)smp_page(&p, PAGE_DATA);
	run_from(&p, &r, 0, PAGE_B);
	while (atomic_load(&data[1]) < ENOUGH_ROUNDS)
		sched_yield();
	atomic_store(&data[0], 1);
	let_it_ask(&p, &r, 1);
	leave(p.v[0]);
	ask_who_waits(&p, &r);
	assert_false(atomic_load(&r.is_done));
	safepoint_leave(p.v[WRITER]);
	left = is_done_soon(&r);
	engine_kick(p.v[0]);
	pthread_join(r.thread, NULL);
	assert_int_equal(r.reason, ENGINE_EXIT_KICK);
	smp_end(&p);
	assert_true(left);
}

static void kick_while_waiting_for_another_is_taken(void **state)
{
	(void)state;
	kick_while_it_waits(leave_by_immediate_exit);
	kick_while_it_waits(engine_request_exit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_written_while_two_translate_it_is_executed_as_written),
		cmocka_unit_test(kick_while_waiting_for_another_is_taken),
	};

	return cmocka_run_group_tests_name("safepoint", tests, NULL, NULL);
}
