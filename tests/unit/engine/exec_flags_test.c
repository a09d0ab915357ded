// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM CLI, STI, CLD, STD, STAC, CLAC, PUSHF, POPF: the stack and the privilege. */
#include "tests.h"

static void cli_sti_at_iopl(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	step_ok(m, "fa");
	assert_false(m->state->rflags & X86_EFLAGS_IF);
	step_ok(m, "fb");
	assert_true(m->state->rflags & X86_EFLAGS_IF);
	assert_int_equal(m->cpu->events.shadow, CPU_SHADOW_STI);
	step_fault(machine_init(MODE_64BIT, 3), "fa", GP_VECTOR);
	step_fault(machine_init(MODE_64BIT, 3), "fb", GP_VECTOR);
}

static void cld_std_at_any_cpl(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	step_ok(m, "fd");
	assert_true(m->state->rflags & X86_EFLAGS_DF);
	step_ok(m, "fc");
	assert_false(m->state->rflags & X86_EFLAGS_DF);
}

static void stac_clac_need_smap_and_cpl0(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	step_fault(m, "0f01cb", UD_VECTOR);
	m->cpu->features.smap = true;
	step_ok(m, "0f01cb");
	assert_true(m->state->rflags & X86_EFLAGS_AC);
	step_ok(m, "0f01ca");
	assert_false(m->state->rflags & X86_EFLAGS_AC);
}

static void pushf_width_follows_operand_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t top = m->gpr[X86_RSP];

	m->state->rflags |= X86_EFLAGS_RF;
	step_ok(m, "9c");
	assert_int_equal(m->gpr[X86_RSP], top - 8);
	assert_int_equal(peek(m->f, top - 8, 8), 0x202);
	step_ok(m, "669c");
	assert_int_equal(m->gpr[X86_RSP], top - 10);

	m = machine_init16(0);
	step_ok(m, "9c");
	assert_int_equal(m->gpr[X86_RSP], 0xeffe);
	step_ok(m, "669c");
	assert_int_equal(m->gpr[X86_RSP], 0xeffa);
}

static void popf_changes_what_privilege_allows(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t top = m->gpr[X86_RSP];

	push_stack(m->f, 0x3400 | X86_EFLAGS_CF | X86_EFLAGS_AC, 8);
	m->gpr[X86_RSP] = top - 8;
	step_ok(m, "9d");
	assert_int_equal(m->state->rflags, 0x202 | X86_EFLAGS_DF | X86_EFLAGS_CF | X86_EFLAGS_AC);
	assert_int_equal(m->gpr[X86_RSP], top);
}

static void stack_page_absent_pf(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->f->not_present[(m->gpr[X86_RSP] - 1) >> 12] = true;
	m->f->not_present[m->gpr[X86_RSP] >> 12] = true;
	step_fault(m, "9c", PF_VECTOR);
	step_fault(m, "9d", PF_VECTOR);
}

static void stack_beyond_limit_ss(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->seg[X86_SEG_SS].limit = 0xdfff;
	step_fault(m, "9c", SS_VECTOR);
	step_fault(m, "9d", SS_VECTOR);
}

const struct CMUnitTest exec_flags_tests[] = {
	cmocka_unit_test(cli_sti_at_iopl),
	cmocka_unit_test(cld_std_at_any_cpl),
	cmocka_unit_test(stac_clac_need_smap_and_cpl0),
	cmocka_unit_test(pushf_width_follows_operand_size),
	cmocka_unit_test(popf_changes_what_privilege_allows),
	cmocka_unit_test(stack_page_absent_pf),
	cmocka_unit_test(stack_beyond_limit_ss),
};
const size_t exec_flags_test_count = ARRAY_SIZE(exec_flags_tests);
