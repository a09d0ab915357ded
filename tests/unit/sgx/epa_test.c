// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EPA", one test for each line of its checks. */
#include "tests.h"

#define PAGE 3

static struct leaf_result epa(struct fixture *f)
{
	return encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(PAGE), 0);
}

static void epa_legal_makes_empty_va_page(void **state)
{
	struct fixture *f = *state;
	const struct epcm_entry *e = epcm_of(f, PAGE);

	memset(epc_ptr(f, PAGE), 0xee, SGX_PAGE_SIZE);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(PAGE));
	expect_ok(epa(f));
	assert_int_equal(epcm_state(e), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA));
	assert_int_equal(epcm_linaddr(e), 0);
	assert_null(epcm_secs(e));
	assert_true(is_zero(epc_ptr(f, PAGE), SGX_PAGE_SIZE));
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(PAGE));
}

/* RBX counts in all its bits, and ranks before the page. */
static void epa_rbx_not_va_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t wrong[] = {0, 2, 4, UINT64_C(0x100000003), 0x303};

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		expect_gp(encls(f, EPA, wrong[i], epc_gva(PAGE), 0));
		expect_refused_by(f, "rbx == SGX_PAGE_TYPE_VA");
	}
	expect_gp(encls(f, EPA, 2, ram_gva(5), 0));
	expect_refused_by(f, "rbx == SGX_PAGE_TYPE_VA");
}

static void epa_misaligned_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(PAGE) + 8, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void epa_non_canonical_target_gp(void **state)
{
	struct fixture *f = *state;

	expect_gp(encls(f, EPA, SGX_PAGE_TYPE_VA, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void epa_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	unmap(f, epc_gva(PAGE));
	expect_pfo(epa(f), epc_gva(PAGE), PFERR_WRITE_MASK);
}

static void epa_target_read_only_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	map_epc(f, epc_gva(PAGE), PAGE, PTE_P | PTE_U);
	expect_pfo(epa(f), epc_gva(PAGE), PFERR_PRESENT_MASK | PFERR_WRITE_MASK);
}

static void epa_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(encls(f, EPA, SGX_PAGE_TYPE_VA, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
}

static void epa_target_in_use_gp(void **state)
{
	struct fixture *f = *state;
	static const uint32_t holders[] = {1, EPCM_LOCK_EXCL, EPCM_LOCK_SGX2 + 1};

	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		hold_page(f, PAGE, holders[i]);
		expect_gp(epa(f));
		expect_refused_by(f, "epcm_lock");
		let_go(f, PAGE, holders[i]);
	}
	expect_ok(epa(f));
}

static void epa_target_valid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_ok(epa(f));
	expect_pfx(epa(f), epc_gva(PAGE), ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

static void epa_target_in_use_and_valid_gp(void **state)
{
	struct fixture *f = *state;

	expect_ok(epa(f));
	hold_page(f, PAGE, 1);
	expect_gp(epa(f));
	expect_refused_by(f, "epcm_lock");
}

/* A processor without SGX2 reports EPCM violations as #GP(0). */
static void epa_target_valid_without_sgx2_gp(void **state)
{
	struct fixture *f = *state;

	expect_ok(epa(f));
	f->cpuid->leaves &= ~SGX_CPUID_SGX2;
	expect_gp(epa(f));
	expect_refused_by(f, "!epcm_is_valid");
}

const struct CMUnitTest epa_tests[] = {
	sgx_test(epa_legal_makes_empty_va_page),     sgx_test(epa_rbx_not_va_gp),
	sgx_test(epa_misaligned_target_gp),          sgx_test(epa_non_canonical_target_gp),
	sgx_test(epa_target_not_mapped_ordinary_pf), sgx_test(epa_target_read_only_ordinary_pf),
	sgx_test(epa_target_not_epc_sgx_pf),         sgx_test(epa_target_in_use_gp),
	sgx_test(epa_target_valid_sgx_pf),           sgx_test(epa_target_in_use_and_valid_gp),
	sgx_test(epa_target_valid_without_sgx2_gp),
};
const size_t epa_test_count = ARRAY_SIZE(epa_tests);
