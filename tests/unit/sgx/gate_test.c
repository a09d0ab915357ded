// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "ENCLS", "ENCLU", "ENCLV": the checks of the instructions themselves, and
 * what becomes of a leaf's result.
 */
#include "tests.h"

#define ARITHMETIC                                                                       \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)
/* Refused by each leaf at its first check: neither aligned nor canonical. */
#define BAD_OPERAND (NON_CANONICAL | 1)

static struct x86_segment *ds(struct fixture *f)
{
	return &f->state->seg[X86_SEG_DS];
}

/* A leaf that changes nothing and succeeds, at the CPL that the processor has. */
static struct leaf_result run_eremove(struct fixture *f)
{
	return watched(f, sgx_encls, EREMOVE, 0, epc_gva(0), 0);
}

/* The same for ENCLU; the thread is inside the tiny enclave. */
static struct leaf_result run_emodpe(struct fixture *f)
{
	set_enclave_secinfo(f, EPCM_R);
	return watched(f, sgx_enclu, EMODPE, ENCLAVE_SECINFO_GVA, ENCLAVE_SECINFO_GVA, 0);
}

static void inside(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	enter_by_hand(f, 0);
	f->state->cpl = 3;
}

static void encls_processor_mode_wrong_ud(void **state)
{
	struct fixture *f = *state;

	f->state->cr0 &= ~X86_CR0_PE;
	expect_ud(run_eremove(f));
	expect_refused_by(f, "X86_CR0_PE");
	f->state->cr0 |= X86_CR0_PE;
	f->state->rflags |= X86_EFLAGS_VM;
	expect_ud(run_eremove(f));
	expect_refused_by(f, "X86_EFLAGS_VM");
	f->state->rflags &= ~X86_EFLAGS_VM;
	f->state->smm = true;
	expect_ud(run_eremove(f));
	expect_refused_by(f, "smm");
	f->state->smm = false;
	f->cpuid->leaves = SGX_CPUID_SGX2;
	expect_ud(run_eremove(f));
	expect_refused_by(f, "SGX_CPUID_SGX1");
	f->cpuid->leaves = SGX_CPUID_SGX1;
	expect_code(run_eremove(f), 0);
}

static void encls_outside_ring_0_ud(void **state)
{
	struct fixture *f = *state;

	for (unsigned int cpl = 1; cpl <= 3; cpl++) {
		f->state->cpl = (uint8_t)cpl;
		expect_ud(run_eremove(f));
		expect_refused_by(f, "cpl == 0");
	}
}

/* #UD ranks before #GP. */
static void encls_ring_3_and_not_enabled_ud(void **state)
{
	struct fixture *f = *state;

	f->state->cpl = 3;
	f->cpu->feature_control = 0;
	expect_ud(run_eremove(f));
}

static void encls_not_enabled_gp(void **state)
{
	struct fixture *f = *state;

	f->cpu->feature_control = FEAT_CTL_LOCKED;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "sgx_is_enabled");
	f->cpu->feature_control = FEAT_CTL_SGX_ENABLED;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "sgx_is_enabled");
	f->cpu->feature_control |= FEAT_CTL_LOCKED;
	expect_code(run_eremove(f), 0);
}

static void encls_paging_off_gp(void **state)
{
	struct fixture *f = *state;

	use_32bit(f);
	f->state->cr0 &= ~X86_CR0_PG;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "X86_CR0_PG");
}

static void encls_32bit_ds_wrong_gp(void **state)
{
	struct fixture *f = *state;

	use_32bit(f);
	expect_code(run_eremove(f), 0);
	ds(f)->unusable = true;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "ds->unusable");
	ds(f)->unusable = false;
	ds(f)->type |= X86_SEG_TYPE_EXPAND_DOWN;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "ds->unusable");
	/* 16-bit segments are no obstacle for ENCLS. */
	ds(f)->type &= (uint8_t)~X86_SEG_TYPE_EXPAND_DOWN;
	ds(f)->db = false;
	f->state->seg[X86_SEG_CS].db = false;
	expect_code(run_eremove(f), 0);
}

/* DS does not count in 64-bit mode, and compatibility mode is not 64-bit mode. */
static void encls_64bit_ds_ignored(void **state)
{
	struct fixture *f = *state;

	*ds(f) = (struct x86_segment){.unusable = true, .type = X86_SEG_TYPE_EXPAND_DOWN};
	expect_code(run_eremove(f), 0);
	f->state->seg[X86_SEG_CS].l = false;
	expect_gp(run_eremove(f));
	expect_refused_by(f, "ds->unusable");
}

static const uint32_t numbers[] = {0x0,  0x1,  0x2,  0x3, 0x4, 0x5, 0x6,        0x7,       0x8,
				   0x9,  0xa,  0xb,  0xc, 0xd, 0xe, 0xf,        0x10,      0x11,
				   0x12, 0x13, 0x14, 62,  63,  64,  0x80000000, 0xffffffff};

/* SDM "SGX Resource Enumeration Leaves", from the text. */
static bool encls_offered(uint32_t number, bool sgx2)
{
	return number <= 0xc || (sgx2 && number >= 0xd && number <= 0xf);
}

static bool enclu_offered(uint32_t number, bool sgx2, bool edeccssa)
{
	return number <= 4 || (sgx2 && number >= 5 && number <= 7) || (edeccssa && number == 9);
}

/* Every bit that the model does not implement may be set: it offers nothing. */
static uint32_t leaves(bool sgx1, bool sgx2, bool edeccssa, bool others)
{
	return (sgx1 ? SGX_CPUID_SGX1 : 0) | (sgx2 ? SGX_CPUID_SGX2 : 0) |
	       (edeccssa ? SGX_CPUID_EDECCSSA : 0) |
	       (others ? SGX_CPUID_ENCLV | SGX_CPUID_ENCLS_C | SGX_CPUID_EVERIFYREPORT2 |
				 SGX_CPUID_EUPDATESVN
		       : 0);
}

/* Offered leaves get as far as their own checks of bad operands. */
static void expect_offered(struct fixture *f, struct leaf_result res, bool sgx1, bool offered)
{
	const struct sgx_check *check = f->cpu->refused_by;

	if (!sgx1) {
		expect_ud(res);
		return;
	}
	expect_gp(res);
	assert_int_equal(!(check && !strcmp(check->rule, "leaf")), offered);
}

static void encls_leaves_follow_cpuid(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 16 * ARRAY_SIZE(numbers); i++) {
		uint32_t number = numbers[i / 16];
		bool sgx1 = i & 1, sgx2 = i & 2;

		f->cpuid->leaves = leaves(sgx1, sgx2, i & 4, i & 8);
		expect_offered(f, encls(f, number, BAD_OPERAND, BAD_OPERAND, BAD_OPERAND), sgx1,
			       encls_offered(number, sgx2));
	}
}

static void enclu_leaves_follow_cpuid(void **state)
{
	struct fixture *f = *state;

	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	for (unsigned int i = 0; i < 16 * ARRAY_SIZE(numbers); i++) {
		uint32_t number = numbers[i / 16];
		bool sgx1 = i & 1, sgx2 = i & 2, edeccssa = i & 4;
		bool within = number != EENTER && number != ERESUME;

		f->cpuid->leaves = leaves(sgx1, sgx2, edeccssa, i & 8);
		if (within)
			enter_by_hand(f, 0);
		expect_offered(f, enclu(f, number, BAD_OPERAND, BAD_OPERAND, BAD_OPERAND), sgx1,
			       enclu_offered(number, sgx2, edeccssa));
		if (within)
			leave_by_hand(f);
	}
}

/* Each bit of the bitmap is for one leaf, bit 63 for all from 63 on. */
static void encls_exiting_bitmap_selects_leaves(void **state)
{
	struct fixture *f = *state;

	f->cpu->encls_exiting = true;
	for (unsigned int i = 0; i < 64 * ARRAY_SIZE(numbers); i++) {
		uint32_t number = numbers[i / 64];
		unsigned int bit = i % 64;
		struct leaf_result res;

		f->cpu->encls_exiting_bitmap = BIT64(bit);
		res = encls(f, number, BAD_OPERAND, BAD_OPERAND, BAD_OPERAND);
		if (bit == number || (bit == 63 && number >= 63))
			assert_int_equal(res.kind, LEAF_EXIT);
		else
			expect_gp(res);
	}
}

static void encls_exiting_off_bitmap_ignored(void **state)
{
	struct fixture *f = *state;

	f->cpu->encls_exiting_bitmap = UINT64_MAX;
	expect_code(run_eremove(f), 0);
}

/* After #UD, before every #GP; the VMM may then run the leaf after all. */
static void encls_exiting_rank(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	f->cpu->encls_exiting = true;
	f->cpu->encls_exiting_bitmap = UINT64_MAX;
	f->state->cpl = 3;
	expect_ud(run_eremove(f));
	f->state->cpl = 0;
	f->cpu->feature_control = 0;
	f->state->cr0 &= ~X86_CR0_PG;
	f->cpuid->leaves = SGX_CPUID_SGX1;
	assert_int_equal(run_eremove(f).kind, LEAF_EXIT);
	assert_int_equal(encls(f, EAUG, 0, 0, 0).kind, LEAF_EXIT);
	assert_int_equal(encls(f, 0x14, 0, 0, 0).kind, LEAF_EXIT);
	f->state->cr0 |= X86_CR0_PG;
	expect_gp(watched(f, sgx_encls_leaf, EREMOVE, 0, epc_gva(0), 0));
	expect_refused_by(f, "sgx_is_enabled");
	f->cpu->feature_control = FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED;
	res = watched(f, sgx_encls_leaf, EREMOVE, 0, epc_gva(0), 0);
	expect_code(res, 0);
}

static void enclu_processor_mode_wrong_ud(void **state)
{
	struct fixture *f = *state;

	inside(f);
	f->state->cr0 &= ~X86_CR0_PE;
	expect_ud(run_emodpe(f));
	expect_refused_by(f, "X86_CR0_PE");
	f->state->cr0 |= X86_CR0_PE;
	f->state->rflags |= X86_EFLAGS_VM;
	expect_ud(run_emodpe(f));
	expect_refused_by(f, "X86_EFLAGS_VM");
	f->state->rflags &= ~X86_EFLAGS_VM;
	f->state->smm = true;
	expect_ud(run_emodpe(f));
	expect_refused_by(f, "smm");
	f->state->smm = false;
	f->cpuid->leaves &= ~SGX_CPUID_SGX1;
	f->state->cr0 |= X86_CR0_TS;
	expect_ud(run_emodpe(f));
	expect_refused_by(f, "SGX_CPUID_SGX1");
}

/* Before the ring is looked at and before #GP. */
static void enclu_task_switched_nm(void **state)
{
	struct fixture *f = *state;

	inside(f);
	f->state->cr0 |= X86_CR0_TS;
	expect_nm(run_emodpe(f));
	expect_refused_by(f, "X86_CR0_TS");
	f->state->cpl = 0;
	f->cpu->feature_control = 0;
	expect_nm(run_emodpe(f));
}

static void enclu_outside_ring_3_ud(void **state)
{
	struct fixture *f = *state;

	inside(f);
	f->cpu->feature_control = 0;
	for (unsigned int cpl = 0; cpl <= 2; cpl++) {
		f->state->cpl = (uint8_t)cpl;
		expect_ud(run_emodpe(f));
		expect_refused_by(f, "cpl == 3");
	}
}

static void enclu_not_enabled_gp(void **state)
{
	struct fixture *f = *state;

	inside(f);
	f->cpu->feature_control = FEAT_CTL_LOCKED;
	expect_gp(run_emodpe(f));
	expect_refused_by(f, "sgx_is_enabled");
	f->cpu->feature_control = FEAT_CTL_SGX_ENABLED;
	expect_gp(run_emodpe(f));
	expect_refused_by(f, "sgx_is_enabled");
}

static void enclu_paging_or_numeric_errors_off_gp(void **state)
{
	struct fixture *f = *state;

	inside(f);
	use_32bit(f);
	f->state->cr0 &= ~X86_CR0_NE;
	expect_gp(run_emodpe(f));
	expect_refused_by(f, "X86_CR0_NE");
	f->state->cr0 &= ~X86_CR0_PG;
	expect_gp(run_emodpe(f));
	expect_refused_by(f, "X86_CR0_PG");
}

/* 16-bit code, or anything but a 32-bit expand-up data segment in DS. */
static void enclu_32bit_segments_wrong_gp(void **state)
{
	struct fixture *f = *state;
	struct x86_segment good;

	inside(f);
	use_32bit(f);
	expect_ok(run_emodpe(f));
	f->state->seg[X86_SEG_CS].db = false;
	expect_gp(run_emodpe(f));
	expect_refused_by(f, "enclu_segments_ok");
	f->state->seg[X86_SEG_CS].db = true;
	good = *ds(f);

#define SPOILED(...)                                       \
	do {                                               \
		__VA_ARGS__;                               \
		expect_gp(run_emodpe(f));                  \
		expect_refused_by(f, "enclu_segments_ok"); \
		*ds(f) = good;                             \
	} while (0)

	SPOILED(ds(f)->unusable = true);
	SPOILED(ds(f)->db = false);
	SPOILED(ds(f)->type |= X86_SEG_TYPE_EXPAND_DOWN);
	SPOILED(ds(f)->type |= X86_SEG_TYPE_CODE);
#undef SPOILED
	expect_ok(run_emodpe(f));
}

static void enclu_64bit_ds_ignored(void **state)
{
	struct fixture *f = *state;

	inside(f);
	*ds(f) = (struct x86_segment){.unusable = true, .type = X86_SEG_TYPE_EXPAND_DOWN};
	expect_ok(run_emodpe(f));
}

static void enclu_entry_inside_gp(void **state)
{
	struct fixture *f = *state;

	inside(f);
	expect_gp(enclu(f, EENTER, ENCLAVE_BASE, AEP_GVA, 0));
	expect_refused_by(f, "!sgx_in_enclave(cpu) || needs_enclave_mode");
	expect_gp(enclu(f, ERESUME, ENCLAVE_BASE, AEP_GVA, 0));
	expect_refused_by(f, "!sgx_in_enclave(cpu) || needs_enclave_mode");
}

static void enclu_enclave_leaf_outside_gp(void **state)
{
	struct fixture *f = *state;
	static const uint32_t leaves[] = {EREPORT, EGETKEY,     EEXIT,   EACCEPT,
					  EMODPE,  EACCEPTCOPY, EDECCSSA};

	for (unsigned int i = 0; i < ARRAY_SIZE(leaves); i++) {
		expect_gp(enclu(f, leaves[i], 0, 0, 0));
		expect_refused_by(f, "sgx_in_enclave(cpu) || !needs_enclave_mode");
	}
}

/* Outside VMX operation, which this processor does not have. */
static void enclv_any_leaf_ud(void **state)
{
	struct fixture *f = *state;

	f->cpuid->leaves |= SGX_CPUID_ENCLV;
	for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
		expect_ud(watched(f, sgx_enclv, numbers[i], 0, 0, 0));
}

static void use_busy_flags(struct fixture *f)
{
	f->state->rflags |= ARITHMETIC | X86_EFLAGS_DF | X86_EFLAGS_AC;
}

static void result_success_code_clears_rax_and_flags(void **state)
{
	struct fixture *f = *state;

	use_busy_flags(f);
	expect_code(run_eremove(f), 0);
	assert_int_equal(f->state->gpr[X86_RAX], 0);
	assert_int_equal(f->state->rflags,
			 X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_AC);
	assert_int_equal(f->state->rip, 0x400003);
}

static void result_error_code_sets_zf_alone(void **state)
{
	struct fixture *f = *state;

	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	use_busy_flags(f);
	f->state->rip = 0x400000;
	expect_code(run_eremove(f), SGX_CHILD_PRESENT);
	assert_int_equal(f->state->gpr[X86_RAX], SGX_CHILD_PRESENT);
	assert_int_equal(f->state->rflags & ARITHMETIC, X86_EFLAGS_ZF);
	assert_int_equal(f->state->rip, 0x400003);
}

/* A leaf without a code leaves the number of the leaf and the flags alone. */
static void result_without_code_keeps_rax_and_flags(void **state)
{
	struct fixture *f = *state;
	uint64_t flags;

	use_busy_flags(f);
	flags = f->state->rflags;
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(0), 0));
	assert_int_equal(f->state->gpr[X86_RAX], UINT64_C(0xabcdef0000000000) | EPA);
	assert_int_equal(f->state->rflags, flags);
	assert_int_equal(f->state->rip, 0x400003);
}

static void result_fault_keeps_everything(void **state)
{
	struct fixture *f = *state;
	uint64_t flags;

	use_busy_flags(f);
	flags = f->state->rflags;
	expect_gp(encls(f, EREMOVE, 0, BAD_OPERAND, 0));
	assert_int_equal(f->state->gpr[X86_RAX], UINT64_C(0xabcdef0000000000) | EREMOVE);
	assert_int_equal(f->state->rflags, flags);
	assert_int_equal(f->state->rip, 0x400000);
}

/* EIP wraps at 4 GiB outside 64-bit mode and does not in it. */
static void result_instruction_pointer_wraps_in_32bit_mode(void **state)
{
	struct fixture *f = *state;

	f->state->rip = 0xfffffffe;
	expect_code(run_eremove(f), 0);
	assert_int_equal(f->state->rip, UINT64_C(0x100000001));
	use_32bit(f);
	f->state->rip = 0xfffffffe;
	expect_code(run_eremove(f), 0);
	assert_int_equal(f->state->rip, 1);
	assert_int_equal(f->state->gpr[X86_RAX], 0);
}

/* A processor without SGX2 knows no SGX-induced #PF; page walks fault as ever. */
static void result_sgx_fault_without_sgx2_gp(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	expect_pfx(encls(f, EREMOVE, 0, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
	f->cpuid->leaves = SGX_CPUID_SGX1;
	res = encls(f, EREMOVE, 0, ram_gva(5), 0);
	expect_gp(res);
	expect_refused_by(f, "*e");
	assert_int_equal(res.address, 0);
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(0), 0));
	expect_gp(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(0), 0));
	expect_refused_by(f, "epcm_is_valid");
	unmap(f, ram_gva(5));
	expect_pfo(encls(f, EREMOVE, 0, ram_gva(5), 0), ram_gva(5), PFERR_WRITE_MASK);
}

static void result_becomes_exception(void **state)
{
	struct x86_exception e = sgx_leaf_fault(leaf_pf(0x1234, ENCLU_WRITE));

	assert_int_equal(e.vector, PF_VECTOR);
	assert_true(e.has_error_code);
	assert_int_equal(e.error_code, 0x8007);
	assert_int_equal(e.address, 0x1234);
	e = sgx_leaf_fault(leaf_gp());
	assert_int_equal(e.vector, GP_VECTOR);
	assert_true(e.has_error_code);
	assert_int_equal(e.error_code, 0);
	e = sgx_leaf_fault(leaf_ud());
	assert_int_equal(e.vector, UD_VECTOR);
	assert_false(e.has_error_code);
	e = sgx_leaf_fault(leaf_nm());
	assert_int_equal(e.vector, NM_VECTOR);
	assert_false(e.has_error_code);
}

const struct CMUnitTest gate_tests[] = {
	sgx_test(encls_processor_mode_wrong_ud),
	sgx_test(encls_outside_ring_0_ud),
	sgx_test(encls_ring_3_and_not_enabled_ud),
	sgx_test(encls_not_enabled_gp),
	sgx_test(encls_paging_off_gp),
	sgx_test(encls_32bit_ds_wrong_gp),
	sgx_test(encls_64bit_ds_ignored),
	sgx_test(encls_leaves_follow_cpuid),
	sgx_test(enclu_leaves_follow_cpuid),
	sgx_test(encls_exiting_bitmap_selects_leaves),
	sgx_test(encls_exiting_off_bitmap_ignored),
	sgx_test(encls_exiting_rank),
	sgx_test(enclu_processor_mode_wrong_ud),
	sgx_test(enclu_task_switched_nm),
	sgx_test(enclu_outside_ring_3_ud),
	sgx_test(enclu_not_enabled_gp),
	sgx_test(enclu_paging_or_numeric_errors_off_gp),
	sgx_test(enclu_32bit_segments_wrong_gp),
	sgx_test(enclu_64bit_ds_ignored),
	sgx_test(enclu_entry_inside_gp),
	sgx_test(enclu_enclave_leaf_outside_gp),
	sgx_test(enclv_any_leaf_ud),
	sgx_test(result_success_code_clears_rax_and_flags),
	sgx_test(result_error_code_sets_zf_alone),
	sgx_test(result_without_code_keeps_rax_and_flags),
	sgx_test(result_fault_keeps_everything),
	sgx_test(result_instruction_pointer_wraps_in_32bit_mode),
	sgx_test(result_sgx_fault_without_sgx2_gp),
	sgx_test(result_becomes_exception),
};
const size_t gate_test_count = ARRAY_SIZE(gate_tests);
