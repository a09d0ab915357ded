// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An enclave is taken down in every order, wrong ones included, with a thread inside and
 * without: EREMOVE says what is too early, and in the end every page is free.
 */
#include "tests.h"
#include "thread.h"

enum victim {
	VICTIM_SECS,
	VICTIM_TCS,
	VICTIM_REG, /* the thread's SSA */
	VICTIM_VA,
	NR_VICTIMS,
};

enum guest {
	NO_THREAD,
	THREAD_INSIDE,
	THREAD_INTERRUPTED,
	NR_GUESTS,
};

/* The smallest enclave that a thread can be in. */
static void build(struct driver *d)
{
	driver_create(d, &(struct plan){0});
	driver_add_tcs(d, TCS1, SSA1);
	driver_add(d, SSA1, EPCM_R | EPCM_W, 0);
	/* Every enclave of this kind is the same one, so it is signed once. */
	if (!sigstruct(d->f)->date)
		driver_sign(d);
	expect_code(driver_einit(d), SGX_SUCCESS);
}

static unsigned int page_of(const struct driver *d, enum victim victim)
{
	switch (victim) {
	case VICTIM_SECS:
		return d->secs;
	case VICTIM_TCS:
		return (unsigned int)d->page[TCS1];
	case VICTIM_REG:
		return (unsigned int)d->page[SSA1];
	case VICTIM_VA:
	case NR_VICTIMS:
		break;
	}
	return d->va;
}

/* What the manual says of the next EREMOVE, by a count of our own. */
static enum sgx_return_code expected(enum victim victim, unsigned int children, bool inside)
{
	if (victim == VICTIM_SECS)
		return children ? SGX_CHILD_PRESENT : SGX_SUCCESS;
	return victim != VICTIM_VA && inside ? SGX_ENCLAVE_ACT : SGX_SUCCESS;
}

/* One pass over the pages in this order; those that fail stay for the next one. */
static void remove_pass(struct driver *d, const enum victim order[NR_VICTIMS],
			bool present[NR_VICTIMS], bool inside)
{
	for (unsigned int i = 0; i < NR_VICTIMS; i++) {
		const enum victim victim = order[i];
		const unsigned int children = present[VICTIM_TCS] + present[VICTIM_REG];
		enum sgx_return_code code;

		if (!present[victim])
			continue;
		code = expected(victim, children, inside);
		expect_code(kernel(d->f, EREMOVE, 0, epc_gva(page_of(d, victim)), 0), (int)code);
		present[victim] = code != SGX_SUCCESS;
		assert_int_equal(epcm_is_valid(epcm_state(epcm_of(d->f, page_of(d, victim)))),
				 present[victim]);
	}
}

static void remove_in_order(struct driver *d, const enum victim order[NR_VICTIMS], enum guest guest)
{
	bool present[NR_VICTIMS] = {true, true, true, true};
	struct thread t = thread_on(d, 0, TCS1);

	build(d);
	if (guest != NO_THREAD)
		assert_true(thread_call(&t, EENTER));
	if (guest == THREAD_INTERRUPTED)
		thread_interrupt(&t);
	remove_pass(d, order, present, guest == THREAD_INSIDE);
	if (guest == THREAD_INSIDE) {
		assert_true(present[VICTIM_SECS] && present[VICTIM_TCS] && present[VICTIM_REG]);
		/* The thread is as well as before, and leaves when it likes. */
		thread_interrupt(&t);
		thread_resume(&t);
		thread_exit(&t);
		remove_pass(d, order, present, false);
	}
	/* SECS pages that came before their children. */
	remove_pass(d, order, present, false);
	assert_epc_free(d->f);
	unmap(d->f, page_gva(d, TCS1));
	unmap(d->f, page_gva(d, SSA1));
}

static bool next_permutation(enum victim order[NR_VICTIMS])
{
	unsigned int i = NR_VICTIMS - 1, j = NR_VICTIMS - 1;

	while (i && order[i - 1] > order[i])
		i--;
	if (!i)
		return false;
	while (order[j] < order[i - 1])
		j--;
	for (enum victim swap = order[j]; j != i - 1; j = i - 1) {
		order[j] = order[i - 1];
		order[i - 1] = swap;
	}
	for (j = NR_VICTIMS - 1; i < j; i++, j--) {
		enum victim swap = order[i];

		order[i] = order[j];
		order[j] = swap;
	}
	return true;
}

static void destroy_in_every_order(void **state)
{
	struct driver *d = *state;

	for (enum guest guest = NO_THREAD; guest < NR_GUESTS; guest++) {
		enum victim order[NR_VICTIMS] = {VICTIM_SECS, VICTIM_TCS, VICTIM_REG, VICTIM_VA};
		unsigned int orders = 0;

		do {
			remove_in_order(d, order, guest);
			orders++;
		} while (next_permutation(order));
		assert_int_equal(orders, 24);
	}
}

/* A thread whose enclave went while it was out by an AEX finds nothing to come back to. */
static void destroy_under_interrupted_thread_resume_faults(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);
	const enum victim order[NR_VICTIMS] = {VICTIM_TCS, VICTIM_REG, VICTIM_SECS, VICTIM_VA};
	bool present[NR_VICTIMS] = {true, true, true, true};

	build(d);
	assert_true(thread_call(&t, EENTER));
	thread_interrupt(&t);
	remove_pass(d, order, present, false);
	assert_epc_free(d->f);
	assert_false(thread_call(&t, ERESUME));
	assert_page_fault(&t, 0x8007, page_gva(d, TCS1));
}

/* Half built, and never finished. */
static void destroy_uninitialised_ok(void **state)
{
	struct driver *d = *state;

	driver_create(d, &(struct plan){0});
	driver_add_tcs(d, TCS1, SSA1);
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(d->secs), 0), SGX_CHILD_PRESENT);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* The versions are gone with the VA page, and with them what was paged out. */
static void destroy_va_page_loses_its_pages_only(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, &(struct plan){.heap = 1});
	driver_page_out(d, HEAP);
	expect_code(kernel(d->f, EREMOVE, 0, epc_gva(d->va), 0), SGX_SUCCESS);
	expect_ok(kernel(d->f, EPA, SGX_PAGE_TYPE_VA, epc_gva(d->va), 0));
	use_blob(d->f, &d->blob[HEAP]);
	pageinfo(d->f)->secs = epc_gva(d->secs);
	expect_code(kernel(d->f, ELDU, PAGEINFO_GVA, epc_gva(driver_free_page(d)),
			   slot_gva(d->va, HEAP)),
		    SGX_MAC_COMPARE_FAIL);
	thread_enter(&t);
	thread_exit(&t);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

/* A page that the enclave has given up goes even while threads run. */
static void destroy_accepted_trim_with_thread_inside_ok(void **state)
{
	struct driver *d = *state;
	struct thread t = thread_on(d, 0, TCS1);

	driver_build(d, &(struct plan){.heap = 1});
	thread_enter(&t);
	expect_code(driver_emodt(d, HEAP, SGX_PAGE_TYPE_TRIM), SGX_SUCCESS);
	driver_track(d);
	thread_resume(&t);
	expect_code(kernel(d->f, EREMOVE, 0, page_epc(d, HEAP), 0), SGX_ENCLAVE_ACT);
	expect_code(
		thread_accept(&t, page_gva(d, HEAP), EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED),
		SGX_SUCCESS);
	driver_remove(d, HEAP);
	thread_exit(&t);
	driver_remove_all(d);
	assert_epc_free(d->f);
}

const struct CMUnitTest life_destroy_tests[] = {
	driver_test(destroy_in_every_order),
	driver_test(destroy_under_interrupted_thread_resume_faults),
	driver_test(destroy_uninitialised_ok),
	driver_test(destroy_va_page_loses_its_pages_only),
	driver_test(destroy_accepted_trim_with_thread_inside_ok),
};
const size_t life_destroy_test_count = ARRAY_SIZE(life_destroy_tests);
