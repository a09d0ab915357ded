// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EMODPE", one test for each line of its checks, by a thread in the tiny
 * enclave of EPC page 0.
 */
#include "tests.h"

#define TARGET_PAGE 2 /* RW in the tiny enclave */
#define TARGET_GVA  (ENCLAVE_BASE + PAGES(1))
#define SECINFO     ENCLAVE_SECINFO_GVA
#define REG         EPCM_PT(SGX_PAGE_TYPE_REG)

static struct leaf_result emodpe(struct fixture *f, uint64_t flags)
{
	set_enclave_secinfo(f, flags);
	return enclu(f, EMODPE, SECINFO, TARGET_GVA, 0);
}

static void legal(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	enter_by_hand(f, 0);
}

/* For all rights of page and request that are legal together: their union. */
static void emodpe_legal_adds_rights(void **state)
{
	struct fixture *f = *state;

	legal(f);
	for (uint64_t have = 0; have < 8; have++) {
		for (uint64_t want = 0; want < 8; want++) {
			change_state(f, TARGET_PAGE, EPCM_RWX, have);
			if (!(have & EPCM_R) && !(want & EPCM_R) && (want & EPCM_W))
				continue;
			expect_ok(emodpe(f, want));
			assert_int_equal(epcm_state(epcm_of(f, TARGET_PAGE)),
					 EPCM_VALID | REG | have | want);
		}
	}
}

/* RAX and the flags stay; so does PR, and nothing needs tracking. */
static void emodpe_legal_keeps_pr_and_registers(void **state)
{
	struct fixture *f = *state;
	uint64_t flags;

	legal(f);
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_ZF;
	flags = f->state->rflags;
	change_state(f, TARGET_PAGE, EPCM_W, EPCM_PR);
	expect_ok(emodpe(f, EPCM_R | EPCM_W));
	assert_int_equal(epcm_state(epcm_of(f, TARGET_PAGE)),
			 EPCM_VALID | REG | EPCM_R | EPCM_W | EPCM_PR);
	assert_int_equal((uint32_t)f->state->gpr[X86_RAX], EMODPE);
	assert_int_equal(f->state->rflags, flags);
}

/* Linux passes PT 0, the SDK REG and PR: all of these are ignored. */
static void emodpe_state_and_type_in_secinfo_ignored(void **state)
{
	struct fixture *f = *state;
	static const uint64_t ignored[] = {0, REG | EPCM_PR, EPCM_PENDING, EPCM_MODIFIED,
					   EPCM_PT(0xff) | SGX_SECINFO_STATE};

	legal(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(ignored); i++) {
		change_state(f, TARGET_PAGE, EPCM_RWX, EPCM_R);
		expect_ok(emodpe(f, EPCM_R | EPCM_X | ignored[i]));
		assert_int_equal(epcm_state(epcm_of(f, TARGET_PAGE)),
				 EPCM_VALID | REG | EPCM_R | EPCM_X);
	}
}

static void emodpe_operands_misaligned_or_outside_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	set_enclave_secinfo(f, EPCM_R);
	expect_gp(enclu(f, EMODPE, SECINFO + 32, TARGET_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(enclu(f, EMODPE, SECINFO, TARGET_GVA + 8, 0));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(enclu(f, EMODPE, ram_gva(0), TARGET_GVA, 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EMODPE, SECINFO, ram_gva(0), 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EMODPE, NON_CANONICAL, TARGET_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(enclu(f, EMODPE, SECINFO, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
	/* Before anything is walked. */
	unmap(f, SECINFO);
	expect_gp(enclu(f, EMODPE, SECINFO, ram_gva(0), 0));
	expect_refused_by(f, "sgx_in_elrange");
}

/* Reads, both of them, by a user; RBX first. */
static void emodpe_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_epc(f, TARGET_GVA, TARGET_PAGE, PTE_P | PTE_U);
	expect_ok(emodpe(f, EPCM_R));
	unmap(f, TARGET_GVA);
	expect_pfo(emodpe(f, EPCM_R), TARGET_GVA, PFERR_USER_MASK);
	unmap(f, SECINFO);
	expect_pfo(emodpe(f, EPCM_R), SECINFO, PFERR_USER_MASK);
}

static void emodpe_operand_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_ram(f, TARGET_GVA, 3);
	expect_pfx(emodpe(f, EPCM_R), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "*e");
	/* The target's place ranks before the EPCM entry of the SECINFO. */
	change_state(f, 5, 0, EPCM_BLOCKED);
	expect_pfx(emodpe(f, EPCM_R), TARGET_GVA, ENCLU_READ);
	map_ram(f, SECINFO, 3);
	expect_pfx(emodpe(f, EPCM_R), SECINFO, ENCLU_READ);
	expect_refused_by(f, "*e");
}

static void emodpe_secinfo_page_not_readable_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t clear, set;
	} spoil[] = {
		{EPCM_VALID, 0},    {EPCM_R, 0},       {0, EPCM_PENDING},
		{0, EPCM_MODIFIED}, {0, EPCM_BLOCKED}, {EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TCS)},
	};
	uint64_t good;

	legal(f);
	good = epcm_state(epcm_of(f, 5));
	for (unsigned int i = 0; i < ARRAY_SIZE(spoil); i++) {
		change_state(f, 5, spoil[i].clear, spoil[i].set);
		expect_pfx(emodpe(f, EPCM_R), SECINFO, ENCLU_READ);
		expect_refused_by(f, "epcm_allows");
		atomic_store(&epcm_of(f, 5)->state, good);
	}
	map_epc(f, SECINFO, 4, PTE_ALL);
	expect_pfx(emodpe(f, EPCM_R), SECINFO, ENCLU_READ);
	expect_refused_by(f, "epcm_allows");
}

static void emodpe_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(6), BIT64(7), BIT64(16), BIT64(63)};

	legal(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		expect_gp(emodpe(f, EPCM_R | reserved[i]));
		expect_refused_by(f, "secinfo_has_only");
	}
	set_enclave_secinfo(f, EPCM_R)->reserved[0] = 1;
	expect_gp(enclu(f, EMODPE, SECINFO, TARGET_GVA, 0));
	expect_refused_by(f, "secinfo_has_only");
	set_enclave_secinfo(f, EPCM_R)->reserved[55] = 1;
	expect_gp(enclu(f, EMODPE, SECINFO, TARGET_GVA, 0));
	expect_refused_by(f, "secinfo_has_only");
	/* Before the target. */
	change_state(f, TARGET_PAGE, 0, EPCM_BLOCKED);
	expect_gp(emodpe(f, EPCM_R | BIT64(6)));
}

static void emodpe_target_not_accessible_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t clear, set;
	} spoil[] = {
		{EPCM_VALID, 0},
		{0, EPCM_PENDING},
		{0, EPCM_MODIFIED},
		{0, EPCM_BLOCKED},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TCS)},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM)},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_VA)},
	};
	uint64_t good;

	legal(f);
	good = epcm_state(epcm_of(f, TARGET_PAGE));
	for (unsigned int i = 0; i < ARRAY_SIZE(spoil); i++) {
		change_state(f, TARGET_PAGE, spoil[i].clear, spoil[i].set);
		expect_pfx(emodpe(f, EPCM_R), TARGET_GVA, ENCLU_READ);
		expect_refused_by(f, "SGX_PAGE_TYPE_REG");
		atomic_store(&epcm_of(f, TARGET_PAGE)->state, good);
	}
}

/* Another enclave's page is a fault even while it is in use. */
static void emodpe_target_of_other_enclave_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	map_epc(f, TARGET_GVA, 18, PTE_ALL);
	hold_page(f, 18, EPCM_LOCK_SGX2);
	expect_pfx(emodpe(f, EPCM_R), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	let_go(f, 18, EPCM_LOCK_SGX2);
}

static void emodpe_other_sgx2_leaf_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, TARGET_PAGE, EPCM_LOCK_SGX2);
	expect_gp(emodpe(f, EPCM_R));
	expect_refused_by(f, "epcm_lock_sgx2");
	/* Before the address is compared. */
	atomic_store(&epcm_of(f, TARGET_PAGE)->linaddr, TARGET_GVA + SGX_PAGE_SIZE);
	expect_gp(emodpe(f, EPCM_R));
	expect_refused_by(f, "epcm_lock_sgx2");
	let_go(f, TARGET_PAGE, EPCM_LOCK_SGX2);
}

/* SDM "Concurrency Restrictions": EBLOCK and the like do not conflict. */
static void emodpe_target_shared_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, TARGET_PAGE, 1);
	expect_ok(emodpe(f, EPCM_X));
	let_go(f, TARGET_PAGE, 1);
}

static void emodpe_target_at_other_address_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_epc(f, TARGET_GVA, 4, PTE_ALL);
	expect_pfx(emodpe(f, EPCM_R), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "view.linaddr");
	/* Before the rights. */
	change_state(f, 4, EPCM_RWX, 0);
	expect_pfx(emodpe(f, EPCM_W), TARGET_GVA, ENCLU_READ);
}

static void emodpe_write_without_read_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	change_state(f, TARGET_PAGE, EPCM_RWX, EPCM_X);
	expect_gp(emodpe(f, EPCM_W));
	expect_refused_by(f, "EPCM_W");
	expect_gp(emodpe(f, EPCM_W | EPCM_X));
	expect_refused_by(f, "EPCM_W");
	expect_ok(emodpe(f, EPCM_R | EPCM_W));
	change_state(f, TARGET_PAGE, EPCM_RWX, EPCM_R);
	expect_ok(emodpe(f, EPCM_W));
}

const struct CMUnitTest emodpe_tests[] = {
	sgx_test(emodpe_legal_adds_rights),
	sgx_test(emodpe_legal_keeps_pr_and_registers),
	sgx_test(emodpe_state_and_type_in_secinfo_ignored),
	sgx_test(emodpe_operands_misaligned_or_outside_gp),
	sgx_test(emodpe_operand_not_mapped_ordinary_pf),
	sgx_test(emodpe_operand_not_epc_sgx_pf),
	sgx_test(emodpe_secinfo_page_not_readable_sgx_pf),
	sgx_test(emodpe_secinfo_reserved_gp),
	sgx_test(emodpe_target_not_accessible_sgx_pf),
	sgx_test(emodpe_target_of_other_enclave_sgx_pf),
	sgx_test(emodpe_other_sgx2_leaf_gp),
	sgx_test(emodpe_target_shared_ok),
	sgx_test(emodpe_target_at_other_address_sgx_pf),
	sgx_test(emodpe_write_without_read_gp),
};
const size_t emodpe_test_count = ARRAY_SIZE(emodpe_tests);
