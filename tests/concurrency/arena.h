/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where threads meet: an embedder with a processor for each of them, an enclave that
 * is built before they start, and threads that repeat a function until time is up.
 */
#ifndef EXCLAVE_TESTS_CONCURRENCY_ARENA_H
#define EXCLAVE_TESTS_CONCURRENCY_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "builder.h"

#include <pthread.h>

#define CPUS          4
#define WINDOW        UINT64_C(0x10000000)
#define WINDOW_PAGES  192
#define RAM_PAGES     (CPUS * 4)
#define EPC_PAGES     32
#define EPC_AT        (WINDOW + PAGES(64))
#define EPC_HPA       UINT64_C(0x180000000)
#define ENCLAVE_AT    (WINDOW + PAGES(128))
#define ENCLAVE_BYTES PAGES(16)
#define AEP           UINT64_C(0x7000)

/* What threads count: each test has its own names for them. */
#define COUNTERS 6

struct arena;

struct thread {
	struct arena *arena;
	struct embedder *embedder;
	struct builder builder;
	unsigned int index; /* of thread, processor and argument pages */
	uint64_t seed;      /* of draw() */
	void (*repeat)(struct thread *t);
	_Atomic unsigned int count[COUNTERS];
	/* The first thing that went wrong: cmocka's assertions are for the main thread. */
	const char *wrong;
	const struct sgx_check *conflict;
	pthread_t id;
};

struct arena {
	struct embedder *embedder;
	struct thread threads[CPUS];
	unsigned int thread_count;
	unsigned int steps; /* of ten milliseconds, at least */
	_Atomic bool stop;
	void *own; /* the test's */
};

int arena_setup(void **state);
int arena_teardown(void **state);
#define arena_test(function) cmocka_unit_test_setup_teardown(function, arena_setup, arena_teardown)

/* The next thread of @arena repeats @repeat. */
struct thread *arena_add(struct arena *arena, void (*repeat)(struct thread *t));

/*
 * Runs the threads for a time, and longer on a slow machine: until the first
 * @counters counts are high enough for the test to mean something. Fails when they
 * never are, for what the threads found wrong, and for what the EPC has broken.
 */
void arena_run(struct arena *arena, unsigned int counters);

/* Of all threads together. */
unsigned int arena_count(const struct arena *arena, unsigned int counter);

/* Below @below; repeatable for a seed. */
uint32_t draw(struct thread *t, uint32_t below);

/* Keeps the first @what, unless @ok. Return: @ok. */
bool expect(struct thread *t, bool ok, const char *what);

/* Run a leaf on the thread's processor; a conflict of locks is always wrong. */
struct leaf_result encls(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);
struct leaf_result enclu(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);

static inline gva_t epc_gva(unsigned int page)
{
	return EPC_AT + PAGES(page);
}

static inline gva_t enclave_gva(unsigned int page)
{
	return ENCLAVE_AT + PAGES(page);
}

struct epcm_entry *entry_of(struct arena *arena, unsigned int epc_page);

/*
 * Before the threads start: an enclave with its SECS in EPC page 0 and its pages in
 * those behind it, page i in EPC page i + 1: TCSs, an SSA frame for each, data. All
 * are mapped. It is marked initialised behind the architecture's back: signing takes
 * long. Then a VA page in EPC page VA_EPC.
 */
#define VA_EPC 30
void arena_build(struct arena *arena, uint64_t attributes, unsigned int threads, unsigned int data);

/* A page out to the thread's own memory, with its version in @slot, and in again. */
struct leaf_result page_out(struct thread *t, gva_t epc, gva_t slot);
struct leaf_result page_in(struct thread *t, uint32_t leaf, gva_t epc, gva_t slot, gva_t linaddr,
			   gva_t secs);

/* EAUG of the page at @linaddr. */
struct leaf_result augment(struct thread *t, gva_t epc, gva_t linaddr, gva_t secs);

#endif
