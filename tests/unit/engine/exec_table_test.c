// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM LGDT, SGDT, LLDT, LTR, SLDT, STR, LAR, LSL, VERR, VERW, ARPL: the operands. */
#include "tests.h"

static struct machine *data_init(enum mode mode, unsigned int cpl)
{
	struct machine *m = machine_init(mode, cpl);

	m->gpr[X86_RBX] = DATA;
	return m;
}

static void lgdt_base_follows_mode_and_operand_size(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 0);

	poke(m->f, DATA, 0x1234, 2);
	poke(m->f, DATA + 2, 0xffff8000deadb000, 8);
	step_ok(m, "660f0113"); /* the operand size does not matter here */
	assert_int_equal(m->cpu->gdtr.base, 0xffff8000deadb000);
	assert_int_equal(m->cpu->gdtr.limit, 0x1234);

	m = data_init(MODE_PROTECTED, 0);
	poke(m->f, DATA, 0x1234, 2);
	poke(m->f, DATA + 2, 0xffff8000deadb000, 8);
	step_ok(m, "0f011b"); /* LIDT */
	assert_int_equal(m->cpu->idtr.base, 0xdeadb000);
	step_ok(m, "660f011b");
	assert_int_equal(m->cpu->idtr.base, 0xadb000);
}

static void lgdt_bad_gp(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 0);

	poke(m->f, DATA + 2, 0x800000000000, 8);
	step_fault(m, "0f0113", GP_VECTOR);
	/* The privilege is asked for before memory is. */
	m->state->cpl = 3;
	m->f->not_present[DATA >> 12] = true;
	step_fault(m, "0f0113", GP_VECTOR);
	step_fault(m, "0f011b", GP_VECTOR);
}

static void sgdt_stores_by_mode(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 3);

	m->cpu->gdtr = (struct cpu_table){0xffff8000deadb000, 0x7f};
	step_ok(m, "0f0103");
	assert_int_equal(peek(m->f, DATA, 2), 0x7f);
	assert_int_equal(peek(m->f, DATA + 2, 8), 0xffff8000deadb000);
	m->state->cr4 |= X86_CR4_UMIP;
	step_fault(m, "0f0103", GP_VECTOR);

	m = data_init(MODE_PROTECTED, 3);
	poke(m->f, DATA, UINT64_MAX, 8);
	m->cpu->idtr = (struct cpu_table){0xdeadb000, 0x7f};
	step_ok(m, "0f010b");
	assert_int_equal(peek(m->f, DATA, 8), 0xffffdeadb000007f);
	step_ok(m, "660f010b");
	assert_int_equal(peek(m->f, DATA, 8), 0xffff00adb000007f);
}

static void lldt_and_ltr_load(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 0);

	m->cpu->ldtr.unusable = true;
	m->gpr[X86_RAX] = SEL_LDT;
	step_ok(m, "0f00d0");
	assert_int_equal(m->cpu->ldtr.base, LDT_BASE);
	poke(m->f, DATA, SEL_TSS, 2);
	m->cpu->tr.base = 0;
	step_ok(m, "0f001b");
	assert_int_equal(m->cpu->tr.base, TSS_BASE);
	/* It is busy now. */
	step_fault(m, "0f001b", GP_VECTOR);
}

static void system_selectors_refused(void **state)
{
	static const char *const loads[] = {"0f00d0", "0f00d8"};
	static const char *const others[] = {"0f00d0", "0f00d8", "0f00c0", "0f00c8", "0f02c3",
					     "0f03c3", "0f00e0", "0f00e8", "63c3"};

	for (unsigned int i = 0; i < ARRAY_SIZE(loads); i++)
		step_fault(data_init(MODE_PROTECTED, 3), loads[i], GP_VECTOR);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
		step_fault(data_init(MODE_REAL, 0), others[i], UD_VECTOR);
}

static void sldt_and_str_store(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 3);

	poke(m->f, DATA, UINT64_MAX, 8);
	step_ok(m, "0f0003");
	assert_int_equal(peek(m->f, DATA, 8), 0xffffffffffff0000 | SEL_LDT);
	m->gpr[X86_RAX] = UINT64_MAX;
	step_ok(m, "480f00c8");
	assert_int_equal(m->gpr[X86_RAX], SEL_TSS);
	m->state->cr4 |= X86_CR4_UMIP;
	step_fault(m, "0f0003", GP_VECTOR);
	step_fault(m, "480f00c8", GP_VECTOR);
}

static void lar_and_lsl_answer_in_zf(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 0);

	m->gpr[X86_RCX] = SEL(GDT_DATA, 0);
	m->gpr[X86_RAX] = UINT64_MAX;
	step_ok(m, "0f02c1");
	assert_true(m->state->rflags & X86_EFLAGS_ZF);
	assert_int_equal(m->gpr[X86_RAX] & ~UINT64_C(0xf0000), 0xc09300);
	step_ok(m, "480f03c1");
	assert_int_equal(m->gpr[X86_RAX], 0xffffffff);
	m->gpr[X86_RAX] = 0;
	step_ok(m, "660f03c1");
	assert_int_equal(m->gpr[X86_RAX], 0xffff);

	poke(m->f, DATA, 0xfff8, 2);
	m->gpr[X86_RAX] = 77;
	step_ok(m, "0f0203");
	assert_false(m->state->rflags & X86_EFLAGS_ZF);
	assert_int_equal(m->gpr[X86_RAX], 77);
}

static void verr_and_verw_answer_in_zf(void **state)
{
	struct machine *m = data_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = SEL(GDT_CODE, 0);
	step_ok(m, "0f00e0");
	assert_true(m->state->rflags & X86_EFLAGS_ZF);
	step_ok(m, "0f00e8");
	assert_false(m->state->rflags & X86_EFLAGS_ZF);
	m->f->not_present[DATA >> 12] = true;
	step_fault(m, "0f0023", PF_VECTOR);
	step_fault(m, "0f002b", PF_VECTOR);
}

static void arpl_raises_rpl(void **state)
{
	struct machine *m = data_init(MODE_PROTECTED, 3);

	poke(m->f, DATA, 0xaaaa0011, 4);
	m->gpr[X86_RCX] = 0x23;
	step_ok(m, "630b");
	assert_int_equal(peek(m->f, DATA, 4), 0xaaaa0013);
	assert_true(m->state->rflags & X86_EFLAGS_ZF);
	step_ok(m, "630b");
	assert_false(m->state->rflags & X86_EFLAGS_ZF);
	m->gpr[X86_RAX] = 0xbbbb0010;
	step_ok(m, "63c8");
	assert_int_equal(m->gpr[X86_RAX], 0xbbbb0013);
	poke(m->f, DATA, 0, 2);
	m->f->read_only[DATA >> 12] = true;
	step_fault(m, "630b", PF_VECTOR);
}

const struct CMUnitTest exec_table_tests[] = {
	cmocka_unit_test(lgdt_base_follows_mode_and_operand_size),
	cmocka_unit_test(lgdt_bad_gp),
	cmocka_unit_test(sgdt_stores_by_mode),
	cmocka_unit_test(lldt_and_ltr_load),
	cmocka_unit_test(system_selectors_refused),
	cmocka_unit_test(sldt_and_str_store),
	cmocka_unit_test(lar_and_lsl_answer_in_zf),
	cmocka_unit_test(verr_and_verw_answer_in_zf),
	cmocka_unit_test(arpl_raises_rpl),
};
const size_t exec_table_test_count = ARRAY_SIZE(exec_table_tests);
