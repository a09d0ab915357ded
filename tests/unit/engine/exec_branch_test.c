// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM LOOP, JCXZ: the count has the address size, the target the operand size. */
#include "tests.h"

static void expect_rip(struct machine *m, const char *hex, uint64_t rip)
{
	assert_int_equal(step(m, hex), CPU_OK);
	assert_int_equal(m->state->rip, rip);
	m->state->rip = CODE_RIP;
}

static void loop_counts_by_address_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->gpr[X86_RCX] = 0x100000000;
	expect_rip(m, "e210", CODE_RIP + 0x12);
	assert_int_equal(m->gpr[X86_RCX], 0xffffffff);
	m->gpr[X86_RCX] = 0xffffffff00000001;
	expect_rip(m, "67e210", CODE_RIP + 3);
	assert_int_equal(m->gpr[X86_RCX], 0);

	m = machine_init16(0);
	m->gpr[X86_RCX] = 0x00050001;
	expect_rip(m, "e2f0", CODE_RIP + 2);
	assert_int_equal(m->gpr[X86_RCX], 0x00050000);
	expect_rip(m, "67e2f0", CODE_RIP + 3 - 0x10);
	assert_int_equal(m->gpr[X86_RCX], 0x0004ffff);
}

static void loope_and_loopne_look_at_zf(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	m->gpr[X86_RCX] = 5;
	expect_rip(m, "e110", CODE_RIP + 2);
	expect_rip(m, "e010", CODE_RIP + 0x12);
	m->state->rflags |= X86_EFLAGS_ZF;
	expect_rip(m, "e110", CODE_RIP + 0x12);
	expect_rip(m, "e010", CODE_RIP + 2);
	assert_int_equal(m->gpr[X86_RCX], 1);
}

static void jcxz_looks_at_count_by_address_size(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	m->gpr[X86_RCX] = 0x10000;
	expect_rip(m, "e310", CODE_RIP + 2);
	expect_rip(m, "67e310", CODE_RIP + 0x13);
	assert_int_equal(m->gpr[X86_RCX], 0x10000);
}

static void target_is_truncated_by_operand_size(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->rip = 0x10;
	expect_rip(m, "e380", (0x12 - 0x80) & 0xffff);
}

static void target_beyond_limit_gp(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	m->gpr[X86_RCX] = 7;
	m->state->seg[X86_SEG_CS].limit = CODE_RIP + 0x10;
	step_fault(m, "e210", GP_VECTOR);
	/* Not taken, the target does not matter. */
	m->gpr[X86_RCX] = 1;
	step_ok(m, "e210");
}

static void target_not_canonical_gp(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->state->rip = 0x7fffffffffe0;
	step_fault(m, "e37f", GP_VECTOR);
}

const struct CMUnitTest exec_branch_tests[] = {
	cmocka_unit_test(loop_counts_by_address_size),
	cmocka_unit_test(loope_and_loopne_look_at_zf),
	cmocka_unit_test(jcxz_looks_at_count_by_address_size),
	cmocka_unit_test(target_is_truncated_by_operand_size),
	cmocka_unit_test(target_beyond_limit_gp),
	cmocka_unit_test(target_not_canonical_gp),
};
const size_t exec_branch_test_count = ARRAY_SIZE(exec_branch_tests);
