// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ETRACK", one test for each line of its checks; then what tracking means to EWB. */
#include "tests.h"

#include "paging_steps.h"

static struct leaf_result etrack(struct fixture *f)
{
	return encls(f, ETRACK, 0, epc_gva(SECS_PAGE), 0);
}

static void etrack_misaligned_target_gp(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_gp(encls(f, ETRACK, 0, epc_gva(SECS_PAGE) + 2048, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void etrack_non_canonical_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, ETRACK, 0, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void etrack_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	unmap(f, epc_gva(SECS_PAGE));
	expect_pfo(etrack(f), epc_gva(SECS_PAGE), PFERR_WRITE_MASK);
}

static void etrack_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(encls(f, ETRACK, 0, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
}

static void etrack_secs_held_exclusively_gp(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(etrack(f));
	expect_refused_by(f, "epcm_lock(secs, EPCM_SHARED)");
}

static void etrack_while_etrack_runs_gp(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_TRACK + 1);
	expect_gp(etrack(f));
	expect_refused_by(f, "EPCM_LOCK_TRACK");
}

/* The conflict ranks before the page's type. */
static void etrack_invalid_page_in_use_gp(void **state)
{
	struct fixture *f = *state;

	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(etrack(f));
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, SECS_PAGE, EPCM_LOCK_TRACK);
	expect_gp(etrack(f));
}

/* As EADD, EINIT, EEXTEND and ELD hold it. */
static void etrack_secs_held_shared_ok(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_MEASURE + 3);
	expect_code(etrack(f), SGX_SUCCESS);
}

static void etrack_page_not_secs_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const unsigned int pages[] = {CHILD_PAGE, VA_PAGE, FREE_PAGE};

	make_child(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		expect_pfx(encls(f, ETRACK, 0, epc_gva(pages[i]), 0), epc_gva(pages[i]),
			   ENCLS_WRITE);
		expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	}
}

static void etrack_twice_nobody_inside_ok(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs;

	make_child(f);
	secs = epcm_of(f, SECS_PAGE);
	assert_int_equal(track_epoch(secs), 1);
	expect_code(etrack(f), SGX_SUCCESS);
	expect_code(etrack(f), SGX_SUCCESS);
	assert_int_equal(track_epoch(secs), 3);
	assert_int_equal(secs->lock, 0);
}

static void etrack_cycle_before_not_complete_prev_trk_incmpl(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs;
	uint32_t epoch;

	make_child(f);
	secs = epcm_of(f, SECS_PAGE);
	assert_true(track_enter(secs, &epoch));
	expect_code(etrack(f), SGX_SUCCESS);
	expect_code(etrack(f), SGX_PREV_TRK_INCMPL);
	expect_refused_by(f, "track_new_epoch");
	track_leave(secs, epoch);
	expect_code(etrack(f), SGX_SUCCESS);
}

/* A page of enclave A is evicted only by what happens in A. */
static void etrack_of_another_enclave_does_not_count(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	make_secs(f, 5, ENCLAVE2_BASE);
	expect_code(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
	expect_code(encls(f, ETRACK, 0, epc_gva(5), 0), SGX_SUCCESS);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	assert_true(track_enter(epcm_of(f, 5), &epoch));
	expect_code(etrack(f), SGX_SUCCESS);
	evict(f, CHILD_PAGE, 0);
}

static void tracking_no_etrack_nobody_inside_not_tracked(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_code(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	expect_refused_by(f, "track_is_complete");
}

static void tracking_etrack_nobody_inside_ok(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	evict(f, CHILD_PAGE, 0);
}

static void tracking_thread_inside_since_before_etrack_not_tracked(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	expect_code(etrack(f), SGX_PREV_TRK_INCMPL);
}

/* The order that Linux' reclaimer makes: entered, blocked, entered, tracked. */
static void tracking_thread_entered_between_block_and_track_not_tracked(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs;
	uint32_t epoch;

	make_child(f);
	secs = epcm_of(f, SECS_PAGE);
	expect_code(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
	assert_true(track_enter(secs, &epoch));
	expect_code(etrack(f), SGX_SUCCESS);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	track_leave(secs, epoch);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_SUCCESS);
}

static void tracking_thread_left_and_re_entered_ok(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs;
	uint32_t epoch;

	make_child(f);
	secs = epcm_of(f, SECS_PAGE);
	assert_true(track_enter(secs, &epoch));
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	track_leave(secs, epoch);
	assert_true(track_enter(secs, &epoch));
	evict(f, CHILD_PAGE, 0);
	assert_true(track_is_active(secs));
}

/* One of two threads still inside is enough, and the last one's exit as well. */
static void tracking_all_threads_must_leave(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs;
	uint32_t epoch[2];

	make_child(f);
	secs = epcm_of(f, SECS_PAGE);
	assert_true(track_enter(secs, &epoch[0]));
	assert_true(track_enter(secs, &epoch[1]));
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	set_eviction(f);
	track_leave(secs, epoch[1]);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	track_leave(secs, epoch[0]);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_SUCCESS);
}

/* A page blocked after the ETRACK needs its own. */
static void tracking_page_blocked_after_etrack_not_tracked(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_code(etrack(f), SGX_SUCCESS);
	expect_code(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
	set_eviction(f);
	expect_code(ewb(f, CHILD_PAGE, 0), SGX_NOT_TRACKED);
	expect_code(etrack(f), SGX_SUCCESS);
	evict(f, CHILD_PAGE, 0);
}

const struct CMUnitTest etrack_tests[] = {
	sgx_test(etrack_misaligned_target_gp),
	sgx_test(etrack_non_canonical_target_gp),
	sgx_test(etrack_target_not_mapped_ordinary_pf),
	sgx_test(etrack_target_not_epc_sgx_pf),
	sgx_test(etrack_secs_held_exclusively_gp),
	sgx_test(etrack_while_etrack_runs_gp),
	sgx_test(etrack_invalid_page_in_use_gp),
	sgx_test(etrack_secs_held_shared_ok),
	sgx_test(etrack_page_not_secs_sgx_pf),
	sgx_test(etrack_twice_nobody_inside_ok),
	sgx_test(etrack_cycle_before_not_complete_prev_trk_incmpl),
	sgx_test(etrack_of_another_enclave_does_not_count),
	sgx_test(tracking_no_etrack_nobody_inside_not_tracked),
	sgx_test(tracking_etrack_nobody_inside_ok),
	sgx_test(tracking_thread_inside_since_before_etrack_not_tracked),
	sgx_test(tracking_thread_entered_between_block_and_track_not_tracked),
	sgx_test(tracking_thread_left_and_re_entered_ok),
	sgx_test(tracking_all_threads_must_leave),
	sgx_test(tracking_page_blocked_after_etrack_not_tracked),
};
const size_t etrack_test_count = ARRAY_SIZE(etrack_tests);
