// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model's own promises to threads (docs/locking.md): locks of several pages are
 * taken without deadlock, EPC sections come while processors run, and who watches a
 * page hears of every change.
 */
#include "arena.h"

#include <sched.h>

/* Two VA pages, each evicted with its version in the other: the locks in opposite orders. */
static void evict_into_the_other(struct thread *t)
{
	const gva_t own = epc_gva(t->index), slot = epc_gva(!t->index);
	struct leaf_result res = page_out(t, own, slot);

	if (!leaf_succeeded(res)) {
		/* The other page is out. */
		expect(t, res.kind == LEAF_FAULT && res.vector == PF_VECTOR && res.address == slot,
		       "EWB failed otherwise than by the other page");
		sched_yield();
		return;
	}
	t->count[0]++;
	t->count[1] += expect(t, leaf_succeeded(page_in(t, ELDU, own, slot, 0, 0)), "ELDU failed");
}

static void ewb_of_two_va_pages_into_each_other_no_deadlock(void **state)
{
	struct arena *arena = *state;

	for (unsigned int i = 0; i < 2; i++) {
		arena_add(arena, evict_into_the_other);
		assert_int_equal(
			run_encls(&arena->embedder->cpus[0], EPA, SGX_PAGE_TYPE_VA, epc_gva(i), 0)
				.kind,
			LEAF_OK);
	}
	arena_run(arena, 2);
}

/* What three locks protect. Not atomic: ThreadSanitizer sees an overlap of holders. */
struct protected
{
	unsigned int value[3];
};

static void claim_in_own_order(struct thread *t)
{
	static const unsigned int orders[CPUS][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
	const unsigned int *order = orders[t->index];
	struct protected *p = t->arena->own;
	struct epcm_claim claims[3];

	for (unsigned int i = 0; i < 3; i++)
		claims[i] = (struct epcm_claim){entry_of(t->arena, order[i]), EPCM_EXCLUSIVE};
	claims[2].mode = EPCM_SHARED;
	if (!expect(t, epcm_lock_set(claims, 3) < 0, "the locks were not to be had"))
		return;
	p->value[order[0]]++;
	p->value[order[1]]++;
	t->count[2] += p->value[order[2]] & 1;
	epcm_unlock_set(claims, 3);
	t->count[0]++;
}

static void claims_in_opposite_orders_no_deadlock(void **state)
{
	struct arena *arena = *state;
	struct protected p = {0};

	arena->own = &p;
	for (unsigned int i = 0; i < CPUS; i++)
		arena_add(arena, claim_in_own_order);
	arena_run(arena, 1);
	assert_int_equal(p.value[0] + p.value[1] + p.value[2], 2 * arena_count(arena, 0));
}

/* Sections of one page, one beside the other behind the first one. */
#define NEW_SECTIONS 200

struct sections {
	_Atomic unsigned int added;
};

static void add_section(struct thread *t)
{
	struct sections *s = t->arena->own;
	const unsigned int n = atomic_load(&s->added);
	struct epc *epc = &t->embedder->platform.epc;

	if (n == NEW_SECTIONS) {
		sched_yield();
		return;
	}
	expect(t, !epc_add_section(epc, EPC_HPA + PAGES(EPC_PAGES + n), PAGES(1), 0),
	       "a section could not be added");
	atomic_store(&s->added, n + 1);
	t->count[0]++;
}

/* A section that is there works, one that comes is there or is not. */
static void look_up(struct thread *t)
{
	struct sections *s = t->arena->own;
	struct epc *epc = &t->embedder->platform.epc;
	const unsigned int added = atomic_load(&s->added);
	const unsigned int n = draw(t, added + 2);
	const hpa_t hpa = EPC_HPA + PAGES(EPC_PAGES + n);
	struct epcm_entry *e = epc_lookup(epc, hpa);

	expect(t, e || n >= added, "a section that was added is not found");
	if (!e)
		return;
	expect(t, epc_hpa(epc, e) == hpa, "an entry leads back to another page");
	expect(t, epcm_lock(e, EPCM_SHARED), "a new page is locked");
	expect(t, !epcm_state(e), "a new page is valid");
	epcm_unlock(e, EPCM_SHARED);
	t->count[1]++;
}

/* ECREATE asks for the address of its page. */
static void create_and_remove(struct thread *t)
{
	const gva_t secs = epc_gva(t->index);

	expect(t, build_secs(&t->builder, secs, enclave_gva(0), ENCLAVE_BYTES, 0).kind == LEAF_OK,
	       "ECREATE failed");
	expect(t, atomic_load(&entry_of(t->arena, t->index)->context) == EPC_HPA + PAGES(t->index),
	       "a SECS has another page's address");
	t->count[2] += expect(t, leaf_succeeded(encls(t, EREMOVE, 0, secs, 0)), "EREMOVE failed");
}

static void sections_come_while_leaves_run(void **state)
{
	struct arena *arena = *state;
	struct sections sections = {0};

	arena->own = &sections;
	arena_add(arena, add_section);
	arena_add(arena, look_up);
	arena_add(arena, create_and_remove);
	arena_run(arena, 3);
}

/*
 * An embedder derives something from a page, as translated code is. Whenever the
 * one who changes the page rests, what is derived is either of the page as it is or
 * known to be stale.
 */
#define WATCHED_EPC 3 /* the enclave's first data page */

struct watched {
	uint64_t derived;
	_Atomic bool fresh;
	/* Rests are numbered: who changes asks for one, who watches answers. */
	_Atomic unsigned int rest;
	_Atomic unsigned int checked;
};

enum {
	CHANGES,
	RESTS,
	DERIVATIONS,
};

static void on_page_changed(void *ctx, hpa_t hpa)
{
	struct watched *w = ctx;

	if (hpa == EPC_HPA + PAGES(WATCHED_EPC))
		atomic_store(&w->fresh, false);
}

static void change_watched(struct thread *t)
{
	struct watched *w = t->arena->own;
	const unsigned int rest = atomic_load(&w->rest);

	/* The watcher has looked at the last rest. */
	if (atomic_load(&w->checked) != rest) {
		sched_yield();
		return;
	}
	for (unsigned int i = 1 + draw(t, 4); i; i--) {
		struct leaf_result res =
			encls(t, EDBGWR, t->count[CHANGES] + 1, epc_gva(WATCHED_EPC), 0);

		t->count[CHANGES] += expect(t, leaf_succeeded(res), "EDBGWR failed");
	}
	atomic_store(&w->rest, rest + 1);
}

static uint64_t derive(struct thread *t)
{
	const uint64_t *page = epcm_page(entry_of(t->arena, WATCHED_EPC));

	return __atomic_load_n(page, __ATOMIC_RELAXED);
}

static void watch(struct thread *t)
{
	struct watched *w = t->arena->own;
	const unsigned int rest = atomic_load(&w->rest);

	if (rest != atomic_load(&w->checked)) {
		if (atomic_load(&w->fresh))
			expect(t, w->derived == derive(t), "a change came without notice");
		t->count[RESTS]++;
		atomic_store(&w->checked, rest);
	}
	if (atomic_load(&w->fresh))
		return;
	atomic_store(&w->fresh, true);
	sgx_watch_page(&t->embedder->platform, EPC_HPA + PAGES(WATCHED_EPC));
	w->derived = derive(t);
	t->count[DERIVATIONS]++;
}

static void watched_page_changes_with_notice(void **state)
{
	struct arena *arena = *state;
	struct watched watched = {0};

	arena->own = &watched;
	arena->embedder->platform.page_changed = on_page_changed;
	arena->embedder->platform.page_changed_ctx = &watched;
	arena_build(arena, SGX_ATTR_DEBUG, 1, 1);
	arena_add(arena, change_watched);
	arena_add(arena, watch);
	arena_run(arena, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		arena_test(ewb_of_two_va_pages_into_each_other_no_deadlock),
		arena_test(claims_in_opposite_orders_no_deadlock),
		arena_test(sections_come_while_leaves_run),
		arena_test(watched_page_changes_with_notice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
