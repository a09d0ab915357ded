// SPDX-License-Identifier: GPL-2.0-or-later
/* The MSR table: every line by the VMM and by the guest, and the rules of the special ones. */
#include "tests.h"

#include "cpu/msr.h"

#define LIST_MAX 512

static struct fixture *with_msrs(void)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	f->cpu.msr.mcg_cap = 10 | MCG_CTL_P;
	msr_reset(&f->cpu);
	f->cpu.features = (struct cpu_features){
		.efer_allowed = EFER_SCE | EFER_LME | EFER_NX,
		.spec_ctrl_allowed = 7,
		.arch_capabilities = true,
		.tsc_adjust = true,
		.rdtscp = true,
		.pred_cmd = true,
		.flush_cmd = true,
		.mtrr = true,
		.mce = true,
		.lm = true,
		.xsaves = true,
		.phys_bits = 40,
	};
	return f;
}

static bool guest_set(struct fixture *f, uint32_t index, uint64_t value)
{
	return cpu_wrmsr(&f->cpu, index, value) == CPU_OK;
}

static uint64_t guest_get(struct fixture *f, uint32_t index)
{
	uint64_t value = 0;

	assert_int_equal(cpu_rdmsr(&f->cpu, index, &value), CPU_OK);
	return value;
}

static void listed_msrs_read_and_write_back(void **state)
{
	struct fixture *f = with_msrs();
	uint32_t list[LIST_MAX];
	unsigned int count = cpu_msr_list(f->cpu.ops, list, LIST_MAX);

	assert_true(count > 40 && count < LIST_MAX);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t value;

		assert_true(cpu_msr_get(&f->cpu, list[i], true, &value));
		if (list[i] != MSR_IA32_TSC)
			fixture_save(f);
		assert_true(cpu_msr_set(&f->cpu, list[i], true, value));
		if (list[i] != MSR_IA32_TSC)
			fixture_assert_unchanged(f);
	}
	/* A short list is filled as far as it goes and counted in full. */
	list[3] = 0xffffffff;
	assert_int_equal(cpu_msr_list(f->cpu.ops, list, 3), count);
	assert_int_equal(list[3], 0xffffffff);
}

/* The MSRs that QEMU sets at its first KVM_RUN, less those of other owners. */
static void qemu_msrs_are_accepted(void **state)
{
	static const struct {
		uint32_t first, last;
		uint64_t value;
	} sets[] = {
		{0x174, 0x176, 0},
		{0x277, 0x277, 0x0007040600070406},
		{0xc0000081, 0xc0000084, 0},
		{0xc0000102, 0xc0000103, 0},
		{0x3b, 0x3b, 0},
		{0x1a0, 0x1a0, 1},
		{0x9e, 0x9e, 0x30000},
		{0xda0, 0xda0, 0},
		{0x48, 0x48, 0},
		{0x10, 0x10, 0},
		{0x2ff, 0x2ff, 0},
		{0x250, 0x250, 0},
		{0x258, 0x259, 0},
		{0x268, 0x26f, 0},
		{0x200, 0x20f, 0},
		{0x17a, 0x17a, 0},
		{0x17b, 0x17b, UINT64_MAX},
		{0x400, 0x427, 0},
		{0x8b, 0x8b, 0x100000000},
		{0x10a, 0x10a, 0x1234},
	};
	struct fixture *f = with_msrs();

	for (unsigned int i = 0; i < ARRAY_SIZE(sets); i++)
		for (uint32_t index = sets[i].first; index <= sets[i].last; index++)
			assert_true(cpu_msr_set(&f->cpu, index, true, sets[i].value));
	assert_int_equal(f->cpu.msr.arch_capabilities, 0x1234);
}

static void unknown_msr_gp(void **state)
{
	static const uint32_t unknown[] = {0,     0x11,  0x1b,       0x3a,       0x8c,
					   0xc1,  0x186, 0x210,      0x251,      0x480,
					   0x6e0, 0x800, 0xc0000085, 0xc0010015, 0xffffffff};
	struct fixture *f = with_msrs();
	uint64_t value;

	fixture_save(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(unknown); i++) {
		assert_fault(f, cpu_rdmsr(&f->cpu, unknown[i], &value), GP_VECTOR, 0);
		assert_fault(f, cpu_wrmsr(&f->cpu, unknown[i], 0), GP_VECTOR, 0);
		assert_false(cpu_msr_get(&f->cpu, unknown[i], true, &value));
	}
	fixture_assert_unchanged(f);
}

static void cpl3_gp(void **state)
{
	struct fixture *f = with_msrs();
	uint64_t value;

	f->cpu.state.cpl = 3;
	assert_fault(f, cpu_rdmsr(&f->cpu, MSR_IA32_TSC, &value), GP_VECTOR, 0);
	assert_fault(f, cpu_wrmsr(&f->cpu, MSR_IA32_TSC, 0), GP_VECTOR, 0);
	assert_fault(f, cpu_rdpmc(&f->cpu), GP_VECTOR, 0);
	assert_int_equal(cpu_rdtsc(&f->cpu, &value), CPU_OK);
	f->cpu.state.cr4 |= X86_CR4_TSD;
	assert_fault(f, cpu_rdtsc(&f->cpu, &value), GP_VECTOR, 0);
}

static void reserved_bits_and_bad_values_gp(void **state)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} bad[] = {
		{MSR_IA32_SPEC_CTRL, 8},
		{MSR_IA32_PRED_CMD, 2},
		{MSR_IA32_FLUSH_CMD, 2},
		{MSR_SYSCALL_MASK, BIT64(32)},
		{MSR_TSC_AUX, BIT64(32)},
		{MSR_LSTAR, BIT64(47)},
		{MSR_CSTAR, BIT64(63)},
		{MSR_KERNEL_GS_BASE, BIT64(47)},
		{MSR_FS_BASE, BIT64(47)},
		{MSR_GS_BASE, BIT64(62)},
		{MSR_IA32_SYSENTER_EIP, BIT64(47)},
		{MSR_IA32_SYSENTER_ESP, BIT64(47)},
		{MSR_EFER, BIT64(2)},
		{MSR_IA32_XSS, 1},
		{MSR_IA32_CR_PAT, 2},
		{MSR_IA32_CR_PAT, UINT64_C(0x0800000000000000)},
		{MSR_MTRRdefType, 2},
		{MSR_MTRRdefType, BIT64(12)},
		{MSR_MTRRfix4K_C0000, 0x0300},
		{MSR_MTRR_PHYSBASE0, 0x106},
		{MSR_MTRR_PHYSBASE0, BIT64(40)},
		{MSR_MTRR_PHYSBASE0 + 1, 0x400},
		{MSR_IA32_MC0_CTL, 1},
		{MSR_IA32_MC0_CTL + 1, 1},
		{MSR_IA32_MC0_CTL + 40, 0},
		{MSR_IA32_MCG_CTL, 1},
		{MSR_IA32_MCG_STATUS, 1},
		{MSR_IA32_MCG_CAP, 10 | MCG_CTL_P},
		{MSR_IA32_ARCH_CAPABILITIES, 0},
		{MSR_PLATFORM_INFO, 0},
		{MSR_MTRRcap, 0},
		{MSR_IA32_SMBASE, 0x30000},
		{MSR_SMI_COUNT, 0},
		{MSR_MISC_FEATURES_ENABLES, 2},
		{MSR_IA32_DEBUGCTLMSR, 4},
		{MSR_IA32_PLATFORM_ID, 0},
	};
	struct fixture *f = with_msrs();

	fixture_save(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_fault(f, cpu_wrmsr(&f->cpu, bad[i].index, bad[i].value), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
}

static void good_values_are_kept(void **state)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} good[] = {
		{MSR_STAR, UINT64_MAX},
		{MSR_LSTAR, 0xffffffff81000000},
		{MSR_SYSCALL_MASK, 0x47700},
		{MSR_FS_BASE, 0x7fffffffffff},
		{MSR_GS_BASE, 0xffff800000000000},
		{MSR_KERNEL_GS_BASE, 0xffff888000000000},
		{MSR_TSC_AUX, 0xffffffff},
		{MSR_IA32_SYSENTER_CS, 0x10},
		{MSR_IA32_CR_PAT, UINT64_C(0x0407050600070106)},
		{MSR_MTRRdefType, 0xc06},
		{MSR_MTRR_PHYSBASE0 + 15, 0xfffffff800},
		{MSR_IA32_MC0_CTL, UINT64_MAX},
		{MSR_IA32_MC0_CTL + 39, 0x1234},
		{MSR_IA32_SPEC_CTRL, 5},
		{MSR_MISC_FEATURES_ENABLES, 1},
	};
	struct fixture *f = with_msrs();

	for (unsigned int i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(guest_set(f, good[i].index, good[i].value));
		assert_int_equal(guest_get(f, good[i].index), good[i].value);
	}
	assert_int_equal(f->cpu.state.seg[X86_SEG_GS].base, 0xffff800000000000);
	assert_int_equal(f->cpu.msr.mc[9].misc, 0x1234);
	assert_true(guest_set(f, MSR_IA32_SYSENTER_CS, 0x1234500000010));
	assert_int_equal(guest_get(f, MSR_IA32_SYSENTER_CS), 0x10);
}

static void not_offered_is_gp_for_the_guest_only(void **state)
{
	static const uint32_t optional[] = {MSR_IA32_TSC_ADJUST,
					    MSR_IA32_SPEC_CTRL,
					    MSR_IA32_ARCH_CAPABILITIES,
					    MSR_TSC_AUX,
					    MSR_MTRRcap,
					    MSR_IA32_MCG_STATUS,
					    MSR_STAR,
					    MSR_FS_BASE,
					    MSR_IA32_XSS};
	struct fixture *f = with_msrs();
	uint64_t value;

	f->cpu.features = (struct cpu_features){.phys_bits = 40};
	for (unsigned int i = 0; i < ARRAY_SIZE(optional); i++) {
		assert_fault(f, cpu_rdmsr(&f->cpu, optional[i], &value), GP_VECTOR, 0);
		assert_false(guest_set(f, optional[i], 0));
		assert_true(cpu_msr_get(&f->cpu, optional[i], true, &value));
	}
}

static void command_msrs_cannot_be_read(void **state)
{
	struct fixture *f = with_msrs();
	uint64_t value;

	assert_true(guest_set(f, MSR_IA32_PRED_CMD, 1));
	assert_fault(f, cpu_rdmsr(&f->cpu, MSR_IA32_PRED_CMD, &value), GP_VECTOR, 0);
	assert_fault(f, cpu_rdmsr(&f->cpu, MSR_IA32_FLUSH_CMD, &value), GP_VECTOR, 0);
}

/* SDM "Microcode Update Resources": software writes 0, then runs CPUID. */
static void microcode_revision_ignores_the_guest(void **state)
{
	struct fixture *f = with_msrs();

	assert_true(cpu_msr_set(&f->cpu, MSR_IA32_UCODE_REV, true, BIT64(32)));
	assert_true(guest_set(f, MSR_IA32_UCODE_REV, 0));
	assert_int_equal(guest_get(f, MSR_IA32_UCODE_REV), BIT64(32));
}

static void tsc_and_adjust_move_together_for_the_guest(void **state)
{
	struct fixture *f = with_msrs();
	uint64_t before, after;

	assert_true(cpu_msr_set(&f->cpu, MSR_IA32_TSC, true, 1000));
	assert_int_equal(f->cpu.msr.tsc_adjust, 0);
	before = f->cpu.msr.tsc_offset;
	assert_true(guest_set(f, MSR_IA32_TSC_ADJUST, 0x100000000));
	assert_int_equal(f->cpu.msr.tsc_offset, before + 0x100000000);
	assert_true(cpu_msr_set(&f->cpu, MSR_IA32_TSC_ADJUST, true, 0));
	assert_int_equal(f->cpu.msr.tsc_offset, before + 0x100000000);
	before = f->cpu.msr.tsc_offset;
	assert_true(guest_set(f, MSR_IA32_TSC, 1));
	assert_int_equal(f->cpu.msr.tsc_adjust, f->cpu.msr.tsc_offset - before);
	before = guest_get(f, MSR_IA32_TSC);
	after = guest_get(f, MSR_IA32_TSC);
	assert_true(after >= before);
}

static void misc_enable_keeps_facts(void **state)
{
	struct fixture *f = with_msrs();

	assert_true(guest_set(f, MSR_IA32_MISC_ENABLE, 0));
	assert_int_equal(guest_get(f, MSR_IA32_MISC_ENABLE), 0x1800);
	assert_true(cpu_msr_set(&f->cpu, MSR_IA32_MISC_ENABLE, true, 1));
	assert_int_equal(guest_get(f, MSR_IA32_MISC_ENABLE), 1);
}

static bool owner_get(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	*value = index;
	return index != 0x803;
}

static bool owner_set(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	cpu->cr8 = value;
	return host_initiated;
}

static void other_owners_ranges_are_asked(void **state)
{
	static const struct cpu_msr_range ranges[] = {
		{0x1b, 0x1b, owner_get, owner_set, true},
		{0x800, 0x8ff, owner_get, owner_set, false},
	};
	struct fixture *f = with_msrs();
	struct cpu_ops ops = *f->cpu.ops;
	uint32_t list[LIST_MAX];
	uint64_t value;
	unsigned int without = cpu_msr_list(f->cpu.ops, list, LIST_MAX);

	ops.msr_ranges = ranges;
	ops.msr_range_count = 2;
	f->cpu.ops = &ops;
	assert_int_equal(guest_get(f, 0x8ff), 0x8ff);
	assert_fault(f, cpu_rdmsr(&f->cpu, 0x803, &value), GP_VECTOR, 0);
	assert_fault(f, cpu_rdmsr(&f->cpu, 0x900, &value), GP_VECTOR, 0);
	assert_fault(f, cpu_wrmsr(&f->cpu, 0x1b, 5), GP_VECTOR, 0);
	assert_true(cpu_msr_set(&f->cpu, 0x1b, true, 6));
	assert_int_equal(f->cpu.cr8, 6);
	assert_int_equal(cpu_msr_list(&ops, list, LIST_MAX), without + 1);
	assert_int_equal(list[without], 0x1b);
}

static void feature_list_has_what_describes_the_processor(void **state)
{
	uint32_t list[16];
	unsigned int count = cpu_msr_feature_list(list, 16);
	bool arch = false, ucode = false;

	for (unsigned int i = 0; i < count; i++) {
		arch |= list[i] == MSR_IA32_ARCH_CAPABILITIES;
		ucode |= list[i] == MSR_IA32_UCODE_REV;
	}
	assert_true(arch && ucode);
}

const struct CMUnitTest msr_tests[] = {
	cmocka_unit_test(listed_msrs_read_and_write_back),
	cmocka_unit_test(qemu_msrs_are_accepted),
	cmocka_unit_test(unknown_msr_gp),
	cmocka_unit_test(cpl3_gp),
	cmocka_unit_test(reserved_bits_and_bad_values_gp),
	cmocka_unit_test(good_values_are_kept),
	cmocka_unit_test(not_offered_is_gp_for_the_guest_only),
	cmocka_unit_test(command_msrs_cannot_be_read),
	cmocka_unit_test(microcode_revision_ignores_the_guest),
	cmocka_unit_test(tsc_and_adjust_move_together_for_the_guest),
	cmocka_unit_test(misc_enable_keeps_facts),
	cmocka_unit_test(other_owners_ranges_are_asked),
	cmocka_unit_test(feature_list_has_what_describes_the_processor),
};
const size_t msr_test_count = ARRAY_SIZE(msr_tests);
