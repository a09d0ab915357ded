// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM PUSH and POP of segment registers, PUSHA, POPA, ENTER. */
#include "tests.h"

static void push_segment_leaves_upper_half_of_32bit_slot(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);
	uint64_t top = m->gpr[X86_RSP];

	poke(m->f, top - 4, 0xaaaaaaaa, 4);
	m->state->seg[X86_SEG_ES].selector = 0x23;
	step_ok(m, "06");
	assert_int_equal(m->gpr[X86_RSP], top - 4);
	assert_int_equal(peek(m->f, top - 4, 4), 0xaaaa0023);
	step_ok(m, "6606");
	assert_int_equal(m->gpr[X86_RSP], top - 6);
	assert_int_equal(peek(m->f, top - 6, 2), 0x23);
}

static void push_segment_64bit_slot_is_zero_extended(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t top = m->gpr[X86_RSP];

	poke(m->f, top - 8, UINT64_MAX, 8);
	m->state->seg[X86_SEG_GS].selector = 0x33;
	step_ok(m, "0fa8");
	assert_int_equal(peek(m->f, top - 8, 8), 0x33);
	assert_int_equal(m->gpr[X86_RSP], top - 8);
}

static void push_names_each_segment(void **state)
{
	static const struct {
		const char *hex;
		enum x86_seg seg;
	} cases[] = {{"06", X86_SEG_ES}, {"0e", X86_SEG_CS},   {"16", X86_SEG_SS},
		     {"1e", X86_SEG_DS}, {"0fa0", X86_SEG_FS}, {"0fa8", X86_SEG_GS}};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = machine_init16(0);

		m->state->seg[cases[i].seg].selector = 0x7770;
		step_ok(m, cases[i].hex);
		assert_int_equal(peek(m->f, 0xeffe, 2), 0x7770);
		assert_int_equal(m->gpr[X86_RSP], 0xeffe);
	}
}

static void pop_segment_loads_it(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);
	uint64_t top = m->gpr[X86_RSP];

	poke(m->f, top, 0xffff0000 | SEL(GDT_DATA, 0), 4);
	poke(m->f, top + 4, SEL(GDT_DATA, 0), 4);
	m->state->seg[X86_SEG_DS].selector = 0;
	step_ok(m, "1f");
	assert_int_equal(m->state->seg[X86_SEG_DS].selector, SEL(GDT_DATA, 0));
	assert_int_equal(m->cpu->events.shadow, 0);
	step_ok(m, "17");
	assert_int_equal(m->cpu->events.shadow, CPU_SHADOW_MOV_SS);
	assert_int_equal(m->gpr[X86_RSP], top + 8);
}

static void pop_bad_selector_gp(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	poke(m->f, m->gpr[X86_RSP], 0xfff8, 8);
	step_fault(m, "0fa1", GP_VECTOR);
}

static void pusha_popa_both_widths(void **state)
{
	static const char *const push[] = {"60", "6660"}, *const pop[] = {"61", "6661"};

	for (unsigned int wide = 0; wide < 2; wide++) {
		struct machine *m = machine_init16(0);
		unsigned int width = wide ? 4 : 2;

		for (unsigned int reg = 0; reg < 8; reg++)
			if (reg != X86_RSP)
				m->gpr[reg] = 0x11110000u + 0x1111u * reg;
		step_ok(m, push[wide]);
		assert_int_equal(m->gpr[X86_RSP], 0xf000 - 8 * width);
		assert_int_equal(peek(m->f, 0xf000 - width, 2), 0);
		assert_int_equal(peek(m->f, 0xf000 - 5 * width, 2), 0xf000);
		assert_int_equal(peek(m->f, 0xf000 - 8 * width, 2), 0x7777);
		memset(m->gpr, 0xee, 4 * sizeof(uint64_t));
		m->gpr[X86_RAX] = 0xeeee0000;
		step_ok(m, pop[wide]);
		assert_int_equal(m->gpr[X86_RSP], 0xf000);
		assert_int_equal(m->gpr[X86_RAX], wide ? 0x11110000 : 0xeeee0000);
		assert_int_equal((uint16_t)m->gpr[X86_RCX], 0x1111);
		assert_int_equal((uint16_t)m->gpr[X86_RDI], 0x7777);
	}
}

static void pusha_beyond_limit_ss(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->seg[X86_SEG_SS].type = 7; /* expand-down */
	m->state->seg[X86_SEG_SS].limit = 0xeff7;
	step_fault(m, "60", SS_VECTOR);
}

static void enter_level_0(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);
	uint64_t top = m->gpr[X86_RSP];

	m->gpr[X86_RBP] = 0x1122334455667788;
	step_ok(m, "c8200000");
	assert_int_equal(peek(m->f, top - 8, 8), 0x1122334455667788);
	assert_int_equal(m->gpr[X86_RBP], top - 8);
	assert_int_equal(m->gpr[X86_RSP], top - 8 - 0x20);
}

static void enter_copies_display(void **state)
{
	struct machine *m = machine_init16(0);

	m->gpr[X86_RBP] = 0xaaaa9000;
	poke(m->f, 0x8ffe, 0x1111, 2);
	poke(m->f, 0x8ffc, 0x2222, 2);
	step_ok(m, "c8100003");
	assert_int_equal(peek(m->f, 0xeffe, 2), 0x9000);
	assert_int_equal(peek(m->f, 0xeffc, 2), 0x1111);
	assert_int_equal(peek(m->f, 0xeffa, 2), 0x2222);
	assert_int_equal(peek(m->f, 0xeff8, 2), 0xeffe);
	assert_int_equal(m->gpr[X86_RBP], 0xaaaaeffe);
	assert_int_equal(m->gpr[X86_RSP], 0xeff8 - 0x10);
}

static void enter_top_not_writable_pf(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->f->not_present[(m->gpr[X86_RSP] - 0x2000) >> 12] = true;
	step_fault(m, "c8002000", PF_VECTOR);
}

const struct CMUnitTest exec_stack_tests[] = {
	cmocka_unit_test(push_segment_leaves_upper_half_of_32bit_slot),
	cmocka_unit_test(push_segment_64bit_slot_is_zero_extended),
	cmocka_unit_test(push_names_each_segment),
	cmocka_unit_test(pop_segment_loads_it),
	cmocka_unit_test(pop_bad_selector_gp),
	cmocka_unit_test(pusha_popa_both_widths),
	cmocka_unit_test(pusha_beyond_limit_ss),
	cmocka_unit_test(enter_level_0),
	cmocka_unit_test(enter_copies_display),
	cmocka_unit_test(enter_top_not_writable_pf),
};
const size_t exec_stack_test_count = ARRAY_SIZE(exec_stack_tests);
