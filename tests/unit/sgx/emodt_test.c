// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EMODT", one test for each line of its checks. */
#include "tests.h"

#define REG_PAGE 4 /* RWX in the tiny enclave */
#define REG_GVA  epc_gva(REG_PAGE)
#define TCS_PAGE 1
#define TCS_GVA  epc_gva(TCS_PAGE)
#define TCS      EPCM_PT(SGX_PAGE_TYPE_TCS)
#define TRIM     EPCM_PT(SGX_PAGE_TYPE_TRIM)

static struct leaf_result emodt(struct fixture *f, gva_t target)
{
	return encls(f, EMODT, SECINFO_GVA, target, 0);
}

/* Everything EMODT wants, with @flags of SECINFO; each test then spoils one thing. */
static void legal(struct fixture *f, uint64_t flags)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, 0))))
		make_tiny_enclave(f, 0, ENCLAVE_BASE);
	*secinfo(f) = (struct sgx_secinfo){.flags = flags};
}

static uint64_t flags_of(struct fixture *f, unsigned int page)
{
	return epcm_state(epcm_of(f, page)) & EPCM_FLAGS_MASK;
}

static void emodt_legal_regular_page_becomes_tcs(void **state)
{
	struct fixture *f = *state;

	legal(f, TCS);
	change_state(f, REG_PAGE, 0, EPCM_PR);
	expect_code(emodt(f, REG_GVA), 0);
	assert_int_equal(flags_of(f, REG_PAGE), EPCM_VALID | TCS | EPCM_MODIFIED);
}

static void emodt_legal_regular_page_becomes_trim(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	expect_code(emodt(f, REG_GVA), 0);
	assert_int_equal(flags_of(f, REG_PAGE), EPCM_VALID | TRIM | EPCM_MODIFIED);
	assert_int_equal(epcm_linaddr(epcm_of(f, REG_PAGE)), ENCLAVE_BASE + PAGES(3));
	assert_ptr_equal(epcm_secs(epcm_of(f, REG_PAGE)), epcm_of(f, 0));
	assert_int_equal(epcm_of(f, 0)->children, TINY_PAGES - 1);
}

static void emodt_legal_tcs_becomes_trim(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	expect_code(emodt(f, TCS_GVA), 0);
	assert_int_equal(flags_of(f, TCS_PAGE), EPCM_VALID | TRIM | EPCM_MODIFIED);
}

static void emodt_legal_records_epoch_and_gives_notice(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	assert_true(track_new_epoch(epcm_of(f, 0)));
	sgx_watch_page(f->platform, EPC_HPA + PAGES(REG_PAGE));
	expect_code(emodt(f, REG_GVA), 0);
	assert_int_equal(epcm_epoch(epcm_state(epcm_of(f, REG_PAGE))), 2);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(REG_PAGE));
}

static void emodt_rights_in_secinfo_ignored(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM | EPCM_RWX);
	expect_code(emodt(f, REG_GVA), 0);
	assert_int_equal(flags_of(f, REG_PAGE), EPCM_VALID | TRIM | EPCM_MODIFIED);
}

static void emodt_blocked_page_ok(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	change_state(f, REG_PAGE, 0, EPCM_BLOCKED);
	expect_code(emodt(f, REG_GVA), 0);
	assert_int_equal(flags_of(f, REG_PAGE), EPCM_VALID | TRIM | EPCM_MODIFIED | EPCM_BLOCKED);
}

static void emodt_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	expect_gp(encls(f, EMODT, SECINFO_GVA + 32, REG_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EMODT, SECINFO_GVA, REG_GVA + 8, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void emodt_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	expect_gp(encls(f, EMODT, NON_CANONICAL, REG_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(emodt(f, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

static void emodt_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	unmap(f, ram_gva(0));
	expect_pfo(emodt(f, REG_GVA), SECINFO_GVA, 0);
	unmap(f, REG_GVA);
	expect_pfo(emodt(f, REG_GVA), REG_GVA, PFERR_WRITE_MASK);
}

static void emodt_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, BIT64(63));
	expect_pfx(emodt(f, ram_gva(5)), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
}

static void emodt_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(3), BIT64(4),  BIT64(5), BIT64(6),
					    BIT64(7), BIT64(16), BIT64(63)};

	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		legal(f, TRIM | reserved[i]);
		expect_gp(emodt(f, REG_GVA));
		expect_refused_by(f, "secinfo_has_only");
	}
	legal(f, TRIM);
	secinfo(f)->reserved[0] = 1;
	expect_gp(emodt(f, REG_GVA));
	expect_refused_by(f, "secinfo_has_only");
	legal(f, TRIM);
	secinfo(f)->reserved[55] = 1;
	expect_gp(emodt(f, REG_GVA));
	expect_refused_by(f, "secinfo_has_only");
}

static void emodt_requested_type_not_tcs_or_trim_gp(void **state)
{
	struct fixture *f = *state;

	for (unsigned int pt = 0; pt < 256; pt++) {
		if (pt == SGX_PAGE_TYPE_TCS || pt == SGX_PAGE_TYPE_TRIM)
			continue;
		legal(f, EPCM_PT(pt));
		expect_gp(emodt(f, REG_GVA));
		expect_refused_by(f, "SGX_PAGE_TYPE_TCS");
	}
}

static void emodt_page_in_use_conflict(void **state)
{
	struct fixture *f = *state;
	static const uint32_t holders[] = {1, EPCM_LOCK_EXCL, 1 | EPCM_LOCK_SGX2};

	legal(f, TRIM);
	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		hold_page(f, REG_PAGE, holders[i]);
		expect_code(emodt(f, REG_GVA), SGX_EPC_PAGE_CONFLICT);
		expect_refused_by(f, "EPCM_EXCLUSIVE");
		let_go(f, REG_PAGE, holders[i]);
	}
	/* Before the page is looked at. */
	hold_page(f, 20, 1);
	expect_code(emodt(f, epc_gva(20)), SGX_EPC_PAGE_CONFLICT);
	let_go(f, 20, 1);
}

static void emodt_other_sgx2_leaf_conflict(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	hold_page(f, REG_PAGE, EPCM_LOCK_SGX2);
	expect_code(emodt(f, REG_GVA), SGX_EPC_PAGE_CONFLICT);
	expect_refused_by(f, "EPCM_EXCLUSIVE");
	let_go(f, REG_PAGE, EPCM_LOCK_SGX2);
}

static void emodt_target_invalid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	expect_pfx(emodt(f, epc_gva(20)), epc_gva(20), ENCLS_WRITE);
	expect_refused_by(f, "epcm_is_valid");
}

static void emodt_page_type_cannot_change_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, TCS);
	expect_pfx(emodt(f, TCS_GVA), TCS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "may_become");
	legal(f, TRIM);
	expect_pfx(emodt(f, epc_gva(0)), epc_gva(0), ENCLS_WRITE);
	expect_refused_by(f, "may_become");
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(20), 0));
	expect_pfx(emodt(f, epc_gva(20)), epc_gva(20), ENCLS_WRITE);
	expect_refused_by(f, "may_become");
	change_state(f, REG_PAGE, EPCM_PT_MASK | EPCM_RWX, TRIM);
	expect_pfx(emodt(f, REG_GVA), REG_GVA, ENCLS_WRITE);
	expect_refused_by(f, "may_become");
	/* The type ranks before the state: a trimmed page is a fault, accepted or not. */
	change_state(f, REG_PAGE, 0, EPCM_MODIFIED);
	expect_pfx(emodt(f, REG_GVA), REG_GVA, ENCLS_WRITE);
	expect_refused_by(f, "may_become");
}

static void emodt_pending_or_modified_not_modifiable(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	change_state(f, REG_PAGE, 0, EPCM_PENDING);
	expect_code(emodt(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
	expect_refused_by(f, "EPCM_PENDING");
	change_state(f, REG_PAGE, EPCM_PENDING | EPCM_PT_MASK | EPCM_RWX, TCS | EPCM_MODIFIED);
	expect_code(emodt(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
	expect_refused_by(f, "EPCM_PENDING");
}

static void emodt_enclave_not_initialised_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, TRIM);
	((struct sgx_secs *)epc_ptr(f, 0))->attributes &= ~SGX_ATTR_INIT;
	expect_gp(emodt(f, REG_GVA));
	expect_refused_by(f, "secs_is_initialised");
	/* The state of the page ranks before. */
	change_state(f, REG_PAGE, 0, EPCM_PENDING);
	expect_code(emodt(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
}

const struct CMUnitTest emodt_tests[] = {
	sgx_test(emodt_legal_regular_page_becomes_tcs),
	sgx_test(emodt_legal_regular_page_becomes_trim),
	sgx_test(emodt_legal_tcs_becomes_trim),
	sgx_test(emodt_legal_records_epoch_and_gives_notice),
	sgx_test(emodt_rights_in_secinfo_ignored),
	sgx_test(emodt_blocked_page_ok),
	sgx_test(emodt_misaligned_operands_gp),
	sgx_test(emodt_non_canonical_operands_gp),
	sgx_test(emodt_operand_not_mapped_ordinary_pf),
	sgx_test(emodt_target_not_epc_sgx_pf),
	sgx_test(emodt_secinfo_reserved_gp),
	sgx_test(emodt_requested_type_not_tcs_or_trim_gp),
	sgx_test(emodt_page_in_use_conflict),
	sgx_test(emodt_other_sgx2_leaf_conflict),
	sgx_test(emodt_target_invalid_sgx_pf),
	sgx_test(emodt_page_type_cannot_change_sgx_pf),
	sgx_test(emodt_pending_or_modified_not_modifiable),
	sgx_test(emodt_enclave_not_initialised_gp),
};
const size_t emodt_test_count = ARRAY_SIZE(emodt_tests);
