// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EDBGRD" and "EDBGWR", one test for each line of their checks. */
#include "tests.h"

#define SECS_GVA  epc_gva(0)
#define TCS_PAGE  1
#define TCS_GVA   epc_gva(TCS_PAGE)
#define DATA_PAGE 5
#define DATA_GVA  (epc_gva(DATA_PAGE) + 0x18)
#define VA_PAGE   20
#define VA_GVA    epc_gva(VA_PAGE)
#define PATTERN   UINT64_C(0x8877665544332211)

static struct leaf_result edbgrd(struct fixture *f, gva_t gva)
{
	return encls(f, EDBGRD, PATTERN, gva, 0);
}

static struct leaf_result edbgwr(struct fixture *f, gva_t gva)
{
	return encls(f, EDBGWR, PATTERN, gva, 0);
}

/* The enclave has DEBUG. */
static void legal(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
}

static uint64_t *word(struct fixture *f, unsigned int page, unsigned int offset)
{
	return (uint64_t *)((uint8_t *)epc_ptr(f, page) + offset);
}

static void edbgrd_legal_reads_eight_bytes(void **state)
{
	struct fixture *f = *state;

	legal(f);
	*word(f, DATA_PAGE, 0x18) = UINT64_C(0xfedcba9876543210);
	expect_code(edbgrd(f, DATA_GVA), 0);
	assert_int_equal(f->state->gpr[X86_RBX], UINT64_C(0xfedcba9876543210));
	assert_int_equal(f->embedder->notices, 0);
	*word(f, DATA_PAGE, 0xff8) = 7;
	expect_code(edbgrd(f, epc_gva(DATA_PAGE) + 0xff8), 0);
	assert_int_equal(f->state->gpr[X86_RBX], 7);
}

static void edbgwr_legal_writes_eight_bytes(void **state)
{
	struct fixture *f = *state;

	legal(f);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(DATA_PAGE));
	expect_code(edbgwr(f, DATA_GVA), 0);
	assert_int_equal(*word(f, DATA_PAGE, 0x10), 0);
	assert_int_equal(*word(f, DATA_PAGE, 0x18), PATTERN);
	assert_int_equal(*word(f, DATA_PAGE, 0x20), 0);
	assert_int_equal(f->state->gpr[X86_RBX], PATTERN);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(DATA_PAGE));
}

/* Four bytes, at any multiple of four, and the upper halves do not count. */
static void edbg_32bit_mode_moves_four_bytes(void **state)
{
	struct fixture *f = *state;
	const uint64_t upper = UINT64_C(0xffffffff00000000);

	legal(f);
	use_32bit(f);
	expect_code(edbgwr(f, (DATA_GVA + 4) | upper), 0);
	assert_int_equal(*word(f, DATA_PAGE, 0x18), UINT64_C(0x4433221100000000));
	expect_code(edbgrd(f, (DATA_GVA + 4) | upper), 0);
	assert_int_equal(f->state->gpr[X86_RBX], UINT32_C(0x44332211));
	expect_gp(edbgrd(f, DATA_GVA + 2));
	expect_refused_by(f, "is_aligned");
	expect_gp(edbgwr(f, DATA_GVA + 2));
	expect_refused_by(f, "is_aligned");
}

static void edbg_32bit_segment_base_odd_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	use_32bit(f);
	f->state->seg[X86_SEG_DS].base = 2;
	expect_gp(edbgrd(f, epc_gva(DATA_PAGE) + 0xffc));
	expect_gp(edbgwr(f, epc_gva(DATA_PAGE) + 0xff8));
	expect_refused_by(f, "is_aligned");
}

/* The fields of a TCS up to the limits; with four bytes the last one is at 68. */
static void edbgrd_tcs_up_to_limit_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	*word(f, TCS_PAGE, 0x40) = PATTERN + 1;
	for (unsigned int offset = 0; offset < SGX_TCS_LIMIT; offset += 8) {
		expect_code(edbgrd(f, TCS_GVA + offset), 0);
		assert_int_equal(f->state->gpr[X86_RBX], *word(f, TCS_PAGE, offset));
	}
	use_32bit(f);
	expect_code(edbgrd(f, TCS_GVA + 68), 0);
	expect_gp(edbgrd(f, TCS_GVA + 72));
	expect_refused_by(f, "SGX_TCS_LIMIT");
}

static void edbgrd_tcs_beyond_limit_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(edbgrd(f, TCS_GVA + SGX_TCS_LIMIT));
	expect_refused_by(f, "SGX_TCS_LIMIT");
	expect_gp(edbgrd(f, TCS_GVA + 0xff8));
	expect_refused_by(f, "SGX_TCS_LIMIT");
}

static void edbgwr_tcs_flags_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(encls(f, EDBGWR, SGX_TCS_DBGOPTIN, TCS_GVA + 8, 0), 0);
	assert_int_equal(((struct sgx_tcs *)epc_ptr(f, TCS_PAGE))->flags, SGX_TCS_DBGOPTIN);
}

static void edbgwr_tcs_other_field_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	for (unsigned int offset = 0; offset < SGX_PAGE_SIZE; offset += 8) {
		if (offset == 8)
			continue;
		expect_gp(edbgwr(f, TCS_GVA + offset));
		expect_refused_by(f, "flags");
	}
	use_32bit(f);
	expect_gp(edbgwr(f, TCS_GVA + 12));
	expect_refused_by(f, "flags");
}

/* Neither the page's rights nor BLOCKED and PR keep a debugger out. */
static void edbg_rights_and_blocked_ignored(void **state)
{
	struct fixture *f = *state;

	legal(f);
	change_state(f, DATA_PAGE, EPCM_RWX, EPCM_BLOCKED | EPCM_PR);
	expect_code(edbgwr(f, DATA_GVA), 0);
	expect_code(edbgrd(f, DATA_GVA), 0);
	assert_int_equal(f->state->gpr[X86_RBX], PATTERN);
}

static void edbg_misaligned_or_non_canonical_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(edbgrd(f, DATA_GVA + 4));
	expect_refused_by(f, "is_aligned");
	expect_gp(edbgwr(f, DATA_GVA + 4));
	expect_refused_by(f, "is_aligned");
	expect_gp(edbgrd(f, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(edbgwr(f, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

/* EDBGRD walks for reading: a page mapped read-only will do. */
static void edbg_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_epc(f, epc_gva(DATA_PAGE), DATA_PAGE, PTE_P);
	expect_code(edbgrd(f, DATA_GVA), 0);
	expect_pfo(edbgwr(f, DATA_GVA), DATA_GVA, PFERR_WRITE_MASK | PFERR_PRESENT_MASK);
	unmap(f, epc_gva(DATA_PAGE));
	expect_pfo(edbgrd(f, DATA_GVA), DATA_GVA, 0);
	expect_pfo(edbgwr(f, DATA_GVA), DATA_GVA, PFERR_WRITE_MASK);
}

static void edbg_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(edbgrd(f, ram_gva(5)), ram_gva(5), ENCLS_READ);
	expect_refused_by(f, "*e");
	expect_pfx(edbgwr(f, ram_gva(5)), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
}

static void edbg_page_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, DATA_PAGE, EPCM_LOCK_EXCL);
	expect_gp(edbgrd(f, DATA_GVA));
	expect_refused_by(f, "EPCM_SHARED");
	expect_gp(edbgwr(f, DATA_GVA));
	expect_refused_by(f, "EPCM_SHARED");
	let_go(f, DATA_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, DATA_PAGE, 1 | EPCM_LOCK_SGX2);
	expect_code(edbgwr(f, DATA_GVA), 0);
	expect_code(edbgrd(f, DATA_GVA), 0);
	let_go(f, DATA_PAGE, 1 | EPCM_LOCK_SGX2);
}

static void edbg_page_invalid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	expect_pfx(edbgrd(f, DATA_GVA), DATA_GVA, ENCLS_READ);
	expect_refused_by(f, "epcm_is_valid");
	expect_pfx(edbgwr(f, DATA_GVA), DATA_GVA, ENCLS_WRITE);
	expect_refused_by(f, "epcm_is_valid");
}

static void edbg_page_type_not_debuggable_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(edbgrd(f, SECS_GVA), SECS_GVA, ENCLS_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_pfx(edbgwr(f, SECS_GVA), SECS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	/* A page that waits to be trimmed: the type ranks before its state. */
	change_state(f, DATA_PAGE, EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED);
	expect_pfx(edbgrd(f, DATA_GVA), DATA_GVA, ENCLS_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_pfx(edbgwr(f, DATA_GVA), DATA_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, VA_GVA, 0));
	expect_pfx(edbgwr(f, VA_GVA), VA_GVA, ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
}

/* Only whether a slot is in use can be seen, never the version itself. */
static void edbgrd_va_page_hides_versions(void **state)
{
	struct fixture *f = *state;

	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, VA_GVA, 0));
	expect_code(edbgrd(f, VA_GVA + 8), 0);
	assert_int_equal(f->state->gpr[X86_RBX], 0);
	*word(f, VA_PAGE, 8) = 5;
	expect_code(edbgrd(f, VA_GVA + 8), 0);
	assert_int_equal(f->state->gpr[X86_RBX], UINT64_MAX);
	expect_code(edbgrd(f, VA_GVA + 16), 0);
	assert_int_equal(f->state->gpr[X86_RBX], 0);
	use_32bit(f);
	expect_code(edbgrd(f, VA_GVA + 12), 0);
	assert_int_equal(f->state->gpr[X86_RBX], UINT32_MAX);
}

static void edbg_pending_or_modified_not_debuggable(void **state)
{
	struct fixture *f = *state;

	legal(f);
	change_state(f, DATA_PAGE, 0, EPCM_PENDING);
	expect_code(edbgrd(f, DATA_GVA), SGX_PAGE_NOT_DEBUGGABLE);
	expect_refused_by(f, "EPCM_PENDING");
	expect_code(edbgwr(f, DATA_GVA), SGX_PAGE_NOT_DEBUGGABLE);
	expect_refused_by(f, "EPCM_PENDING");
	change_state(f, DATA_PAGE, EPCM_PENDING | EPCM_PT_MASK,
		     EPCM_MODIFIED | EPCM_PT(SGX_PAGE_TYPE_TCS));
	expect_code(edbgrd(f, DATA_GVA), SGX_PAGE_NOT_DEBUGGABLE);
	expect_code(edbgwr(f, DATA_GVA), SGX_PAGE_NOT_DEBUGGABLE);
	/* Before the offset in the TCS. */
	expect_code(edbgrd(f, DATA_GVA + SGX_TCS_LIMIT), SGX_PAGE_NOT_DEBUGGABLE);
}

static void edbg_enclave_without_debug_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	((struct sgx_secs *)epc_ptr(f, 0))->attributes &= ~SGX_ATTR_DEBUG;
	expect_gp(edbgrd(f, DATA_GVA));
	expect_refused_by(f, "SGX_ATTR_DEBUG");
	expect_gp(edbgwr(f, DATA_GVA));
	expect_refused_by(f, "SGX_ATTR_DEBUG");
	expect_gp(edbgrd(f, TCS_GVA));
	expect_refused_by(f, "SGX_ATTR_DEBUG");
	expect_gp(edbgwr(f, TCS_GVA + 8));
	expect_refused_by(f, "SGX_ATTR_DEBUG");
	/* The state of the page ranks before. */
	change_state(f, DATA_PAGE, 0, EPCM_PENDING);
	expect_code(edbgrd(f, DATA_GVA), SGX_PAGE_NOT_DEBUGGABLE);
}

const struct CMUnitTest edbg_tests[] = {
	sgx_test(edbgrd_legal_reads_eight_bytes),
	sgx_test(edbgwr_legal_writes_eight_bytes),
	sgx_test(edbg_32bit_mode_moves_four_bytes),
	sgx_test(edbg_32bit_segment_base_odd_gp),
	sgx_test(edbgrd_tcs_up_to_limit_ok),
	sgx_test(edbgrd_tcs_beyond_limit_gp),
	sgx_test(edbgwr_tcs_flags_ok),
	sgx_test(edbgwr_tcs_other_field_gp),
	sgx_test(edbg_rights_and_blocked_ignored),
	sgx_test(edbg_misaligned_or_non_canonical_gp),
	sgx_test(edbg_not_mapped_ordinary_pf),
	sgx_test(edbg_not_epc_sgx_pf),
	sgx_test(edbg_page_in_use_gp),
	sgx_test(edbg_page_invalid_sgx_pf),
	sgx_test(edbg_page_type_not_debuggable_sgx_pf),
	sgx_test(edbgrd_va_page_hides_versions),
	sgx_test(edbg_pending_or_modified_not_debuggable),
	sgx_test(edbg_enclave_without_debug_gp),
};
const size_t edbg_test_count = ARRAY_SIZE(edbg_tests);
