// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EMODPR", one test for each line of its checks. */
#include "tests.h"

#define REG_PAGE 4 /* RWX in the tiny enclave */
#define REG_GVA  epc_gva(REG_PAGE)
#define SECS_GVA epc_gva(0)
#define TCS_GVA  epc_gva(1)

static struct leaf_result emodpr(struct fixture *f, gva_t target)
{
	return encls(f, EMODPR, SECINFO_GVA, target, 0);
}

/* Everything EMODPR wants, with @flags of SECINFO; each test then spoils one thing. */
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

/* For all rights of page and request: none is ever gained, PR is set, nothing else. */
static void emodpr_legal_intersects_rights(void **state)
{
	struct fixture *f = *state;
	const uint64_t fixed = EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG);

	for (uint64_t have = 0; have < 8; have++) {
		for (uint64_t want = 0; want < 8; want++) {
			if ((want & 3) == EPCM_W)
				continue;
			legal(f, want);
			change_state(f, REG_PAGE, EPCM_RWX | EPCM_PR, have);
			expect_code(emodpr(f, REG_GVA), 0);
			assert_int_equal(flags_of(f, REG_PAGE), fixed | (have & want) | EPCM_PR);
		}
	}
}

static void emodpr_legal_records_epoch(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	assert_true(track_new_epoch(epcm_of(f, 0)));
	assert_true(track_new_epoch(epcm_of(f, 0)));
	expect_code(emodpr(f, REG_GVA), 0);
	assert_int_equal(epcm_epoch(epcm_state(epcm_of(f, REG_PAGE))), 3);
	assert_int_equal(f->embedder->notices, 0);
}

/* Linux leaves the page type 0; whatever it is does not count. */
static void emodpr_page_type_in_secinfo_ignored(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R | EPCM_PT(0xff));
	expect_code(emodpr(f, REG_GVA), 0);
	assert_int_equal(epcm_pt(epcm_state(epcm_of(f, REG_PAGE))), SGX_PAGE_TYPE_REG);
}

static void emodpr_blocked_page_ok(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	change_state(f, REG_PAGE, 0, EPCM_BLOCKED);
	expect_code(emodpr(f, REG_GVA), 0);
	assert_true(epcm_state(epcm_of(f, REG_PAGE)) & EPCM_BLOCKED);
}

static void emodpr_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	expect_gp(encls(f, EMODPR, SECINFO_GVA + 32, REG_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EMODPR, SECINFO_GVA, REG_GVA + 8, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void emodpr_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	expect_gp(encls(f, EMODPR, NON_CANONICAL, REG_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(emodpr(f, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

static void emodpr_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	unmap(f, ram_gva(0));
	expect_pfo(emodpr(f, REG_GVA), SECINFO_GVA, 0);
	unmap(f, REG_GVA);
	expect_pfo(emodpr(f, REG_GVA), REG_GVA, PFERR_WRITE_MASK);
}

static void emodpr_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, BIT64(63));
	expect_pfx(emodpr(f, ram_gva(5)), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
}

static void emodpr_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(3), BIT64(4),  BIT64(5), BIT64(6),
					    BIT64(7), BIT64(16), BIT64(63)};

	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		legal(f, EPCM_R | reserved[i]);
		expect_gp(emodpr(f, REG_GVA));
		expect_refused_by(f, "secinfo_has_only");
	}
	legal(f, EPCM_R);
	secinfo(f)->reserved[0] = 1;
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "secinfo_has_only");
	legal(f, EPCM_R);
	secinfo(f)->reserved[55] = 1;
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "secinfo_has_only");
}

static void emodpr_write_without_read_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_W);
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "!= SGX_SECINFO_W");
	legal(f, EPCM_W | EPCM_X);
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "!= SGX_SECINFO_W");
}

static void emodpr_page_held_exclusively_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	hold_page(f, REG_PAGE, EPCM_LOCK_EXCL);
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "EPCM_SHARED");
	let_go(f, REG_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, REG_PAGE, 1);
	expect_code(emodpr(f, REG_GVA), 0);
	let_go(f, REG_PAGE, 1);
}

/* What Linux asks of an accepted TRIM page that it has removed. */
static void emodpr_target_invalid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_RWX);
	expect_pfx(emodpr(f, epc_gva(20)), epc_gva(20), ENCLS_WRITE);
	expect_refused_by(f, "epcm_is_valid");
	hold_page(f, 20, EPCM_LOCK_SGX2);
	expect_pfx(emodpr(f, epc_gva(20)), epc_gva(20), ENCLS_WRITE);
	let_go(f, 20, EPCM_LOCK_SGX2);
}

static void emodpr_other_sgx2_leaf_conflict(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	hold_page(f, REG_PAGE, EPCM_LOCK_SGX2);
	expect_code(emodpr(f, REG_GVA), SGX_EPC_PAGE_CONFLICT);
	expect_refused_by(f, "EPCM_LOCK_SGX2");
	/* Before the state of the page. */
	change_state(f, REG_PAGE, 0, EPCM_PENDING);
	expect_code(emodpr(f, REG_GVA), SGX_EPC_PAGE_CONFLICT);
	let_go(f, REG_PAGE, EPCM_LOCK_SGX2);
}

static void emodpr_pending_or_modified_not_modifiable(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	change_state(f, REG_PAGE, 0, EPCM_PENDING);
	expect_code(emodpr(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
	expect_refused_by(f, "EPCM_PENDING");
	change_state(f, REG_PAGE, EPCM_PENDING, EPCM_MODIFIED);
	expect_code(emodpr(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
	expect_refused_by(f, "EPCM_PENDING");
}

/* Linux tells an unaccepted TRIM page (20) from an accepted one (#PF 0x8003). */
static void emodpr_trim_page_depends_on_acceptance(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_RWX);
	change_state(f, REG_PAGE, EPCM_PT_MASK | EPCM_RWX,
		     EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED);
	expect_code(emodpr(f, REG_GVA), SGX_PAGE_NOT_MODIFIABLE);
	change_state(f, REG_PAGE, EPCM_MODIFIED, 0);
	expect_pf(emodpr(f, REG_GVA), REG_GVA, 0x8003);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
}

static void emodpr_page_type_not_reg_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	expect_pfx(emodpr(f, TCS_GVA), TCS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_pfx(emodpr(f, SECS_GVA), SECS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(20), 0));
	expect_pfx(emodpr(f, epc_gva(20)), epc_gva(20), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
}

static void emodpr_enclave_not_initialised_gp(void **state)
{
	struct fixture *f = *state;

	legal(f, EPCM_R);
	((struct sgx_secs *)epc_ptr(f, 0))->attributes &= ~SGX_ATTR_INIT;
	expect_gp(emodpr(f, REG_GVA));
	expect_refused_by(f, "secs_is_initialised");
	/* The page type ranks before. */
	expect_pfx(emodpr(f, TCS_GVA), TCS_GVA, ENCLS_WRITE);
}

const struct CMUnitTest emodpr_tests[] = {
	sgx_test(emodpr_legal_intersects_rights),
	sgx_test(emodpr_legal_records_epoch),
	sgx_test(emodpr_page_type_in_secinfo_ignored),
	sgx_test(emodpr_blocked_page_ok),
	sgx_test(emodpr_misaligned_operands_gp),
	sgx_test(emodpr_non_canonical_operands_gp),
	sgx_test(emodpr_operand_not_mapped_ordinary_pf),
	sgx_test(emodpr_target_not_epc_sgx_pf),
	sgx_test(emodpr_secinfo_reserved_gp),
	sgx_test(emodpr_write_without_read_gp),
	sgx_test(emodpr_page_held_exclusively_gp),
	sgx_test(emodpr_target_invalid_sgx_pf),
	sgx_test(emodpr_other_sgx2_leaf_conflict),
	sgx_test(emodpr_pending_or_modified_not_modifiable),
	sgx_test(emodpr_trim_page_depends_on_acceptance),
	sgx_test(emodpr_page_type_not_reg_sgx_pf),
	sgx_test(emodpr_enclave_not_initialised_gp),
};
const size_t emodpr_test_count = ARRAY_SIZE(emodpr_tests);
