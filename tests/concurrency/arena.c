// SPDX-License-Identifier: GPL-2.0-or-later
#include "arena.h"

#include "invariants.h"
#include "sgx/secs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP_MS   10
#define STEPS     50
#define LAST_STEP 2000 /* on a machine that is busy with other things */
#define ENOUGH    100

/* xorshift64*. */
uint32_t draw(struct thread *t, uint32_t below)
{
	t->seed ^= t->seed >> 12;
	t->seed ^= t->seed << 25;
	t->seed ^= t->seed >> 27;
	return (uint32_t)((t->seed * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}

int arena_setup(void **state)
{
	const struct embedder_config config = {
		.window = WINDOW,
		.window_pages = WINDOW_PAGES,
		.ram_pages = RAM_PAGES,
		.epc_pages = EPC_PAGES,
		.epc_hpa = EPC_HPA,
		.cpus = CPUS,
	};
	struct arena *arena = calloc(1, sizeof(*arena));

	*state = arena;
	if (!arena)
		return -1;
	arena->steps = STEPS;
	arena->embedder = embedder_new(&config);
	if (!arena->embedder)
		return -1;
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		embedder_map_epc(arena->embedder, epc_gva(i), i, PTE_ALL);
	return 0;
}

int arena_teardown(void **state)
{
	struct arena *arena = *state;

	if (arena->embedder)
		embedder_free(arena->embedder);
	free(arena);
	return 0;
}

struct thread *arena_add(struct arena *arena, void (*repeat)(struct thread *t))
{
	struct thread *t = &arena->threads[arena->thread_count];

	assert_true(arena->thread_count < CPUS);
	*t = (struct thread){
		.arena = arena,
		.embedder = arena->embedder,
		.builder = builder_for(arena->embedder, arena->thread_count,
				       WINDOW + PAGES(4 * arena->thread_count)),
		.index = arena->thread_count++,
		.seed = UINT64_C(0x9E3779B97F4A7C15) + arena->thread_count,
		.repeat = repeat,
	};
	return t;
}

static void *run_thread(void *arg)
{
	struct thread *t = arg;

	while (!atomic_load(&t->arena->stop))
		t->repeat(t);
	return NULL;
}

static bool have_enough(const struct arena *arena, unsigned int counters)
{
	for (unsigned int i = 0; i < counters; i++)
		if (arena_count(arena, i) < ENOUGH)
			return false;
	return true;
}

static void wait_for_threads(struct arena *arena, unsigned int counters)
{
	const struct timespec ms = {.tv_nsec = STEP_MS * 1000000};

	for (unsigned int i = 0; i < LAST_STEP && !atomic_load(&arena->stop); i++) {
		if (i >= arena->steps && have_enough(arena, counters))
			break;
		nanosleep(&ms, NULL);
	}
	atomic_store(&arena->stop, true);
}

static void report_wrong(const struct thread *t)
{
	if (t->conflict)
		fail_msg("thread %u: conflict: %s: %s", t->index, t->conflict->leaf,
			 t->conflict->rule);
	if (t->wrong)
		fail_msg("thread %u: %s", t->index, t->wrong);
}

void arena_run(struct arena *arena, unsigned int counters)
{
	const char *violation;

	for (unsigned int i = 0; i < arena->thread_count; i++) {
		struct thread *t = &arena->threads[i];

		assert_int_equal(pthread_create(&t->id, NULL, run_thread, t), 0);
	}
	wait_for_threads(arena, counters);
	for (unsigned int i = 0; i < arena->thread_count; i++)
		pthread_join(arena->threads[i].id, NULL);
	for (unsigned int i = 0; i < arena->thread_count; i++)
		report_wrong(&arena->threads[i]);
	violation = epcm_find_violation(arena->embedder);
	if (violation)
		fail_msg("%s", violation);
	/* Threads that hit nothing prove nothing. */
	for (unsigned int i = 0; i < counters; i++)
		assert_in_range(arena_count(arena, i), ENOUGH, UINT32_MAX);
}

unsigned int arena_count(const struct arena *arena, unsigned int counter)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < arena->thread_count; i++)
		sum += arena->threads[i].count[counter];
	return sum;
}

bool expect(struct thread *t, bool ok, const char *what)
{
	if (ok)
		return true;
	if (!t->wrong)
		t->wrong = what;
	atomic_store(&t->arena->stop, true);
	return false;
}

/* The checks that wait for other holders of a lock. */
static bool is_conflict(const struct sgx_check *check)
{
	static const char *const waits[] = {"epcm_lock", "epcm_bit_", "conflict", "attempt"};

	for (unsigned int i = 0; i < ARRAY_SIZE(waits); i++)
		if (strstr(check->rule, waits[i]))
			return true;
	return false;
}

static struct leaf_result finish(struct thread *t, struct leaf_result res)
{
	const struct sgx_check *check = t->builder.c->cpu.refused_by;

	if (!leaf_succeeded(res) && check && is_conflict(check)) {
		t->conflict = check;
		expect(t, false, "a conflict");
	}
	t->builder.c->cpu.refused_by = NULL;
	return res;
}

struct leaf_result encls(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return finish(t, run_encls(t->builder.c, leaf, rbx, rcx, rdx));
}

struct leaf_result enclu(struct thread *t, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return finish(t, run_enclu(t->builder.c, leaf, rbx, rcx, rdx));
}

struct epcm_entry *entry_of(struct arena *arena, unsigned int epc_page)
{
	return epc_lookup(&arena->embedder->platform.epc, EPC_HPA + PAGES(epc_page));
}

static void add_page(struct arena *arena, const struct builder *b, unsigned int page,
		     unsigned int threads)
{
	const gva_t epc = epc_gva(1 + page), linaddr = enclave_gva(page);
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	const struct sgx_tcs tcs = {.ossa = PAGES(threads + page), .nssa = 1};
	struct leaf_result res;

	memset(builder_ram(b, b->source), 0, SGX_PAGE_SIZE);
	if (page < threads)
		res = build_tcs(b, epc_gva(0), epc, linaddr, &tcs);
	else
		res = build_page(b, epc_gva(0), epc, linaddr, rw);
	assert_int_equal(res.kind, LEAF_OK);
	embedder_map_epc(arena->embedder, linaddr, 1 + page, PTE_ALL);
}

void arena_build(struct arena *arena, uint64_t attributes, unsigned int threads, unsigned int data)
{
	const struct builder b = builder_for(arena->embedder, 0, WINDOW);
	struct leaf_result res;

	res = build_secs(&b, epc_gva(0), ENCLAVE_AT, ENCLAVE_BYTES, attributes);
	assert_int_equal(res.kind, LEAF_OK);
	for (unsigned int i = 0; i < 2 * threads + data; i++)
		add_page(arena, &b, i, threads);
	secs_of(entry_of(arena, 0))->attributes |= SGX_ATTR_INIT;
	res = run_encls(b.c, EPA, SGX_PAGE_TYPE_VA, epc_gva(VA_EPC), 0);
	assert_int_equal(res.kind, LEAF_OK);
}

static gva_t blob(const struct thread *t)
{
	return t->builder.args + PAGES(2);
}

struct leaf_result page_out(struct thread *t, gva_t epc, gva_t slot)
{
	*builder_pageinfo(&t->builder) =
		(struct sgx_pageinfo){.srcpge = blob(t), .secinfo = builder_pcmd_gva(&t->builder)};
	return encls(t, EWB, t->builder.args, epc, slot);
}

struct leaf_result page_in(struct thread *t, uint32_t leaf, gva_t epc, gva_t slot, gva_t linaddr,
			   gva_t secs)
{
	*builder_pageinfo(&t->builder) = (struct sgx_pageinfo){
		.srcpge = blob(t),
		.secinfo = builder_pcmd_gva(&t->builder),
		.linaddr = linaddr,
		.secs = secs,
	};
	return encls(t, leaf, t->builder.args, epc, slot);
}

struct leaf_result augment(struct thread *t, gva_t epc, gva_t linaddr, gva_t secs)
{
	*builder_pageinfo(&t->builder) = (struct sgx_pageinfo){.linaddr = linaddr, .secs = secs};
	return encls(t, EAUG, t->builder.args, epc, 0);
}
