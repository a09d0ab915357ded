// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EEXTEND", one test for each line of its checks. */
#include "tests.h"

#include "sgx/measure.h"

#define SECS_PAGE 0
#define REG_PAGE  1
#define TCS_PAGE  2
#define SECS_GVA  epc_gva(SECS_PAGE)
#define CHUNK_GVA (epc_gva(REG_PAGE) + SGX_CHUNK_SIZE)

static struct leaf_result eextend(struct fixture *f)
{
	return encls(f, EEXTEND, SECS_GVA, CHUNK_GVA, 0);
}

static void legal(struct fixture *f)
{
	make_secs(f, SECS_PAGE, ENCLAVE_BASE);
	add_reg(f, SECS_PAGE, REG_PAGE, ENCLAVE_BASE + PAGES(3), 0);
	add_tcs(f, SECS_PAGE, TCS_PAGE, ENCLAVE_BASE, 0x1000, 1);
}

static void measurement(struct fixture *f, unsigned int secs_page, uint8_t digest[SGX_HASH_SIZE])
{
	measure_final(epc_ptr(f, secs_page), digest);
}

static uint64_t blocks(struct fixture *f)
{
	return secs_hidden(epc_ptr(f, SECS_PAGE))->measured_blocks;
}

/* ECREATE, two EADDs, then five blocks for each chunk; rights do not count. */
static void eextend_legal_measures_five_blocks(void **state)
{
	struct fixture *f = *state;
	uint8_t before[SGX_HASH_SIZE], after[SGX_HASH_SIZE];

	legal(f);
	measurement(f, SECS_PAGE, before);
	expect_ok(eextend(f));
	assert_int_equal(blocks(f), 3 + 5);
	measurement(f, SECS_PAGE, after);
	assert_memory_not_equal(before, after, sizeof(before));
	expect_ok(encls(f, EEXTEND, SECS_GVA, epc_gva(TCS_PAGE), 0));
	assert_int_equal(blocks(f), 3 + 10);
}

/* The same bytes at another offset are another measurement. */
static void eextend_other_chunk_other_measurement(void **state)
{
	struct fixture *f = *state;
	uint8_t first[SGX_HASH_SIZE], second[SGX_HASH_SIZE];

	legal(f);
	make_secs(f, 8, ENCLAVE_BASE);
	add_reg(f, 8, 9, ENCLAVE_BASE + PAGES(3), 0);
	add_tcs(f, 8, 10, ENCLAVE_BASE, 0x1000, 1);
	memset(epc_ptr(f, 9), 0x77, SGX_PAGE_SIZE);
	memset(epc_ptr(f, REG_PAGE), 0x77, SGX_PAGE_SIZE);
	expect_ok(encls(f, EEXTEND, SECS_GVA, epc_gva(REG_PAGE) + 0xf00, 0));
	expect_ok(encls(f, EEXTEND, epc_gva(8), epc_gva(9) + 0xf00, 0));
	measurement(f, SECS_PAGE, first);
	measurement(f, 8, second);
	assert_memory_equal(first, second, sizeof(first));
	expect_ok(encls(f, EEXTEND, SECS_GVA, epc_gva(REG_PAGE) + 0x100, 0));
	expect_ok(encls(f, EEXTEND, epc_gva(8), epc_gva(9) + 0x200, 0));
	measurement(f, SECS_PAGE, first);
	measurement(f, 8, second);
	assert_memory_not_equal(first, second, sizeof(first));
}

static void eextend_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, EEXTEND, SECS_GVA + 8, CHUNK_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EEXTEND, SECS_GVA, CHUNK_GVA + 128, 0));
	expect_refused_by(f, "is_aligned(gva");
}

/* Outside 64-bit mode it is the linear address that must be aligned. */
static void eextend_segment_base_odd_gp(void **state)
{
	struct fixture *f = *state;
	gva_t chunk = epc_gva(REG_PAGE) + 0xf00;

	legal(f);
	use_32bit(f);
	f->state->seg[X86_SEG_DS].base = 0x80;
	expect_gp(encls(f, EEXTEND, SECS_GVA, chunk, 0));
	expect_refused_by(f, "<= SGX_PAGE_SIZE");
	expect_gp(encls(f, EEXTEND, SECS_GVA, chunk - 0x100, 0));
	expect_refused_by(f, "is_aligned(gva");
	f->state->seg[X86_SEG_DS].base = SGX_PAGE_SIZE;
	expect_ok(encls(f, EEXTEND, SECS_GVA - SGX_PAGE_SIZE, chunk - SGX_PAGE_SIZE, 0));
}

static void eextend_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, epc_gva(REG_PAGE));
	expect_pfo(eextend(f), CHUNK_GVA, 0);
	unmap(f, SECS_GVA);
	expect_pfo(eextend(f), SECS_GVA, 0);
}

static void eextend_operand_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EEXTEND, ram_gva(5), CHUNK_GVA, 0), ram_gva(5), ENCLS_READ);
	expect_refused_by(f, "*e");
	expect_pfx(encls(f, EEXTEND, SECS_GVA, ram_gva(5), 0), ram_gva(5), ENCLS_READ);
	expect_refused_by(f, "*e");
	/* The SECS ranks before the chunk's alignment. */
	expect_pfx(encls(f, EEXTEND, ram_gva(5), CHUNK_GVA + 1, 0), ram_gva(5), ENCLS_READ);
}

static void eextend_page_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, REG_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eextend(f));
	expect_refused_by(f, "EPCM_SHARED");
	let_go(f, REG_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, REG_PAGE, 1);
	expect_ok(eextend(f));
	let_go(f, REG_PAGE, 1);
}

/* SDM "Concurrency Restrictions": the SECS is shared with everything else. */
static void eextend_secs_in_use_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_ok(eextend(f));
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
}

static void eextend_page_invalid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EEXTEND, SECS_GVA, epc_gva(9), 0), epc_gva(9), ENCLS_READ);
	expect_refused_by(f, "epcm_is_valid(state)");
}

static void eextend_page_type_not_reg_or_tcs_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(9), 0));
	expect_pfx(encls(f, EEXTEND, SECS_GVA, epc_gva(9), 0), epc_gva(9), ENCLS_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	expect_pfx(encls(f, EEXTEND, SECS_GVA, SECS_GVA, 0), SECS_GVA, ENCLS_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	change_state(f, REG_PAGE, EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM));
	expect_pfx(eextend(f), CHUNK_GVA, ENCLS_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
}

static void eextend_rbx_not_the_parent_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_secs(f, 8, ENCLAVE2_BASE);
	expect_gp(encls(f, EEXTEND, epc_gva(8), CHUNK_GVA, 0));
	expect_refused_by(f, "epcm_secs(e) == secs");
	/* An EPC page that is no SECS at all is no parent either. */
	expect_gp(encls(f, EEXTEND, epc_gva(20), CHUNK_GVA, 0));
	expect_refused_by(f, "epcm_secs(e) == secs");
}

static void eextend_measurement_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_MEASURE);
	expect_gp(eextend(f));
	expect_refused_by(f, "EPCM_LOCK_MEASURE");
	let_go(f, SECS_PAGE, EPCM_LOCK_MEASURE);
}

/* The published pseudo-code has no such line, its text has. */
static void eextend_enclave_initialised_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	force_init(f, SECS_PAGE);
	expect_gp(eextend(f));
	expect_refused_by(f, "!secs_is_initialised");
}

const struct CMUnitTest eextend_tests[] = {
	sgx_test(eextend_legal_measures_five_blocks),
	sgx_test(eextend_other_chunk_other_measurement),
	sgx_test(eextend_misaligned_operands_gp),
	sgx_test(eextend_segment_base_odd_gp),
	sgx_test(eextend_operand_not_mapped_ordinary_pf),
	sgx_test(eextend_operand_not_epc_sgx_pf),
	sgx_test(eextend_page_in_use_gp),
	sgx_test(eextend_secs_in_use_ok),
	sgx_test(eextend_page_invalid_sgx_pf),
	sgx_test(eextend_page_type_not_reg_or_tcs_sgx_pf),
	sgx_test(eextend_rbx_not_the_parent_gp),
	sgx_test(eextend_measurement_in_use_gp),
	sgx_test(eextend_enclave_initialised_gp),
};
const size_t eextend_test_count = ARRAY_SIZE(eextend_tests);
