// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Interrupt and Exception Handling": delivery in every mode. */
#include "event_fixture.h"

static void real_mode_pushes_three_words(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	f->cpu.state.rflags |= X86_EFLAGS_TF | X86_EFLAGS_AC;
	f->cpu.state.seg[X86_SEG_CS].selector = 0x700;
	poke(f, 0x21 * 4, 0x12345678, 4);
	assert_int_equal(deliver_int(f, 0x21), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, 0x1234);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].base, 0x12340);
	assert_int_equal(f->cpu.state.rip, 0x5678);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0xf000 - 6);
	assert_int_equal(slot(f, 0, 2), CODE_RIP + 2);
	assert_int_equal(slot(f, 1, 2), 0x700);
	assert_int_equal(slot(f, 2, 2), X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF);
	assert_int_equal(f->cpu.state.rflags, X86_EFLAGS_FIXED);
}

/* No error code in real mode; a vector outside the table is #GP, then #DF, then the end. */
static void real_mode_vector_outside_ivt_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	poke(f, GP_VECTOR * 4, 0x00100020, 4);
	f->cpu.idtr.limit = 4 * 0x21 + 2;
	assert_int_equal(deliver_int(f, 0x21), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0x20);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0xf000 - 6);
	assert_int_equal(slot(f, 0, 2), CODE_RIP);
	f->cpu.idtr.limit = 0;
	assert_int_equal(deliver_int(f, 0x21), CPU_SHUTDOWN);
}

static void real_mode_sp_1_is_stack_fault(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	f->cpu.state.gpr[X86_RSP] = 1;
	assert_int_equal(deliver_int(f, 0x21), CPU_SHUTDOWN);
	/* SP = 0 wraps to the top of the segment. */
	f = fixture_init(MODE_REAL, 0);
	f->cpu.state.gpr[X86_RSP] = 0;
	assert_int_equal(deliver_int(f, 0x21), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0xfffa);
}

/* SP = 2: one word below it, the next ones at the top. Upper ESP is kept. */
static void real_mode_frame_wraps_inside_64k(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);

	f->cpu.state.gpr[X86_RSP] = 0xabc0002;
	f->cpu.state.seg[X86_SEG_CS].selector = 0x700;
	assert_int_equal(deliver_int(f, 0x21), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0xabcfffc);
	assert_int_equal(peek(f, 0, 2), 0x202);
	assert_int_equal(peek(f, 0xfffe, 2), 0x700);
	assert_int_equal(peek(f, 0xfffc, 2), CODE_RIP + 2);
}

static void protected_same_privilege_pushes_on_current_stack(void **state)
{
	struct fixture *f = with_handlers(MODE_PROTECTED, 0, 0);

	assert_int_equal(deliver_exception(f, gp_fault), CPU_OK);
	assert_at_handler(f, GP_VECTOR);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], STACK0 - 0x800 - 16);
	assert_int_equal(slot(f, 0, 4), 0x1234);
	assert_int_equal(slot(f, 1, 4), CODE_RIP);
	assert_int_equal(slot(f, 2, 4), SEL(GDT_CODE, 0));
	assert_int_equal(slot(f, 3, 4), X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_RF);
	assert_int_equal(f->cpu.state.rflags, X86_EFLAGS_FIXED);
}

static void protected_inward_switches_stack(void **state)
{
	for (unsigned int dpl = 0; dpl < 3; dpl++) {
		static const uint32_t tops[] = {STACK0, STACK1, STACK2};
		struct fixture *f = with_handlers(MODE_PROTECTED, 3, dpl);

		assert_int_equal(deliver_int(f, 0x80), CPU_OK);
		assert_at_handler(f, 0x80);
		assert_int_equal(f->cpu.state.cpl, dpl);
		assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, SEL(GDT_CODE, dpl) | dpl);
		assert_int_equal(f->cpu.state.seg[X86_SEG_SS].selector, SEL(GDT_DATA, dpl) | dpl);
		assert_int_equal(f->cpu.state.gpr[X86_RSP], tops[dpl] - 20);
		assert_int_equal(slot(f, 0, 4), CODE_RIP + 2);
		assert_int_equal(slot(f, 1, 4), SEL(GDT_CODE, 3) | 3);
		assert_int_equal(slot(f, 2, 4), 0x202);
		assert_int_equal(slot(f, 3, 4), STACK3 - 0x800);
		assert_int_equal(slot(f, 4, 4), SEL(GDT_DATA, 3) | 3);
	}
}

static void protected_16bit_gate_pushes_words(void **state)
{
	struct fixture *f = with_handlers(MODE_PROTECTED, 0, 0);

	idt_set(f, GP_VECTOR, DESC_TRAP_GATE16, 0, SEL(GDT_CODE, 0), 0x7fff1230, 0);
	assert_int_equal(deliver_exception(f, gp_fault), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0x1230);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], STACK0 - 0x800 - 8);
	assert_int_equal(slot(f, 0, 2), 0x1234);
	assert_int_equal(slot(f, 1, 2), CODE_RIP);
	/* A trap gate leaves IF. */
	assert_int_equal(f->cpu.state.rflags, X86_EFLAGS_FIXED | X86_EFLAGS_IF);
}

static void long_mode_always_pushes_stack_aligned(void **state)
{
	static const enum mode modes[] = {MODE_64BIT, MODE_COMPAT};

	for (unsigned int m = 0; m < 2; m++)
		for (unsigned int misaligned = 0; misaligned < 16; misaligned++) {
			struct fixture *f = with_handlers(modes[m], 0, 0);
			uint64_t rsp = STACK0 - 0x800 + misaligned;
			uint16_t ss = f->cpu.state.seg[X86_SEG_SS].selector;

			f->cpu.state.gpr[X86_RSP] = rsp;
			assert_int_equal(deliver_int(f, 0x80), CPU_OK);
			assert_int_equal(f->cpu.state.gpr[X86_RSP], (rsp & ~15ull) - 40);
			assert_int_equal(slot(f, 0, 8), CODE_RIP + 2);
			assert_int_equal(slot(f, 3, 8), rsp);
			assert_int_equal(slot(f, 4, 8), ss);
			/* No change of privilege: SS keeps its selector. */
			assert_int_equal(f->cpu.state.seg[X86_SEG_SS].selector, ss);
			assert_true(f->cpu.state.seg[X86_SEG_CS].l);
		}
}

static void long_mode_inward_loads_null_ss(void **state)
{
	for (unsigned int dpl = 0; dpl < 3; dpl++) {
		struct fixture *f = with_handlers(MODE_64BIT, 3, dpl);

		assert_int_equal(deliver_exception(f, gp_fault), CPU_OK);
		assert_true(f->cpu.state.seg[X86_SEG_SS].unusable);
		assert_int_equal(f->cpu.state.seg[X86_SEG_SS].selector, dpl);
		assert_int_equal(f->cpu.state.seg[X86_SEG_SS].dpl, dpl);
		assert_int_equal(f->cpu.state.cpl, dpl);
		assert_int_equal(slot(f, 0, 8), 0x1234);
		assert_int_equal(slot(f, 5, 8), SEL(GDT_DATA, 3) | 3);
	}
}

static void long_mode_ist_switches_at_every_privilege(void **state)
{
	for (unsigned int ist = 1; ist < 8; ist++)
		for (unsigned int cpl = 0; cpl < 4; cpl += 3) {
			struct fixture *f = with_handlers(MODE_64BIT, cpl, 0);

			idt_set(f, 0x80, DESC_INT_GATE, 3, SEL(GDT_CODE64, 0), HANDLER, ist);
			assert_int_equal(deliver_int(f, 0x80), CPU_OK);
			assert_int_equal(f->cpu.state.gpr[X86_RSP], IST_STACK + 0x1000 * ist - 40);
			assert_int_equal(f->cpu.state.seg[X86_SEG_SS].unusable, cpl == 3);
		}
}

/* SDM INT: only INT n, INT3 and INTO ask the gate's DPL. */
static void gate_dpl_concerns_software_interrupts_only(void **state)
{
	static const struct {
		enum cpu_event_kind kind;
		uint8_t vector;
		bool checked;
	} cases[] = {
		{CPU_EVENT_INT_N, 0x80, true},           {CPU_EVENT_INT3, BP_VECTOR, true},
		{CPU_EVENT_INTO, OF_VECTOR, true},       {CPU_EVENT_INT1, DB_VECTOR, false},
		{CPU_EVENT_NMI, NMI_VECTOR, false},      {CPU_EVENT_INTERRUPT, 0x80, false},
		{CPU_EVENT_EXCEPTION, UD_VECTOR, false},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		for (unsigned int dpl = 0; dpl < 4; dpl++) {
			struct fixture *f = with_handlers(MODE_64BIT, 2, 0);
			struct cpu_event event = {.kind = cases[i].kind, .next_rip = CODE_RIP + 1};
			uint8_t vector = cases[i].vector;

			event.exception.vector = vector;
			idt_set(f, vector, DESC_INT_GATE, dpl, SEL(GDT_CODE64, 0),
				HANDLER + 16 * vector, 0);
			assert_int_equal(cpu_deliver(&f->cpu, &event), CPU_OK);
			if (cases[i].checked && dpl < 2) {
				assert_at_handler(f, GP_VECTOR);
				assert_int_equal(slot(f, 0, 8), vector * 8 | 2);
			} else {
				assert_at_handler(f, vector);
			}
		}
}

/* SDM "Resume Flag": which images have RF. */
static void rf_set_for_faults_only(void **state)
{
	for (unsigned int v = 0; v < 20; v++) {
		struct fixture *f = with_handlers(MODE_64BIT, 0, 0);
		bool is_fault = v != DB_VECTOR && v != NMI_VECTOR && v != BP_VECTOR &&
				v != OF_VECTOR && v != DF_VECTOR && v != MC_VECTOR;
		struct x86_exception e = {.vector = (uint8_t)v};

		if (v == NMI_VECTOR)
			continue;
		assert_int_equal(deliver_exception(f, e), CPU_OK);
		assert_int_equal(!!(slot(f, 2, 8) & X86_EFLAGS_RF), is_fault);
		assert_false(f->cpu.state.rflags & X86_EFLAGS_RF);
	}
}

static void flags_in_handler(void **state)
{
	uint64_t rflags = X86_EFLAGS_FIXED | X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_NT |
			  X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_DF | X86_EFLAGS_IOPL;
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);

	f->cpu.state.rflags = rflags;
	assert_int_equal(deliver_int(f, 0x80), CPU_OK);
	assert_int_equal(slot(f, 2, 8), rflags);
	assert_int_equal(f->cpu.state.rflags,
			 X86_EFLAGS_FIXED | X86_EFLAGS_AC | X86_EFLAGS_DF | X86_EFLAGS_IOPL);
}

static void page_fault_sets_cr2(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);

	assert_int_equal(deliver_exception(f, (struct x86_exception){PF_VECTOR, true, 6, 0x1234}),
			 CPU_OK);
	assert_int_equal(f->cpu.state.cr2, 0x1234);
	assert_int_equal(slot(f, 0, 8), 6);
}

static void nmi_blocks_further_nmis(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);
	struct cpu_event nmi = cpu_event_nmi();

	f->cpu.events.shadow = CPU_SHADOW_STI;
	assert_false(cpu_may_nmi(&f->cpu));
	f->cpu.events.shadow = 0;
	assert_true(cpu_may_nmi(&f->cpu));
	assert_int_equal(cpu_deliver(&f->cpu, &nmi), CPU_OK);
	assert_at_handler(f, NMI_VECTOR);
	assert_false(cpu_may_nmi(&f->cpu));
}

static void delivery_ends_interrupt_shadow(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);

	f->cpu.events.shadow = CPU_SHADOW_MOV_SS;
	assert_false(cpu_may_interrupt(&f->cpu));
	assert_int_equal(deliver_exception(f, gp_fault), CPU_OK);
	assert_int_equal(f->cpu.events.shadow, 0);
	/* The interrupt gate has cleared IF. */
	assert_false(cpu_may_interrupt(&f->cpu));
}

static void debug_exception_records_dr6_and_clears_gd(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);
	struct cpu_event event = cpu_event_debug(0x4002);

	f->cpu.dr6 |= 1;
	f->cpu.dr7 |= 0x2000;
	assert_int_equal(cpu_deliver(&f->cpu, &event), CPU_OK);
	assert_at_handler(f, DB_VECTOR);
	assert_int_equal(f->cpu.dr6, 0xffff4ff2);
	assert_int_equal(f->cpu.dr7, 0x400);
}

/* The embedder's memory is gone or wants the VMM: nothing has happened, call again. */
static void memory_error_leaves_event_to_repeat(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 3, 0);
	struct cpu_event nmi = cpu_event_nmi();

	f->memory_result = CPU_AGAIN;
	fixture_save(f);
	assert_int_equal(cpu_deliver(&f->cpu, &nmi), CPU_AGAIN);
	fixture_assert_unchanged(f);
	f->memory_result = CPU_HOST_ERROR;
	fixture_save(f);
	assert_int_equal(cpu_deliver(&f->cpu, &nmi), CPU_HOST_ERROR);
	fixture_assert_unchanged(f);
	f->memory_result = CPU_OK;
	assert_int_equal(cpu_deliver(&f->cpu, &nmi), CPU_OK);
}

/* #AC whose handler at CPL 3 has a misaligned stack meets itself for ever. */
static void alignment_check_in_itself_gives_the_caller_a_turn(void **state)
{
	struct fixture *f = with_handlers(MODE_PROTECTED, 3, 3);

	f->cpu.state.cr0 |= X86_CR0_AM;
	f->cpu.state.rflags |= X86_EFLAGS_AC;
	f->cpu.state.gpr[X86_RSP] -= 2;
	assert_int_equal(deliver_int(f, 0x80), CPU_AGAIN);
	assert_int_equal(f->cpu.state.rip, CODE_RIP);
}

static void conforming_handler_keeps_cpl(void **state)
{
	struct fixture *f = with_handlers(MODE_PROTECTED, 3, 3);

	idt_set(f, 0x80, DESC_INT_GATE, 3, SEL(GDT_CONFORMING, 0), HANDLER, 0);
	assert_int_equal(deliver_int(f, 0x80), CPU_OK);
	assert_int_equal(f->cpu.state.cpl, 3);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, SEL(GDT_CONFORMING, 0) | 3);
	/* An outer handler is no handler. */
	f = with_handlers(MODE_PROTECTED, 0, 0);
	idt_set(f, 0x80, DESC_INT_GATE, 3, SEL(GDT_CODE, 3), HANDLER, 0);
	assert_int_equal(deliver_int(f, 0x80), CPU_OK);
	assert_at_handler(f, GP_VECTOR);
	assert_int_equal(slot(f, 0, 4), SEL(GDT_CODE, 3));
}

const struct CMUnitTest event_tests[] = {
	cmocka_unit_test(real_mode_pushes_three_words),
	cmocka_unit_test(real_mode_vector_outside_ivt_gp),
	cmocka_unit_test(real_mode_sp_1_is_stack_fault),
	cmocka_unit_test(real_mode_frame_wraps_inside_64k),
	cmocka_unit_test(protected_same_privilege_pushes_on_current_stack),
	cmocka_unit_test(protected_inward_switches_stack),
	cmocka_unit_test(protected_16bit_gate_pushes_words),
	cmocka_unit_test(long_mode_always_pushes_stack_aligned),
	cmocka_unit_test(long_mode_inward_loads_null_ss),
	cmocka_unit_test(long_mode_ist_switches_at_every_privilege),
	cmocka_unit_test(gate_dpl_concerns_software_interrupts_only),
	cmocka_unit_test(rf_set_for_faults_only),
	cmocka_unit_test(flags_in_handler),
	cmocka_unit_test(page_fault_sets_cr2),
	cmocka_unit_test(nmi_blocks_further_nmis),
	cmocka_unit_test(delivery_ends_interrupt_shadow),
	cmocka_unit_test(debug_exception_records_dr6_and_clears_gd),
	cmocka_unit_test(memory_error_leaves_event_to_repeat),
	cmocka_unit_test(alignment_check_in_itself_gives_the_caller_a_turn),
	cmocka_unit_test(conforming_handler_keeps_cpl),
};
const size_t event_test_count = ARRAY_SIZE(event_tests);
