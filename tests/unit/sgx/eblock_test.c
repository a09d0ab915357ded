// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EBLOCK", one test for each line of its checks. */
#include "tests.h"

#include "paging_steps.h"

static struct leaf_result eblock(struct fixture *f, unsigned int page)
{
	return encls(f, EBLOCK, 0, epc_gva(page), 0);
}

static void eblock_misaligned_target_gp(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_gp(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE) + 1, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void eblock_non_canonical_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, EBLOCK, 0, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void eblock_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	unmap(f, epc_gva(CHILD_PAGE));
	expect_pfo(eblock(f, CHILD_PAGE), epc_gva(CHILD_PAGE), PFERR_WRITE_MASK);
}

static void eblock_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(encls(f, EBLOCK, 0, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
}

static void eblock_target_held_exclusively_page_conflict(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, CHILD_PAGE, EPCM_LOCK_EXCL);
	expect_code(eblock(f, CHILD_PAGE), SGX_EPC_PAGE_CONFLICT);
	expect_refused_by(f, "epcm_lock");
}

static void eblock_invalid_target_held_exclusively_page_conflict(void **state)
{
	struct fixture *f = *state;

	hold_page(f, 0, EPCM_LOCK_EXCL);
	expect_code(eblock(f, 0), SGX_EPC_PAGE_CONFLICT);
}

/* As EENTER and EACCEPT hold it: Linux runs them in parallel with EBLOCK. */
static void eblock_target_held_shared_ok(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, CHILD_PAGE, EPCM_LOCK_SGX2 + 2);
	expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
}

static void eblock_invalid_page_page_invalid(void **state)
{
	struct fixture *f = *state;

	expect_code(eblock(f, 0), SGX_PG_INVLD);
	expect_refused_by(f, "epcm_is_valid");
}

static void eblock_secs_says_so(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_info(eblock(f, SECS_PAGE), SGX_PG_IS_SECS);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
}

static void eblock_va_page_not_blockable(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_info(eblock(f, VA_PAGE), SGX_NOTBLOCKABLE);
	expect_refused_by(f, "SGX_PAGE_TYPE_VA");
}

static void eblock_while_etrack_runs_entryepoch_locked(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_TRACK);
	expect_code(eblock(f, CHILD_PAGE), SGX_ENTRYEPOCH_LOCKED);
	expect_refused_by(f, "EPCM_LOCK_TRACK");
	let_go(f, SECS_PAGE, EPCM_LOCK_TRACK);
	expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
}

static void eblock_blocked_while_etrack_runs_entryepoch_locked(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
	hold_page(f, SECS_PAGE, EPCM_LOCK_TRACK);
	expect_code(eblock(f, CHILD_PAGE), SGX_ENTRYEPOCH_LOCKED);
}

/* The epoch stays that of the first EBLOCK: the eviction needs no second ETRACK. */
static void eblock_blocked_page_says_so_and_keeps_epoch(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	expect_info(eblock(f, CHILD_PAGE), SGX_BLKSTATE);
	expect_refused_by(f, "EPCM_BLOCKED");
	evict(f, CHILD_PAGE, 0);
}

static void eblock_other_locks_of_secs_do_not_matter(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_MEASURE + 3);
	expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
}

static void eblock_every_kind_of_child_ok(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *e;

	make_child(f);
	e = epcm_of(f, CHILD_PAGE);
	for (unsigned int i = 0; i < NR_CHILD_STATES; i++) {
		uint32_t epoch = track_epoch(epcm_of(f, SECS_PAGE));

		force_state(f, CHILD_PAGE, EPCM_VALID | child_states[i]);
		expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
		assert_int_equal(
			epcm_state(e),
			epcm_with_epoch(EPCM_VALID | EPCM_BLOCKED | child_states[i], epoch));
		assert_int_equal(epcm_linaddr(e), CHILD_GVA);
		assert_ptr_equal(epcm_secs(e), epcm_of(f, SECS_PAGE));
		expect_code(encls(f, ETRACK, 0, epc_gva(SECS_PAGE), 0), SGX_SUCCESS);
	}
}

static void eblock_page_is_no_longer_accessible(void **state)
{
	struct fixture *f = *state;
	struct epcm_view view;

	make_child(f);
	view = epcm_view(epcm_of(f, CHILD_PAGE));
	assert_true(epcm_allows(&view, epcm_of(f, SECS_PAGE), CHILD_GVA, EPCM_R));
	expect_code(eblock(f, CHILD_PAGE), SGX_SUCCESS);
	view = epcm_view(epcm_of(f, CHILD_PAGE));
	assert_false(epcm_allows(&view, epcm_of(f, SECS_PAGE), CHILD_GVA, EPCM_R));
}

const struct CMUnitTest eblock_tests[] = {
	sgx_test(eblock_misaligned_target_gp),
	sgx_test(eblock_non_canonical_target_gp),
	sgx_test(eblock_target_not_mapped_ordinary_pf),
	sgx_test(eblock_target_not_epc_sgx_pf),
	sgx_test(eblock_target_held_exclusively_page_conflict),
	sgx_test(eblock_invalid_target_held_exclusively_page_conflict),
	sgx_test(eblock_target_held_shared_ok),
	sgx_test(eblock_invalid_page_page_invalid),
	sgx_test(eblock_secs_says_so),
	sgx_test(eblock_va_page_not_blockable),
	sgx_test(eblock_while_etrack_runs_entryepoch_locked),
	sgx_test(eblock_blocked_while_etrack_runs_entryepoch_locked),
	sgx_test(eblock_blocked_page_says_so_and_keeps_epoch),
	sgx_test(eblock_other_locks_of_secs_do_not_matter),
	sgx_test(eblock_every_kind_of_child_ok),
	sgx_test(eblock_page_is_no_longer_accessible),
};
const size_t eblock_test_count = ARRAY_SIZE(eblock_tests);
