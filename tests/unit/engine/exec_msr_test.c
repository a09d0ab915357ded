// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM CPUID, RDMSR, WRMSR, RDTSC, RDTSCP, RDPID, RDPMC, RDRAND, RDSEED: the registers. */
#include "tests.h"

static void cpuid_clears_upper_halves(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->cpuid.count = 1;
	m->cpuid.entry[0] = (struct cpuid_entry){
		.leaf = 4, .subleaf = 2, .has_subleaf = true, .regs = {11, 22, 33, 44}};
	m->gpr[X86_RAX] = 0xffffffff00000004;
	m->gpr[X86_RCX] = 0xffffffff00000002;
	m->gpr[X86_RBX] = m->gpr[X86_RDX] = UINT64_MAX;
	step_ok(m, "0fa2");
	assert_int_equal(m->gpr[X86_RAX], 11);
	assert_int_equal(m->gpr[X86_RBX], 22);
	assert_int_equal(m->gpr[X86_RCX], 33);
	assert_int_equal(m->gpr[X86_RDX], 44);
}

static void rdmsr_splits_value(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RCX] = 0xffffffffc0000080;
	m->gpr[X86_RAX] = m->gpr[X86_RDX] = UINT64_MAX;
	m->msr_value = 0x1122334455667788;
	step_ok(m, "0f32");
	assert_int_equal(m->msr_index, 0xc0000080);
	assert_int_equal(m->gpr[X86_RAX], 0x55667788);
	assert_int_equal(m->gpr[X86_RDX], 0x11223344);
}

static void wrmsr_joins_value(void **state)
{
	struct machine *m = machine_init16(0);

	m->gpr[X86_RCX] = 0x1b;
	m->gpr[X86_RAX] = 0xfee00900;
	m->gpr[X86_RDX] = 1;
	step_ok(m, "0f30");
	assert_int_equal(m->msr_index, 0x1b);
	assert_int_equal(m->msr_value, 0x1fee00900);
}

static void msr_exit_leaves_instruction_to_be_repeated(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->msr_result = CPU_AGAIN;
	assert_int_equal(step(m, "0f32"), CPU_AGAIN);
	assert_int_equal(step(m, "0f30"), CPU_AGAIN);
	assert_int_equal(m->state->rip, CODE_RIP);
}

static void msr_at_cpl3_gp(void **state)
{
	step_fault(machine_init(MODE_64BIT, 3), "0f32", GP_VECTOR);
	step_fault(machine_init(MODE_64BIT, 3), "0f30", GP_VECTOR);
	step_fault(machine_init(MODE_64BIT, 3), "0f33", GP_VECTOR);
}

static void rdtsc_and_rdtscp(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->gpr[X86_RAX] = m->gpr[X86_RDX] = m->gpr[X86_RCX] = UINT64_MAX;
	step_ok(m, "0f31");
	assert_int_equal(m->gpr[X86_RAX] >> 32, 0);
	assert_int_equal(m->gpr[X86_RDX] >> 32, 0);
	step_fault(m, "0f01f9", UD_VECTOR);
	m->cpu->features.rdtscp = true;
	m->cpu->msr.tsc_aux = 0x1005;
	step_ok(m, "0f01f9");
	assert_int_equal(m->gpr[X86_RCX], 0x1005);
	m->state->cr4 |= X86_CR4_TSD;
	step_fault(m, "0f31", GP_VECTOR);
	step_fault(m, "0f01f9", GP_VECTOR);
}

static void rdpid_reads_tsc_aux(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	step_fault(m, "f3410fc7f9", UD_VECTOR);
	m->cpu->features.rdtscp = true;
	m->cpu->msr.tsc_aux = 0x1005;
	m->gpr[9] = UINT64_MAX;
	step_ok(m, "f3410fc7f9");
	assert_int_equal(m->gpr[9], 0x1005);
}

static void rdrand_fills_operand_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t all = 0;

	step_fault(m, "480fc7f0", UD_VECTOR);
	step_fault(m, "480fc7f8", UD_VECTOR);
	machine_offer(m, 1, CPUID_ECX, 30);
	machine_offer(m, 7, CPUID_EBX, 18);
	m->state->rflags |= X86_EFLAGS_OF | X86_EFLAGS_ZF;
	for (unsigned int i = 0; i < 64; i++) {
		step_ok(m, i & 1 ? "480fc7f0" : "480fc7f8");
		all |= m->gpr[X86_RAX];
		assert_int_equal(m->state->rflags, 0x203);
	}
	assert_int_equal(all, UINT64_MAX);
	m->gpr[X86_RAX] = UINT64_MAX;
	step_ok(m, "660fc7f0");
	assert_int_equal(m->gpr[X86_RAX] >> 16, UINT64_MAX >> 16);
	step_ok(m, "0fc7f0");
	assert_int_equal(m->gpr[X86_RAX] >> 32, 0);
}

const struct CMUnitTest exec_msr_tests[] = {
	cmocka_unit_test(cpuid_clears_upper_halves),
	cmocka_unit_test(rdmsr_splits_value),
	cmocka_unit_test(wrmsr_joins_value),
	cmocka_unit_test(msr_exit_leaves_instruction_to_be_repeated),
	cmocka_unit_test(msr_at_cpl3_gp),
	cmocka_unit_test(rdtsc_and_rdtscp),
	cmocka_unit_test(rdpid_reads_tsc_aux),
	cmocka_unit_test(rdrand_fills_operand_size),
};
const size_t exec_msr_test_count = ARRAY_SIZE(exec_msr_tests);
