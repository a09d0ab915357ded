// SPDX-License-Identifier: GPL-2.0-or-later
/* From the registers of a leaf to linear addresses: segmentation, canonical form. */
#include "tests.h"

static struct x86_segment *ds(struct fixture *f)
{
	return &f->state->seg[X86_SEG_DS];
}

/* A leaf that walks for writing, changes nothing and succeeds. */
static struct leaf_result eremove(struct fixture *f)
{
	return encls(f, EREMOVE, 0, epc_gva(0), 0);
}

/* SDM "Limit Checking" and "Type Checking", of a leaf that writes its operand. */
static void operand_32bit_beyond_segment_gp(void **state)
{
	struct fixture *f = *state;

	use_32bit(f);
	ds(f)->limit = (uint32_t)epc_gva(0) - 1;
	expect_gp(eremove(f));
	expect_refused_by(f, "ds_allows");
	ds(f)->limit = (uint32_t)epc_gva(0);
	expect_code(eremove(f), 0);
	ds(f)->limit = UINT32_MAX;
	ds(f)->type = 0;
	expect_gp(eremove(f));
	expect_refused_by(f, "ds_allows");
	ds(f)->type = X86_SEG_TYPE_CODE | X86_SEG_TYPE_WRITABLE;
	expect_gp(eremove(f));
	expect_refused_by(f, "ds_allows");
}

/* A structure must fit as a whole. */
static void operand_32bit_structure_beyond_limit_gp(void **state)
{
	struct fixture *f = *state;

	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE);
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	use_32bit(f);
	ds(f)->base = EPC_GVA;
	ds(f)->limit = (uint32_t)(PAGEINFO_GVA - EPC_GVA) + 30;
	expect_gp(encls(f, ECREATE, PAGEINFO_GVA - EPC_GVA, 0, 0));
	expect_refused_by(f, "ds_allows");
}

/* Linear addresses are DS.base + offset, modulo 4 GiB. */
static void operand_32bit_segment_base_added(void **state)
{
	struct fixture *f = *state;
	const uint64_t base = 0x80000000;

	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE);
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	pageinfo(f)->srcpge = (uint32_t)(SRC_GVA - base);
	pageinfo(f)->secinfo = (uint32_t)(SECINFO_GVA - base);
	use_32bit(f);
	ds(f)->base = base;
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA - base, epc_gva(0) - base, 0));
	assert_true(epcm_is(epcm_state(epcm_of(f, 0)), SGX_PAGE_TYPE_SECS));
}

/* An offset may be aligned where the linear address is not. */
static void operand_32bit_crosses_page_gp(void **state)
{
	struct fixture *f = *state;

	use_32bit(f);
	ds(f)->base = 16;
	expect_gp(encls(f, ECREATE, ram_gva(1) - 32, epc_gva(0), 0));
	expect_refused_by(f, "<= SGX_PAGE_SIZE");
}

static void operand_32bit_upper_register_halves_ignored(void **state)
{
	struct fixture *f = *state;
	const uint64_t upper = UINT64_C(0xdeadbeef00000000);

	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE);
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	use_32bit(f);
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA | upper, epc_gva(0) | upper, upper));
}

/* With 57-bit linear addresses another range is canonical. */
static void operand_canonical_follows_la57(void **state)
{
	struct fixture *f = *state;
	const gva_t gva = UINT64_C(1) << 47;

	expect_gp(encls(f, EREMOVE, 0, gva, 0));
	expect_refused_by(f, "x86_is_canonical");
	f->state->cr4 |= X86_CR4_LA57;
	expect_pfo(encls(f, EREMOVE, 0, gva, 0), gva, PFERR_WRITE_MASK);
}

const struct CMUnitTest operand_tests[] = {
	sgx_test(operand_32bit_beyond_segment_gp),
	sgx_test(operand_32bit_structure_beyond_limit_gp),
	sgx_test(operand_32bit_segment_base_added),
	sgx_test(operand_32bit_crosses_page_gp),
	sgx_test(operand_32bit_upper_register_halves_ignored),
	sgx_test(operand_canonical_follows_la57),
};
const size_t operand_test_count = ARRAY_SIZE(operand_tests);
