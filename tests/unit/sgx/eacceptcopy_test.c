// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EACCEPTCOPY", one test for each line of its checks, by a thread in the
 * tiny enclave of EPC page 0.
 */
#include "tests.h"

#define DEST_PAGE   8
#define DEST_GVA    (ENCLAVE_BASE + PAGES(8))
#define SOURCE_PAGE 2 /* RW in the tiny enclave */
#define SOURCE_GVA  (ENCLAVE_BASE + PAGES(1))
#define SECINFO     ENCLAVE_SECINFO_GVA
#define REG         EPCM_PT(SGX_PAGE_TYPE_REG)
#define REG_RX      (REG | EPCM_R | EPCM_X)

static struct leaf_result eacceptcopy(struct fixture *f, uint64_t flags)
{
	set_enclave_secinfo(f, flags);
	return enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, SOURCE_GVA);
}

static void legal(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	aug_page(f, 0, DEST_PAGE, DEST_GVA);
	memset(epc_ptr(f, SOURCE_PAGE), 0x3c, SGX_PAGE_SIZE);
	set_enclave_secinfo(f, REG_RX);
	enter_by_hand(f, 0);
}

/* Any legal rights: contents and rights arrive together, without tracking. */
static void eacceptcopy_legal_copies_and_accepts(void **state)
{
	struct fixture *f = *state;

	legal(f);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(DEST_PAGE));
	for (uint64_t rights = 0; rights < 8; rights++) {
		if ((rights & 3) == EPCM_W)
			continue;
		atomic_store(&epcm_of(f, DEST_PAGE)->state,
			     EPCM_VALID | REG | EPCM_R | EPCM_W | EPCM_PENDING);
		memset(epc_ptr(f, DEST_PAGE), 0, SGX_PAGE_SIZE);
		expect_code(eacceptcopy(f, REG | rights), 0);
		assert_int_equal(epcm_state(epcm_of(f, DEST_PAGE)), EPCM_VALID | REG | rights);
		assert_memory_equal(epc_ptr(f, DEST_PAGE), epc_ptr(f, SOURCE_PAGE), SGX_PAGE_SIZE);
	}
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(DEST_PAGE));
}

static void eacceptcopy_operands_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO + 32, DEST_GVA, SOURCE_GVA));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA + 8, SOURCE_GVA));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, SOURCE_GVA + 8));
	expect_refused_by(f, "is_aligned(rdx");
}

static void eacceptcopy_operands_outside_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	/* Before any of them is walked. */
	unmap(f, SECINFO);
	unmap(f, DEST_GVA);
	unmap(f, SOURCE_GVA);
	expect_gp(enclu(f, EACCEPTCOPY, ram_gva(0), DEST_GVA, SOURCE_GVA));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, ram_gva(0), SOURCE_GVA));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, ENCLAVE_BASE + ENCLAVE_SIZE));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPTCOPY, NON_CANONICAL, DEST_GVA, SOURCE_GVA));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, NON_CANONICAL, SOURCE_GVA));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

/* SECINFO and source are read, the destination is written. */
static void eacceptcopy_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_epc(f, DEST_GVA, DEST_PAGE, PTE_P | PTE_U);
	expect_pfo(eacceptcopy(f, REG_RX), DEST_GVA,
		   PFERR_USER_MASK | PFERR_WRITE_MASK | PFERR_PRESENT_MASK);
	map_epc(f, DEST_GVA, DEST_PAGE, PTE_ALL);
	unmap(f, SOURCE_GVA);
	expect_pfo(eacceptcopy(f, REG_RX), SOURCE_GVA, PFERR_USER_MASK);
	unmap(f, DEST_GVA);
	expect_pfo(eacceptcopy(f, REG_RX), DEST_GVA, PFERR_USER_MASK | PFERR_WRITE_MASK);
	unmap(f, SECINFO);
	expect_pfo(eacceptcopy(f, REG_RX), SECINFO, PFERR_USER_MASK);
}

static void eacceptcopy_operand_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	/* Before the EPCM entry of the SECINFO. */
	change_state(f, 5, 0, EPCM_BLOCKED);
	map_ram(f, SOURCE_GVA, 3);
	expect_pfx(eacceptcopy(f, REG_RX), SOURCE_GVA, ENCLU_READ);
	expect_refused_by(f, "*e");
	map_ram(f, DEST_GVA, 3);
	expect_pfx(eacceptcopy(f, REG_RX), DEST_GVA, ENCLU_WRITE);
	expect_refused_by(f, "*e");
	map_ram(f, SECINFO, 3);
	expect_pfx(eacceptcopy(f, REG_RX), SECINFO, ENCLU_READ);
	expect_refused_by(f, "*e");
}

static const struct {
	uint64_t clear, set;
} unreadable[] = {
	{EPCM_VALID, 0},
	{EPCM_R, 0},
	{0, EPCM_PENDING},
	{0, EPCM_MODIFIED},
	{0, EPCM_BLOCKED},
	{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TCS)},
	{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM)},
};

/* A page that must be readable, in EPC page @page at @gva, is not. */
static void expect_unreadable_refused(struct fixture *f, unsigned int page, gva_t gva)
{
	uint64_t good = epcm_state(epcm_of(f, page));

	for (unsigned int i = 0; i < ARRAY_SIZE(unreadable); i++) {
		change_state(f, page, unreadable[i].clear, unreadable[i].set);
		expect_pfx(eacceptcopy(f, REG_RX), gva, ENCLU_READ);
		expect_refused_by(f, "epcm_allows");
		atomic_store(&epcm_of(f, page)->state, good);
	}
	/* Another page of this enclave, then another enclave's at this address. */
	map_epc(f, gva, 4, PTE_ALL);
	expect_pfx(eacceptcopy(f, REG_RX), gva, ENCLU_READ);
	expect_refused_by(f, "epcm_allows");
	map_epc(f, gva, 18, PTE_ALL);
	atomic_store(&epcm_of(f, 18)->linaddr, gva);
	expect_pfx(eacceptcopy(f, REG_RX), gva, ENCLU_READ);
	expect_refused_by(f, "epcm_allows");
}

static void eacceptcopy_secinfo_page_not_readable_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	expect_unreadable_refused(f, 5, SECINFO);
}

static void eacceptcopy_source_not_readable_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	expect_unreadable_refused(f, SOURCE_PAGE, SOURCE_GVA);
}

/* A page cannot be its own source: it is still pending. */
static void eacceptcopy_source_is_destination_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, DEST_GVA), DEST_GVA, ENCLU_READ);
}

static void eacceptcopy_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(3), BIT64(4),  BIT64(5), BIT64(6),
					    BIT64(7), BIT64(16), BIT64(63)};

	legal(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		expect_gp(eacceptcopy(f, REG_RX | reserved[i]));
		expect_refused_by(f, "secinfo_has_only");
	}
	set_enclave_secinfo(f, REG_RX)->reserved[0] = 1;
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, SOURCE_GVA));
	expect_refused_by(f, "secinfo_has_only");
	set_enclave_secinfo(f, REG_RX)->reserved[55] = 1;
	expect_gp(enclu(f, EACCEPTCOPY, SECINFO, DEST_GVA, SOURCE_GVA));
	expect_refused_by(f, "secinfo_has_only");
}

static void eacceptcopy_write_without_read_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(eacceptcopy(f, REG | EPCM_W));
	expect_refused_by(f, "SGX_SECINFO_W");
	expect_gp(eacceptcopy(f, REG | EPCM_W | EPCM_X));
	expect_refused_by(f, "SGX_SECINFO_W");
}

static void eacceptcopy_page_type_not_reg_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	/* The source, which ranks behind, is spoiled as well. */
	change_state(f, SOURCE_PAGE, 0, EPCM_BLOCKED);
	for (unsigned int pt = 0; pt < 256; pt++) {
		if (pt == SGX_PAGE_TYPE_REG)
			continue;
		expect_gp(eacceptcopy(f, EPCM_PT(pt) | EPCM_R));
		expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	}
}

static void eacceptcopy_dest_not_pending_mismatch(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t clear, set;
	} spoil[] = {
		{EPCM_VALID, 0},
		{EPCM_PENDING, 0},
		{0, EPCM_MODIFIED},
		{0, EPCM_BLOCKED},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TCS)},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_SECS)},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM)},
	};
	uint64_t good;

	legal(f);
	good = epcm_state(epcm_of(f, DEST_PAGE));
	for (unsigned int i = 0; i < ARRAY_SIZE(spoil); i++) {
		change_state(f, DEST_PAGE, spoil[i].clear, spoil[i].set);
		expect_code(eacceptcopy(f, REG_RX), SGX_PAGE_ATTRIBUTES_MISMATCH);
		expect_refused_by(f, "states");
		atomic_store(&epcm_of(f, DEST_PAGE)->state, good);
	}
	/* The source ranks before. */
	change_state(f, DEST_PAGE, EPCM_PENDING, 0);
	change_state(f, SOURCE_PAGE, 0, EPCM_BLOCKED);
	expect_pfx(eacceptcopy(f, REG_RX), SOURCE_GVA, ENCLU_READ);
}

/* Ranks before the conflict. */
static void eacceptcopy_dest_of_other_enclave_mismatch(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	aug_page(f, 16, 24, ENCLAVE2_BASE + PAGES(8));
	map_epc(f, DEST_GVA, 24, PTE_ALL);
	hold_page(f, 24, EPCM_LOCK_SGX2);
	expect_code(eacceptcopy(f, REG_RX), SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_refused_by(f, "states");
	let_go(f, 24, EPCM_LOCK_SGX2);
}

static void eacceptcopy_dest_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, DEST_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eacceptcopy(f, REG_RX));
	expect_refused_by(f, "epcm_lock_sgx2");
	let_go(f, DEST_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, DEST_PAGE, EPCM_LOCK_SGX2);
	expect_gp(eacceptcopy(f, REG_RX));
	expect_refused_by(f, "epcm_lock_sgx2");
	/* Before the rights and the address. */
	change_state(f, DEST_PAGE, EPCM_W, 0);
	expect_gp(eacceptcopy(f, REG_RX));
	expect_refused_by(f, "epcm_lock_sgx2");
	let_go(f, DEST_PAGE, EPCM_LOCK_SGX2);
}

/* Operands that are only read are shared with everything. */
static void eacceptcopy_other_operands_in_use_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SOURCE_PAGE, EPCM_LOCK_SGX2 | 1);
	hold_page(f, 5, EPCM_LOCK_SGX2 | 1);
	hold_page(f, DEST_PAGE, 1);
	expect_code(eacceptcopy(f, REG_RX), 0);
	let_go(f, DEST_PAGE, 1);
	let_go(f, 5, EPCM_LOCK_SGX2 | 1);
	let_go(f, SOURCE_PAGE, EPCM_LOCK_SGX2 | 1);
}

static void eacceptcopy_dest_rights_or_address_mismatch(void **state)
{
	struct fixture *f = *state;

	legal(f);
	for (uint64_t rights = 0; rights < 8; rights++) {
		if (rights == (EPCM_R | EPCM_W))
			continue;
		change_state(f, DEST_PAGE, EPCM_RWX, rights);
		expect_code(eacceptcopy(f, REG_RX), SGX_PAGE_ATTRIBUTES_MISMATCH);
		expect_refused_by(f, "EPCM_RWX");
	}
	change_state(f, DEST_PAGE, EPCM_RWX, EPCM_R | EPCM_W);
	atomic_store(&epcm_of(f, DEST_PAGE)->linaddr, DEST_GVA + SGX_PAGE_SIZE);
	expect_code(eacceptcopy(f, REG_RX), SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_refused_by(f, "view.linaddr");
}

const struct CMUnitTest eacceptcopy_tests[] = {
	sgx_test(eacceptcopy_legal_copies_and_accepts),
	sgx_test(eacceptcopy_operands_misaligned_gp),
	sgx_test(eacceptcopy_operands_outside_gp),
	sgx_test(eacceptcopy_operand_not_mapped_ordinary_pf),
	sgx_test(eacceptcopy_operand_not_epc_sgx_pf),
	sgx_test(eacceptcopy_secinfo_page_not_readable_sgx_pf),
	sgx_test(eacceptcopy_source_not_readable_sgx_pf),
	sgx_test(eacceptcopy_source_is_destination_sgx_pf),
	sgx_test(eacceptcopy_secinfo_reserved_gp),
	sgx_test(eacceptcopy_write_without_read_gp),
	sgx_test(eacceptcopy_page_type_not_reg_gp),
	sgx_test(eacceptcopy_dest_not_pending_mismatch),
	sgx_test(eacceptcopy_dest_of_other_enclave_mismatch),
	sgx_test(eacceptcopy_dest_in_use_gp),
	sgx_test(eacceptcopy_other_operands_in_use_ok),
	sgx_test(eacceptcopy_dest_rights_or_address_mismatch),
};
const size_t eacceptcopy_test_count = ARRAY_SIZE(eacceptcopy_tests);
