// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Concurrency Restrictions", as far as software relies on what does not
 * conflict: leaves that Linux runs in parallel on one page or enclave, each pair by
 * threads of its own, with the patience that a running system has. No conflict may be
 * reported (arena.c looks at every leaf), both sides get their work done, and
 * ThreadSanitizer sees no race. That a conflict would be reported to who does not
 * wait, the tests of the leaves show.
 */
#include "arena.h"

#include "sgx/measure.h"
#include "sgx/secs.h"
#include "signer.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

static bool has_code(struct leaf_result res, enum sgx_return_code code)
{
	return (res.kind == LEAF_CODE || res.kind == LEAF_INFO) && res.value == (int32_t)code;
}

static bool is_fault(struct leaf_result res, uint8_t vector)
{
	return res.kind == LEAF_FAULT && res.vector == vector;
}

static void interrupt(struct thread *t)
{
	struct sgx_event event = {.type = SGX_EVENT_INTERRUPT};

	if (sgx_in_enclave(&t->builder.c->cpu))
		sgx_aex(&t->builder.c->cpu, &event);
}

/* Each thread has its page of the enclave and its slot. */
static void evict_own_page(struct thread *t)
{
	const unsigned int page = 2 + t->index; /* behind TCS and SSA */
	const gva_t epc = epc_gva(1 + page), slot = epc_gva(VA_EPC) + t->index * 8;

	expect(t, has_code(encls(t, EBLOCK, 0, epc, 0), SGX_SUCCESS), "EBLOCK failed");
	expect(t, has_code(encls(t, ETRACK, 0, epc_gva(0), 0), SGX_SUCCESS), "ETRACK failed");
	t->count[0] += expect(t, has_code(page_out(t, epc, slot), SGX_SUCCESS), "EWB failed");
	t->count[1] += expect(
		t,
		has_code(page_in(t, ELDU, epc, slot, enclave_gva(page), epc_gva(0)), SGX_SUCCESS),
		"ELDU failed");
}

static void ewb_eldu_on_slots_of_one_va_page_no_conflict(void **state)
{
	struct arena *arena = *state;

	arena_build(arena, 0, 1, CPUS);
	for (unsigned int i = 0; i < CPUS; i++)
		arena_add(arena, evict_own_page);
	arena_run(arena, 2);
	assert_true(is_zero(epcm_page(entry_of(arena, VA_EPC)), SGX_PAGE_SIZE));
}

enum {
	ENTERED,
	RESUMED,
	LEFT,
	BLOCKED,
	LOADED,
	FOUND_BLOCKED,
};

/* A TCS that is evicted now and then: entering works or finds it blocked or gone. */
static bool enter_if_there(struct thread *t, uint32_t leaf, unsigned int counter)
{
	struct leaf_result res = enclu(t, leaf, enclave_gva(0), AEP, 0);

	if (res.kind == LEAF_JUMP) {
		t->count[counter]++;
		for (unsigned int i = 0; i < 20; i++)
			expect(t, epcm_is_valid(epcm_state(entry_of(t->arena, 1))),
			       "the TCS of a thread inside was evicted");
		return true;
	}
	t->count[FOUND_BLOCKED] +=
		expect(t, is_fault(res, PF_VECTOR), "entering failed otherwise than by #PF");
	return false;
}

static void enter_and_resume(struct thread *t)
{
	if (enter_if_there(t, EENTER, ENTERED)) {
		interrupt(t);
		while (!atomic_load(&t->arena->stop) && !enter_if_there(t, ERESUME, RESUMED))
			sched_yield();
		t->count[LEFT] += enclu(t, EEXIT, AEP, 0, 0).kind == LEAF_JUMP;
	}
}

/* As Linux does it, who blocks pages of enclaves that run. */
static void evict_tcs(struct thread *t)
{
	const gva_t tcs = epc_gva(1), slot = epc_gva(VA_EPC);
	struct leaf_result res;

	t->count[BLOCKED] +=
		expect(t, has_code(encls(t, EBLOCK, 0, tcs, 0), SGX_SUCCESS), "EBLOCK failed");
	do {
		res = encls(t, ETRACK, 0, epc_gva(0), 0);
		expect(t, has_code(res, SGX_SUCCESS) || has_code(res, SGX_PREV_TRK_INCMPL),
		       "ETRACK failed");
		res = page_out(t, tcs, slot);
	} while (has_code(res, SGX_NOT_TRACKED) && !atomic_load(&t->arena->stop));
	if (has_code(res, SGX_NOT_TRACKED))
		return;
	expect(t, has_code(res, SGX_SUCCESS), "EWB failed");
	t->count[LOADED] += expect(
		t, has_code(page_in(t, ELDU, tcs, slot, enclave_gva(0), epc_gva(0)), SGX_SUCCESS),
		"ELDU failed");
	/* Time for the thread. */
	for (unsigned int i = draw(t, 20); i; i--)
		sched_yield();
}

static void eblock_with_eenter_and_eresume_no_conflict(void **state)
{
	struct arena *arena = *state;

	arena_build(arena, 0, 1, 0);
	arena_add(arena, enter_and_resume);
	arena_add(arena, evict_tcs);
	arena_run(arena, FOUND_BLOCKED);
}

/* Two threads in step: both start a round together and wait for each other's end. */
struct rounds {
	_Atomic unsigned int arrived;
};

/* Return: false when the other has stopped. */
static bool meet(struct thread *t, struct rounds *r)
{
	unsigned int next = (atomic_fetch_add(&r->arrived, 1) / 2 + 1) * 2;

	while (atomic_load(&r->arrived) < next) {
		if (atomic_load(&t->arena->stop))
			return false;
		sched_yield();
	}
	return true;
}

static void spin(int64_t count)
{
	while (count-- > 0)
		cpu_relax();
}

/* One page, two slots: who comes second finds it gone. */
enum {
	EVICTED_FIRST,
};

static void evict_shared_page(struct thread *t)
{
	struct rounds *r = t->arena->own;
	const gva_t epc = epc_gva(3), slot = epc_gva(VA_EPC) + t->index * 8;
	struct leaf_result res;
	bool first;

	if (t->index == 0) {
		expect(t, has_code(encls(t, EBLOCK, 0, epc, 0), SGX_SUCCESS), "EBLOCK failed");
		expect(t, has_code(encls(t, ETRACK, 0, epc_gva(0), 0), SGX_SUCCESS),
		       "ETRACK failed");
	}
	if (!meet(t, r))
		return;
	spin(draw(t, 20));
	res = page_out(t, epc, slot);
	first = has_code(res, SGX_SUCCESS);
	expect(t, first || (is_fault(res, PF_VECTOR) && res.address == epc),
	       "EWB failed otherwise than by a page that is gone");
	t->count[EVICTED_FIRST] += first;
	if (!meet(t, r))
		return;
	expect(t, !epcm_is_valid(epcm_state(entry_of(t->arena, 3))), "nobody has evicted the page");
	if (!meet(t, r))
		return;
	if (first)
		expect(t,
		       has_code(page_in(t, ELDU, epc, slot, enclave_gva(2), epc_gva(0)),
				SGX_SUCCESS),
		       "ELDU failed");
	meet(t, r);
}

static void ewb_of_one_page_one_comes_first(void **state)
{
	struct arena *arena = *state;
	struct rounds rounds = {0};

	arena->own = &rounds;
	arena_build(arena, 0, 1, 1);
	arena_add(arena, evict_shared_page);
	arena_add(arena, evict_shared_page);
	arena_run(arena, 1);
}

/* The page that is accepted and blocked, and the one that holds the enclave's SECINFO. */
#define ACCEPTED_EPC 20
#define ACCEPTED_GVA enclave_gva(10)
#define SECINFO_GVA  enclave_gva(2)

enum {
	ACCEPT_ROUNDS,
	ACCEPTED,
};

static void accept_pending(struct thread *t)
{
	struct rounds *r = t->arena->own;
	struct leaf_result res;

	if (!meet(t, r))
		return;
	expect(t, enclu(t, EENTER, enclave_gva(0), AEP, 0).kind == LEAF_JUMP, "EENTER failed");
	if (!meet(t, r))
		return;
	spin(draw(t, 100));
	res = enclu(t, EACCEPT, SECINFO_GVA, ACCEPTED_GVA, 0);
	if (has_code(res, SGX_SUCCESS))
		t->count[ACCEPTED]++;
	else
		expect(t, is_fault(res, PF_VECTOR), "EACCEPT failed otherwise than by #PF");
	enclu(t, EEXIT, AEP, 0, 0);
	meet(t, r);
}

static void block_pending(struct thread *t)
{
	struct rounds *r = t->arena->own;
	const gva_t epc = epc_gva(ACCEPTED_EPC);
	uint64_t found;

	if (!epcm_is_valid(epcm_state(entry_of(t->arena, ACCEPTED_EPC))))
		expect(t, augment(t, epc, ACCEPTED_GVA, epc_gva(0)).kind == LEAF_OK, "EAUG failed");
	if (!meet(t, r))
		return;
	if (!meet(t, r))
		return;
	spin(draw(t, 100));
	t->count[ACCEPT_ROUNDS] +=
		expect(t, has_code(encls(t, EBLOCK, 0, epc, 0), SGX_SUCCESS), "EBLOCK failed");
	if (!meet(t, r))
		return;
	/* Neither change has eaten the other. */
	found = epcm_state(entry_of(t->arena, ACCEPTED_EPC));
	expect(t, found & EPCM_BLOCKED, "EACCEPT has undone EBLOCK");
	expect(t, has_code(encls(t, EREMOVE, 0, epc, 0), SGX_SUCCESS), "EREMOVE failed");
}

static void eblock_with_eaccept_no_conflict(void **state)
{
	struct arena *arena = *state;
	struct rounds rounds = {0};
	const struct sgx_secinfo secinfo = {.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W |
						     EPCM_PENDING};

	arena->own = &rounds;
	arena_build(arena, 0, 1, 1);
	memcpy(epcm_page(entry_of(arena, 3)), &secinfo, sizeof(secinfo));
	embedder_map_epc(arena->embedder, ACCEPTED_GVA, ACCEPTED_EPC, PTE_ALL);
	arena_add(arena, accept_pending);
	arena_add(arena, block_pending);
	arena_run(arena, 1);
	assert_in_range(arena_count(arena, ACCEPTED), 1, UINT32_MAX);
}

/* By a TCS of the thread's own, which nobody takes away: every leaf works. */
static void enter_own_tcs(struct thread *t)
{
	const gva_t tcs = enclave_gva(t->index);

	t->count[ENTERED] +=
		expect(t, enclu(t, EENTER, tcs, AEP, 0).kind == LEAF_JUMP, "EENTER failed");
	interrupt(t);
	t->count[RESUMED] +=
		expect(t, enclu(t, ERESUME, tcs, AEP, 0).kind == LEAF_JUMP, "ERESUME failed");
	t->count[LEFT] += expect(t, enclu(t, EEXIT, AEP, 0, 0).kind == LEAF_JUMP, "EEXIT failed");
}

static void track(struct thread *t)
{
	struct leaf_result res = encls(t, ETRACK, 0, epc_gva(0), 0);

	t->count[3] += has_code(res, SGX_SUCCESS);
	expect(t, has_code(res, SGX_SUCCESS) || has_code(res, SGX_PREV_TRK_INCMPL),
	       "ETRACK failed otherwise than by an incomplete cycle");
}

static void etrack_with_entries_and_aex_no_conflict(void **state)
{
	struct arena *arena = *state;

	arena_build(arena, 0, CPUS - 1, 0);
	for (unsigned int i = 0; i < CPUS - 1; i++)
		arena_add(arena, enter_own_tcs);
	arena_add(arena, track);
	arena_run(arena, 4);
}

/* Children of one SECS come by two ways and go. */
static void add_and_remove_children(struct thread *t)
{
	const unsigned int secs = t->index & 1 ? 0 : 16;
	const gva_t epc = epc_gva(10 + t->index), linaddr = enclave_gva(8 + t->index);
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	struct leaf_result res;

	if (secs)
		res = encls(t, EADD, builder_set(&t->builder, linaddr, epc_gva(secs), rw), epc, 0);
	else
		res = augment(t, epc, linaddr, epc_gva(0));
	t->count[secs ? 0 : 1] += expect(t, res.kind == LEAF_OK, "adding a page failed");
	t->count[2] +=
		expect(t, has_code(encls(t, EREMOVE, 0, epc, 0), SGX_SUCCESS), "EREMOVE failed");
}

static void eremove_of_children_of_one_secs_waits(void **state)
{
	struct arena *arena = *state;

	arena_build(arena, 0, 1, 0);
	for (unsigned int i = 0; i < CPUS; i++)
		arena_add(arena, add_and_remove_children);
	assert_int_equal(build_secs(&arena->threads[0].builder, epc_gva(16), enclave_gva(0),
				    ENCLAVE_BYTES, 0)
				 .kind,
			 LEAF_OK);
	arena_run(arena, 3);
	assert_int_equal(atomic_load(&entry_of(arena, 0)->children), 2);
	assert_int_equal(atomic_load(&entry_of(arena, 16)->children), 0);
}

/* A whole enclave: each thread builds the same one, in EPC pages of its own. */
#define BUILT_PAGES 4

static void build_and_measure(struct thread *t, uint8_t mrenclave[SGX_HASH_SIZE])
{
	const struct builder *b = &t->builder;
	const unsigned int secs = t->index * (BUILT_PAGES + 1);
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	struct leaf_result res;

	res = build_secs(b, epc_gva(secs), enclave_gva(0), ENCLAVE_BYTES, 0);
	expect(t, res.kind == LEAF_OK, "ECREATE failed");
	memset(builder_ram(b, b->source), 0x11, SGX_PAGE_SIZE);
	for (unsigned int i = 1; i <= BUILT_PAGES; i++) {
		gva_t args = builder_set(b, enclave_gva(i), epc_gva(secs), rw);

		res = encls(t, EADD, args, epc_gva(secs + i), 0);
		t->count[0] += expect(t, res.kind == LEAF_OK, "EADD failed");
		res = encls(t, EEXTEND, epc_gva(secs), epc_gva(secs + i), 0);
		t->count[1] += expect(t, res.kind == LEAF_OK, "EEXTEND failed");
	}
	measure_final(secs_of(entry_of(t->arena, secs)), mrenclave);
	for (unsigned int i = BUILT_PAGES + 1; i > 0; i--) {
		res = encls(t, EREMOVE, 0, epc_gva(secs + i - 1), 0);
		expect(t, has_code(res, SGX_SUCCESS), "EREMOVE failed");
	}
}

static void build_as_before(struct thread *t)
{
	uint8_t mrenclave[SGX_HASH_SIZE];

	build_and_measure(t, mrenclave);
	expect(t, !memcmp(mrenclave, t->arena->own, sizeof(mrenclave)), "another MRENCLAVE");
}

static void building_different_enclaves_no_conflict(void **state)
{
	struct arena *arena = *state;
	uint8_t mrenclave[SGX_HASH_SIZE];

	for (unsigned int i = 0; i < CPUS; i++)
		arena_add(arena, build_as_before);
	build_and_measure(&arena->threads[0], mrenclave);
	arena->own = mrenclave;
	arena_run(arena, 2);
}

/* EINIT of an enclave without pages, while a page is being added to it and measured. */
struct init_race {
	struct rounds rounds; /* first: both threads know it by this */
	struct sgx_sigstruct sig;
	_Atomic bool initialised;
	_Atomic bool measured;
	_Atomic int64_t head_start; /* of EINIT, in rounds of spin() */
};

enum {
	INITIALISED,
	CAME_TOO_LATE,
};

static void init_while_added(struct thread *t)
{
	struct init_race *race = t->arena->own;
	const gva_t sig = t->builder.args + PAGES(2), token = t->builder.args + PAGES(3);
	struct leaf_result res;

	res = build_secs(&t->builder, epc_gva(0), enclave_gva(0), ENCLAVE_BYTES, 0);
	expect(t, res.kind == LEAF_OK, "ECREATE failed");
	memcpy(builder_ram(&t->builder, sig), &race->sig, sizeof(race->sig));
	if (!meet(t, &race->rounds))
		return;
	spin(-race->head_start);
	res = encls(t, EINIT, sig, epc_gva(0), token);
	expect(t, has_code(res, SGX_SUCCESS) || has_code(res, SGX_INVALID_MEASUREMENT),
	       "EINIT failed otherwise than by the measurement");
	atomic_store(&race->initialised, has_code(res, SGX_SUCCESS));
	if (!meet(t, &race->rounds))
		return;
	t->count[has_code(res, SGX_SUCCESS) ? INITIALISED : CAME_TOO_LATE]++;
	/* One came first, and the other saw all of it. */
	expect(t, atomic_load(&race->initialised) != atomic_load(&race->measured),
	       "EINIT and EADD have both succeeded, or both failed");
	encls(t, EREMOVE, 0, epc_gva(1), 0);
	res = encls(t, EREMOVE, 0, epc_gva(0), 0);
	expect(t, has_code(res, SGX_SUCCESS), "EREMOVE failed");
}

static void add_while_initialised(struct thread *t)
{
	struct init_race *race = t->arena->own;
	const uint64_t rw = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W;
	gva_t args = builder_set(&t->builder, enclave_gva(1), epc_gva(0), rw);
	const int64_t head_start = race->head_start;
	struct leaf_result res;
	int64_t step;

	if (!meet(t, &race->rounds))
		return;
	spin(head_start);
	res = encls(t, EADD, args, epc_gva(1), 0);
	expect(t, res.kind == LEAF_OK || is_fault(res, GP_VECTOR), "EADD failed otherwise");
	atomic_store(&race->measured, res.kind == LEAF_OK);
	/* Who came first comes later the next time, so that both come close. */
	step = llabs(head_start) / 8 + 16;
	race->head_start = head_start + (res.kind == LEAF_OK ? step : -step);
	encls(t, EEXTEND, epc_gva(0), epc_gva(1), 0);
	meet(t, &race->rounds);
}

static void einit_against_eadd_one_comes_first(void **state)
{
	struct arena *arena = *state;
	static struct init_race race;
	struct thread *t;

	race = (struct init_race){0};
	arena->own = &race;
	t = arena_add(arena, init_while_added);
	arena_add(arena, add_while_initialised);
	assert_int_equal(build_secs(&t->builder, epc_gva(0), enclave_gva(0), ENCLAVE_BYTES, 0).kind,
			 LEAF_OK);
	signer_describe(secs_of(entry_of(arena, 0)), &race.sig);
	sign(&race.sig, SIGNER_A);
	signer_hash(SIGNER_A, (uint8_t *)t->builder.c->cpu.lepubkeyhash);
	assert_true(has_code(encls(t, EREMOVE, 0, epc_gva(0), 0), SGX_SUCCESS));
	arena_run(arena, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(ewb_eldu_on_slots_of_one_va_page_no_conflict),
		arena_test(eblock_with_eenter_and_eresume_no_conflict),
		arena_test(ewb_of_one_page_one_comes_first),
		arena_test(eblock_with_eaccept_no_conflict),
		arena_test(etrack_with_entries_and_aex_no_conflict),
		arena_test(eremove_of_children_of_one_secs_waits),
		arena_test(building_different_enclaves_no_conflict),
		arena_test(einit_against_eadd_one_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
