// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EAUG", one test for each line of its checks. */
#include "tests.h"

#define SECS_PAGE   0
#define TARGET_PAGE 8
#define LINADDR     (ENCLAVE_BASE + PAGES(8))
#define TARGET_GVA  epc_gva(TARGET_PAGE)
#define SECS_GVA    epc_gva(SECS_PAGE)

static struct leaf_result eaug(struct fixture *f)
{
	return encls(f, EAUG, PAGEINFO_GVA, TARGET_GVA, 0);
}

/* Everything EAUG wants; each test then spoils one thing. */
static struct sgx_pageinfo *legal(struct fixture *f)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, SECS_PAGE))))
		make_tiny_enclave(f, SECS_PAGE, ENCLAVE_BASE);
	*pageinfo(f) = (struct sgx_pageinfo){.linaddr = LINADDR, .secs = SECS_GVA};
	*secinfo(f) = (struct sgx_secinfo){.flags = EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W};
	return pageinfo(f);
}

static void eaug_legal_makes_pending_zero_page(void **state)
{
	struct fixture *f = *state;

	legal(f);
	memset(epc_ptr(f, TARGET_PAGE), 0xee, SGX_PAGE_SIZE);
	expect_ok(eaug(f));
	assert_int_equal(epcm_of(f, TARGET_PAGE)->state,
			 EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING);
	assert_int_equal(epcm_linaddr(epcm_of(f, TARGET_PAGE)), LINADDR);
	assert_ptr_equal(epcm_secs(epcm_of(f, TARGET_PAGE)), epcm_of(f, SECS_PAGE));
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, TINY_PAGES);
	assert_true(is_zero(epc_ptr(f, TARGET_PAGE), SGX_PAGE_SIZE));
}

static void eaug_watched_target_gives_notice(void **state)
{
	struct fixture *f = *state;

	legal(f);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(TARGET_PAGE));
	expect_ok(eaug(f));
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(TARGET_PAGE));
}

static void eaug_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, EAUG, PAGEINFO_GVA + 16, TARGET_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EAUG, PAGEINFO_GVA, TARGET_GVA + 2048, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void eaug_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, EAUG, NON_CANONICAL, TARGET_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(encls(f, EAUG, PAGEINFO_GVA, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
	legal(f)->secs = NON_CANONICAL;
	expect_gp(eaug(f));
	expect_refused_by(f, "x86_is_canonical");
}

static void eaug_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, SECS_GVA);
	expect_pfo(eaug(f), SECS_GVA, PFERR_WRITE_MASK);
	unmap(f, ram_gva(0));
	expect_pfo(eaug(f), PAGEINFO_GVA, 0);
	unmap(f, TARGET_GVA);
	expect_pfo(eaug(f), TARGET_GVA, PFERR_WRITE_MASK);
}

static void eaug_target_or_secs_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EAUG, PAGEINFO_GVA, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
	legal(f)->secs = ram_gva(5);
	expect_pfx(eaug(f), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
}

static void eaug_pageinfo_fields_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	legal(f)->secinfo = SECINFO_GVA + 32;
	expect_gp(eaug(f));
	expect_refused_by(f, "pageinfo->secinfo");
	legal(f)->secs += 8;
	expect_gp(eaug(f));
	expect_refused_by(f, "pageinfo->secs,");
	legal(f)->linaddr += 8;
	expect_gp(eaug(f));
	expect_refused_by(f, "pageinfo->linaddr");
}

static void eaug_source_given_gp(void **state)
{
	struct fixture *f = *state;

	legal(f)->srcpge = SRC_GVA;
	expect_gp(eaug(f));
	expect_refused_by(f, "!pageinfo->srcpge");
	/* Before the SECS is looked for. */
	pageinfo(f)->secs = ram_gva(5);
	expect_gp(eaug(f));
	expect_refused_by(f, "!pageinfo->srcpge");
}

static void eaug_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, TARGET_PAGE, 1);
	expect_gp(eaug(f));
	expect_refused_by(f, "CLAIM_TARGET");
	let_go(f, TARGET_PAGE, 1);
	hold_page(f, TARGET_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eaug(f));
	expect_refused_by(f, "CLAIM_TARGET");
	let_go(f, TARGET_PAGE, EPCM_LOCK_EXCL);
}

static void eaug_target_valid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_ok(eaug(f));
	expect_pfx(eaug(f), TARGET_GVA, ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

static void eaug_target_valid_and_secs_in_use_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_ok(eaug(f));
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_pfx(eaug(f), TARGET_GVA, ENCLS_WRITE);
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
}

static void eaug_target_is_its_secs_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EAUG, PAGEINFO_GVA, SECS_GVA, 0), SECS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

/* A SECINFO asks for shadow-stack pages, which need CET. */
static void eaug_secinfo_given_gp(void **state)
{
	struct fixture *f = *state;
	static const unsigned int types[] = {
		SGX_PAGE_TYPE_SECS, SGX_PAGE_TYPE_TCS,      SGX_PAGE_TYPE_REG,    SGX_PAGE_TYPE_VA,
		SGX_PAGE_TYPE_TRIM, SGX_PAGE_TYPE_SS_FIRST, SGX_PAGE_TYPE_SS_REST};

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		legal(f)->secinfo = SECINFO_GVA;
		secinfo(f)->flags = EPCM_PT(types[i]) | EPCM_R | EPCM_W;
		expect_gp(eaug(f));
		expect_refused_by(f, "!pageinfo->secinfo");
	}
}

/* A SECINFO is read after the target was tested, and before it is refused. */
static void eaug_secinfo_given_and_others_spoiled(void **state)
{
	struct fixture *f = *state;

	legal(f)->secinfo = ram_gva(7);
	unmap(f, ram_gva(7));
	expect_pfo(eaug(f), ram_gva(7), 0);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_pfo(eaug(f), ram_gva(7), 0);
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, TARGET_PAGE, 1);
	expect_gp(eaug(f));
	expect_refused_by(f, "epcm_lock");
	let_go(f, TARGET_PAGE, 1);
	legal(f);
	expect_ok(eaug(f));
	legal(f)->secinfo = SECINFO_GVA;
	expect_pfx(eaug(f), TARGET_GVA, ENCLS_WRITE);
}

static void eaug_secs_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eaug(f));
	expect_refused_by(f, "CLAIM_SECS");
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, SECS_PAGE, 1);
	expect_ok(eaug(f));
	let_go(f, SECS_PAGE, 1);
}

static void eaug_secs_invalid_or_other_type_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f)->secs = epc_gva(9);
	expect_pfx(eaug(f), epc_gva(9), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	legal(f)->secs = epc_gva(4);
	expect_pfx(eaug(f), epc_gva(4), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	/* Target and SECS the same invalid page: the target passes, the SECS does not. */
	legal(f)->secs = TARGET_GVA;
	expect_pfx(eaug(f), TARGET_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
}

static void eaug_enclave_not_initialised_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	((struct sgx_secs *)epc_ptr(f, SECS_PAGE))->attributes &= ~SGX_ATTR_INIT;
	expect_gp(eaug(f));
	expect_refused_by(f, "secs_is_initialised");
}

static void eaug_linaddr_outside_elrange_gp(void **state)
{
	struct fixture *f = *state;

	legal(f)->linaddr = ENCLAVE_BASE - SGX_PAGE_SIZE;
	expect_gp(eaug(f));
	expect_refused_by(f, "secs_in_elrange");
	legal(f)->linaddr = ENCLAVE_BASE + ENCLAVE_SIZE;
	expect_gp(eaug(f));
	expect_refused_by(f, "secs_in_elrange");
	legal(f)->linaddr = ENCLAVE_BASE + ENCLAVE_SIZE - SGX_PAGE_SIZE;
	expect_ok(eaug(f));
}

static void eaug_enclave_active_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	use_cpu(f, 1);
	enter_by_hand(f, SECS_PAGE);
	use_cpu(f, 0);
	expect_ok(eaug(f));
}

const struct CMUnitTest eaug_tests[] = {
	sgx_test(eaug_legal_makes_pending_zero_page),
	sgx_test(eaug_watched_target_gives_notice),
	sgx_test(eaug_misaligned_operands_gp),
	sgx_test(eaug_non_canonical_operands_gp),
	sgx_test(eaug_operand_not_mapped_ordinary_pf),
	sgx_test(eaug_target_or_secs_not_epc_sgx_pf),
	sgx_test(eaug_pageinfo_fields_misaligned_gp),
	sgx_test(eaug_source_given_gp),
	sgx_test(eaug_target_in_use_gp),
	sgx_test(eaug_target_valid_sgx_pf),
	sgx_test(eaug_target_valid_and_secs_in_use_sgx_pf),
	sgx_test(eaug_target_is_its_secs_sgx_pf),
	sgx_test(eaug_secinfo_given_gp),
	sgx_test(eaug_secinfo_given_and_others_spoiled),
	sgx_test(eaug_secs_in_use_gp),
	sgx_test(eaug_secs_invalid_or_other_type_sgx_pf),
	sgx_test(eaug_enclave_not_initialised_gp),
	sgx_test(eaug_linaddr_outside_elrange_gp),
	sgx_test(eaug_enclave_active_ok),
};
const size_t eaug_test_count = ARRAY_SIZE(eaug_tests);
