// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EREMOVE", one test for each line of its checks and each type of page. */
#include "tests.h"

#include "paging_steps.h"

#include <errno.h>

static struct leaf_result eremove(struct fixture *f, unsigned int page)
{
	return encls(f, EREMOVE, 0, epc_gva(page), 0);
}

static uint32_t children(struct fixture *f, unsigned int secs_page)
{
	return atomic_load(&epcm_of(f, secs_page)->children);
}

static void assert_removed(struct fixture *f, unsigned int page)
{
	const struct epcm_entry *e = epcm_of(f, page);

	assert_int_equal(epcm_state(e), 0);
	assert_int_equal(epcm_linaddr(e), 0);
	assert_null(epcm_secs(e));
	assert_int_equal(e->lock, 0);
}

static void eremove_misaligned_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, EREMOVE, 0, epc_gva(0) + 64, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void eremove_non_canonical_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, EREMOVE, 0, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void eremove_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	unmap(f, epc_gva(0));
	expect_pfo(eremove(f, 0), epc_gva(0), PFERR_WRITE_MASK);
}

static void eremove_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(encls(f, EREMOVE, 0, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
}

static void eremove_target_in_use_gp(void **state)
{
	struct fixture *f = *state;
	static const uint32_t holders[] = {1, EPCM_LOCK_EXCL, EPCM_LOCK_SGX2 + 1};

	make_child(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		hold_page(f, CHILD_PAGE, holders[i]);
		expect_gp(eremove(f, CHILD_PAGE));
		expect_refused_by(f, "epcm_lock");
		let_go(f, CHILD_PAGE, holders[i]);
	}
}

/* The conflict ranks before VALID, and so before the removal of nothing. */
static void eremove_invalid_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	hold_page(f, 0, 1);
	expect_gp(eremove(f, 0));
	expect_refused_by(f, "epcm_lock");
}

/* Linux removes every page once at boot, and after each EWB of a SECS. */
static void eremove_invalid_page_ok_and_unchanged(void **state)
{
	struct fixture *f = *state;

	expect_code(eremove(f, 0), SGX_SUCCESS);
	assert_removed(f, 0);
	make_va(f, 0);
	expect_code(eremove(f, 0), SGX_SUCCESS);
	expect_code(eremove(f, 0), SGX_SUCCESS);
	assert_removed(f, 0);
}

static void eremove_va_page_ok(void **state)
{
	struct fixture *f = *state;

	make_va(f, VA_PAGE);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(VA_PAGE));
	expect_code(eremove(f, VA_PAGE), SGX_SUCCESS);
	assert_removed(f, VA_PAGE);
	assert_int_equal(f->embedder->notices, 1);
}

static void eremove_secs_with_child_child_present(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	expect_code(eremove(f, SECS_PAGE), SGX_CHILD_PRESENT);
	expect_refused_by(f, "SGX_CHILD_PRESENT");
	assert_int_equal(f->embedder->notices, 0);
}

static void eremove_secs_after_last_child_ok(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	add_reg(f, SECS_PAGE, 2, CHILD_GVA + PAGES(1), EPCM_R);
	assert_int_equal(children(f, SECS_PAGE), 2);
	expect_code(eremove(f, 2), SGX_SUCCESS);
	expect_code(eremove(f, SECS_PAGE), SGX_CHILD_PRESENT);
	expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
	assert_int_equal(children(f, SECS_PAGE), 0);
	expect_code(eremove(f, SECS_PAGE), SGX_SUCCESS);
	assert_removed(f, SECS_PAGE);
}

static void remake_child(struct fixture *f, uint64_t flags)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, CHILD_PAGE))))
		add_reg(f, SECS_PAGE, CHILD_PAGE, CHILD_GVA, EPCM_R | EPCM_W);
	force_state(f, CHILD_PAGE, EPCM_VALID | flags);
}

static void eremove_child_nobody_inside_ok(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	for (unsigned int i = 0; i < 2 * NR_CHILD_STATES; i++) {
		remake_child(f, child_states[i / 2] | (i % 2 ? EPCM_BLOCKED : 0));
		assert_int_equal(children(f, SECS_PAGE), 1);
		expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
		assert_removed(f, CHILD_PAGE);
		assert_int_equal(children(f, SECS_PAGE), 0);
	}
}

static void eremove_child_while_processor_inside_enclave_act(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	for (unsigned int i = 0; i < 2 * NR_CHILD_STATES; i++) {
		/* The one state in which it may go: a trimmed page that was accepted. */
		if (child_states[i / 2] == EPCM_PT(SGX_PAGE_TYPE_TRIM))
			continue;
		remake_child(f, child_states[i / 2] | (i % 2 ? EPCM_BLOCKED : 0));
		expect_code(eremove(f, CHILD_PAGE), SGX_ENCLAVE_ACT);
		expect_refused_by(f, "SGX_ENCLAVE_ACT");
	}
	track_leave(epcm_of(f, SECS_PAGE), epoch);
	expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
}

/* Inside is inside, whatever ETRACK has done since. */
static void eremove_processor_inside_since_earlier_epoch_enclave_act(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	block_and_track(f, CHILD_PAGE, SECS_PAGE);
	expect_code(eremove(f, CHILD_PAGE), SGX_ENCLAVE_ACT);
	track_leave(epcm_of(f, SECS_PAGE), epoch);
	expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
}

static void eremove_processor_inside_another_enclave_ok(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	make_secs(f, 5, ENCLAVE2_BASE);
	assert_true(track_enter(epcm_of(f, 5), &epoch));
	expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
}

/*
 * The text of 2018 has a "nothing to do" branch before the one that removes an
 * accepted PT_TRIM page; Linux reuses the page, so it must be removed.
 */
static void eremove_accepted_trim_while_processor_inside_ok(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	force_state(f, CHILD_PAGE, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_TRIM));
	sgx_watch_page(f->platform, EPC_HPA + PAGES(CHILD_PAGE));
	expect_code(eremove(f, CHILD_PAGE), SGX_SUCCESS);
	assert_removed(f, CHILD_PAGE);
	assert_int_equal(children(f, SECS_PAGE), 0);
	assert_int_equal(f->embedder->notices, 1);
}

static struct leaf_result remove_page(struct fixture *f, unsigned int page)
{
	return sgx_remove_page(f->cpu->platform, EPC_HPA + PAGES(page));
}

/* As the host releases virtual EPC: in any order, again and again until all is gone. */
static void remove_page_by_host_as_eremove(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_child(f);
	sgx_watch_page(f->cpu->platform, EPC_HPA + PAGES(VA_PAGE));
	expect_code(remove_page(f, SECS_PAGE), SGX_CHILD_PRESENT);
	assert_true(epcm_is(epcm_state(epcm_of(f, SECS_PAGE)), SGX_PAGE_TYPE_SECS));
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	expect_code(remove_page(f, CHILD_PAGE), SGX_ENCLAVE_ACT);
	assert_true(epcm_is(epcm_state(epcm_of(f, CHILD_PAGE)), SGX_PAGE_TYPE_REG));
	track_leave(epcm_of(f, SECS_PAGE), epoch);

	expect_code(remove_page(f, CHILD_PAGE), SGX_SUCCESS);
	assert_removed(f, CHILD_PAGE);
	expect_code(remove_page(f, SECS_PAGE), SGX_SUCCESS);
	assert_removed(f, SECS_PAGE);
	assert_int_equal(atomic_load(&epcm_of(f, VA_PAGE)->watched), 1);
	expect_code(remove_page(f, VA_PAGE), SGX_SUCCESS);
	assert_removed(f, VA_PAGE);
	assert_int_equal(atomic_load(&epcm_of(f, VA_PAGE)->watched), 0);
	expect_code(remove_page(f, VA_PAGE), SGX_SUCCESS);
}

static void remove_page_by_host_in_use_gp(void **state)
{
	struct fixture *f = *state;

	make_va(f, VA_PAGE);
	hold_page(f, VA_PAGE, 1);
	expect_gp(remove_page(f, VA_PAGE));
	let_go(f, VA_PAGE, 1);
	assert_true(epcm_is(epcm_state(epcm_of(f, VA_PAGE)), SGX_PAGE_TYPE_VA));
}

static void remove_page_by_host_outside_epc_einval(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res = remove_page(f, FIXTURE_EPC_PAGES);

	assert_int_equal(res.kind, LEAF_HOST_ERROR);
	assert_int_equal(res.value, -EINVAL);
}

const struct CMUnitTest eremove_tests[] = {
	sgx_test(eremove_misaligned_target_gp),
	sgx_test(eremove_non_canonical_target_gp),
	sgx_test(eremove_target_not_mapped_ordinary_pf),
	sgx_test(eremove_target_not_epc_sgx_pf),
	sgx_test(eremove_target_in_use_gp),
	sgx_test(eremove_invalid_target_in_use_gp),
	sgx_test(eremove_invalid_page_ok_and_unchanged),
	sgx_test(eremove_va_page_ok),
	sgx_test(eremove_secs_with_child_child_present),
	sgx_test(eremove_secs_after_last_child_ok),
	sgx_test(eremove_child_nobody_inside_ok),
	sgx_test(eremove_child_while_processor_inside_enclave_act),
	sgx_test(eremove_processor_inside_since_earlier_epoch_enclave_act),
	sgx_test(eremove_processor_inside_another_enclave_ok),
	sgx_test(eremove_accepted_trim_while_processor_inside_ok),
	sgx_test(remove_page_by_host_as_eremove),
	sgx_test(remove_page_by_host_in_use_gp),
	sgx_test(remove_page_by_host_outside_epc_einval),
};
const size_t eremove_test_count = ARRAY_SIZE(eremove_tests);
