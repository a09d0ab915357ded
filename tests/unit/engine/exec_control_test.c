// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM MOV to and from CRn and DRn, LMSW, SMSW, CLTS, XGETBV, XSETBV, HLT: the operands. */
#include "tests.h"

static void mov_from_cr_has_native_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->cpu->cr3 = 0x123456789000;
	m->cpu->cr8 = 5;
	step_ok(m, "0f20d9"); /* CR3 to RCX */
	assert_int_equal(m->gpr[X86_RCX], 0x123456789000);
	step_ok(m, "450f20c1"); /* CR8 to R9 */
	assert_int_equal(m->gpr[9], 5);

	m = machine_init16(0);
	m->gpr[X86_RAX] = 0xffffffff;
	step_ok(m, "0f20c0");
	assert_int_equal(m->gpr[X86_RAX], X86_CR0_PE | X86_CR0_ET);
}

static void mov_to_cr_reaches_register(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = 0x1000;
	step_ok(m, "0f22d8");
	assert_int_equal(m->cpu->cr3, 0x1000);
	assert_int_equal(m->f->paging_changes, 1);
	m->gpr[X86_RDX] = 9;
	step_ok(m, "440f22c2");
	assert_int_equal(m->cpu->cr8, 9);
	m->gpr[X86_RDX] = 16;
	step_fault(m, "440f22c2", GP_VECTOR);
}

static void mov_to_cr0_enters_protected_mode(void **state)
{
	struct machine *m = machine_init(MODE_REAL, 0);

	m->gpr[X86_RAX] = X86_CR0_PE | X86_CR0_ET;
	step_ok(m, "0f22c0");
	assert_true(cpu_in_protected_mode(m->cpu));
}

static void mov_dr_both_ways(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RBX] = 0xffff800000001000;
	step_ok(m, "0f23cb"); /* RBX to DR1 */
	assert_int_equal(m->cpu->dr[1], 0xffff800000001000);
	step_ok(m, "410f21c8"); /* DR1 to R8 */
	assert_int_equal(m->gpr[8], 0xffff800000001000);
	m->cpu->dr7 |= 0x2000;
	step_fault(m, "0f21c8", DB_VECTOR);
}

static void lmsw_takes_16_bits(void **state)
{
	struct machine *m = machine_init(MODE_REAL, 0);

	m->gpr[X86_RBX] = DATA & 0xffff;
	m->state->seg[X86_SEG_DS].base = DATA & 0xf0000;
	poke(m->f, DATA, 0xffff0009, 4);
	step_ok(m, "0f0137");
	assert_int_equal(m->state->cr0, X86_CR0_ET | X86_CR0_TS | X86_CR0_PE);
	step_ok(m, "0f06"); /* CLTS */
	assert_int_equal(m->state->cr0, X86_CR0_ET | X86_CR0_PE);
}

static void smsw_memory_16_bits_register_operand_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t cr0 = m->state->cr0;

	m->gpr[X86_RAX] = DATA;
	poke(m->f, DATA, UINT64_MAX, 8);
	step_ok(m, "0f0120");
	assert_int_equal(peek(m->f, DATA, 8), 0xffffffffffff0000 | (cr0 & 0xffff));
	m->gpr[X86_RBX] = UINT64_MAX;
	step_ok(m, "660f01e3");
	assert_int_equal(m->gpr[X86_RBX], 0xffffffffffff0000 | (cr0 & 0xffff));
	step_ok(m, "0f01e3");
	assert_int_equal(m->gpr[X86_RBX], cr0);
	m->state->cr4 |= X86_CR4_UMIP;
	step_fault(m, "0f01e3", GP_VECTOR);
}

static void xgetbv_and_xsetbv_use_edx_eax(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->state->cr4 |= X86_CR4_OSXSAVE;
	m->cpu->features.xcr0_allowed = 7;
	m->gpr[X86_RAX] = 0xffffffff00000003;
	m->gpr[X86_RDX] = 0xffffffff00000000;
	step_ok(m, "0f01d1");
	assert_int_equal(m->state->xcr0, 3);
	m->gpr[X86_RDX] = UINT64_MAX;
	step_ok(m, "0f01d0");
	assert_int_equal(m->gpr[X86_RAX], 3);
	assert_int_equal(m->gpr[X86_RDX], 0);
	m->gpr[X86_RCX] = 2;
	step_fault(m, "0f01d1", GP_VECTOR);
	m->state->cr4 &= ~X86_CR4_OSXSAVE;
	step_fault(m, "0f01d0", UD_VECTOR);
}

static void hlt_leaves_behind_itself(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	assert_int_equal(step(m, "f4"), CPU_AGAIN);
	assert_int_equal(m->v->exit.reason, ENGINE_EXIT_HLT);
	assert_int_equal(m->state->rip, CODE_RIP + 1);
}

static void privileged_at_cpl3_gp(void **state)
{
	static const char *const hex[] = {"f4",     "0f06",   "0f01f0", "0f20c0",
					  "0f22c0", "0f21c0", "0f23c0"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++)
		step_fault(machine_init(MODE_64BIT, 3), hex[i], GP_VECTOR);
}

const struct CMUnitTest exec_control_tests[] = {
	cmocka_unit_test(mov_from_cr_has_native_size),
	cmocka_unit_test(mov_to_cr_reaches_register),
	cmocka_unit_test(mov_to_cr0_enters_protected_mode),
	cmocka_unit_test(mov_dr_both_ways),
	cmocka_unit_test(lmsw_takes_16_bits),
	cmocka_unit_test(smsw_memory_16_bits_register_operand_size),
	cmocka_unit_test(xgetbv_and_xsetbv_use_edx_eax),
	cmocka_unit_test(hlt_leaves_behind_itself),
	cmocka_unit_test(privileged_at_cpl3_gp),
};
const size_t exec_control_test_count = ARRAY_SIZE(exec_control_tests);
