// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes wrong while an event is delivered, and SDM "Conditions for Generating a Double Fault". */
#include "event_fixture.h"

/* Each way to spoil the delivery of INT 0x80 from CPL 3, and the fault that it makes. */
struct spoiled {
	const char *what;
	void (*spoil)(struct fixture *f);
	enum x86_vector vector;
	uint32_t error_code; /* without EXT */
	bool long_only, legacy_only;
};

#define GATE_80 (0x80 * 8 | 2)

static void idt_limit(struct fixture *f)
{
	f->cpu.idtr.limit = 0x80 * (f->cpu.state.efer & EFER_LMA ? 16 : 8) +
			    (f->cpu.state.efer & EFER_LMA ? 14 : 6);
}

static gva_t gate_of(struct fixture *f)
{
	return IDT_BASE + 0x80 * (f->cpu.state.efer & EFER_LMA ? 16 : 8);
}

static void gate_absent(struct fixture *f)
{
	f->mem[gate_of(f) + 5] &= 0x7f;
}

static void gate_type_call(struct fixture *f)
{
	f->mem[gate_of(f) + 5] = ACC_PRESENT | ACC_DPL(3) | DESC_CALL_GATE;
}

static void gate_type_task(struct fixture *f)
{
	f->mem[gate_of(f) + 5] = ACC_PRESENT | ACC_DPL(3) | DESC_TASK_GATE;
}

static void gate_type_16(struct fixture *f)
{
	f->mem[gate_of(f) + 5] = ACC_PRESENT | ACC_DPL(3) | DESC_INT_GATE16;
}

static void gate_not_system(struct fixture *f)
{
	f->mem[gate_of(f) + 5] |= ACC_S;
}

static void cs_null(struct fixture *f)
{
	poke(f, gate_of(f) + 2, 3, 2);
}

static void cs_outside(struct fixture *f)
{
	poke(f, gate_of(f) + 2, 0xff8, 2);
}

static void cs_is_data(struct fixture *f)
{
	poke(f, gate_of(f) + 2, SEL(GDT_DATA, 0), 2);
}

static void cs_system(struct fixture *f)
{
	poke(f, gate_of(f) + 2, SEL_LDT, 2);
}

static void cs_absent(struct fixture *f)
{
	uint16_t sel = code_sel(f->cpu.state.efer & EFER_LMA ? MODE_64BIT : MODE_PROTECTED, 0);

	gdt_set(f, sel, gdt_get(f, sel) & ~BIT64(47));
}

static void cs_not_64bit(struct fixture *f)
{
	poke(f, gate_of(f) + 2, SEL(GDT_CODE, 0), 2);
}

static void cs_64bit_and_32bit(struct fixture *f)
{
	gdt_set(f, SEL(GDT_CODE64, 0), gdt_get(f, SEL(GDT_CODE64, 0)) | BIT64(54));
}

static void rip_outside(struct fixture *f)
{
	if (f->cpu.state.efer & EFER_LMA)
		poke(f, gate_of(f) + 8, 0x8000, 4);
	else
		gdt_set(f, SEL(GDT_CODE, 0), make_descriptor(0, 0xfff, 0x9b, FLAG_DB));
}

static void tss_limit(struct fixture *f)
{
	f->cpu.tr.limit = f->cpu.state.efer & EFER_LMA ? 10 : 8;
}

static void ss_null(struct fixture *f)
{
	poke(f, TSS_BASE + 8, 0, 2);
}

static void ss_outside(struct fixture *f)
{
	poke(f, TSS_BASE + 8, 0xff8, 2);
}

static void ss_wrong_rpl(struct fixture *f)
{
	poke(f, TSS_BASE + 8, SEL(GDT_DATA, 0) | 1, 2);
}

static void ss_wrong_dpl(struct fixture *f)
{
	poke(f, TSS_BASE + 8, SEL(GDT_DATA, 1), 2);
}

static void ss_read_only(struct fixture *f)
{
	gdt_set(f, SEL(GDT_DATA, 0), make_descriptor(0, 0xfffff, 0x91, FLAG_G | FLAG_DB));
}

static void ss_absent(struct fixture *f)
{
	gdt_set(f, SEL(GDT_DATA, 0), make_descriptor(0, 0xfffff, 0x13, FLAG_G | FLAG_DB));
}

static void ss_no_room(struct fixture *f)
{
	gdt_set(f, SEL(GDT_DATA, 0), make_descriptor(0, STACK0 - 2, 0x93, FLAG_DB));
}

static void rsp_not_canonical(struct fixture *f)
{
	poke(f, TSS_BASE + 4, 0x1000000000000, 8);
}

static void tss_page_absent(struct fixture *f)
{
	f->not_present[TSS_BASE >> 12] = true;
}

static void stack_page_absent(struct fixture *f)
{
	f->not_present[(STACK0 - 1) >> 12] = true;
}

static const struct spoiled spoiled[] = {
	{"IDT limit", idt_limit, GP_VECTOR, GATE_80, false, false},
	{"gate not present", gate_absent, NP_VECTOR, GATE_80, false, false},
	{"call gate", gate_type_call, GP_VECTOR, GATE_80, false, false},
	{"task gate", gate_type_task, GP_VECTOR, GATE_80, false, false},
	{"16-bit gate", gate_type_16, GP_VECTOR, GATE_80, true, false},
	{"no system descriptor", gate_not_system, GP_VECTOR, GATE_80, false, false},
	{"null CS", cs_null, GP_VECTOR, 0, false, false},
	{"CS outside table", cs_outside, GP_VECTOR, 0xff8, false, false},
	{"CS is data", cs_is_data, GP_VECTOR, SEL(GDT_DATA, 0), false, false},
	{"CS is a system descriptor", cs_system, GP_VECTOR, SEL_LDT, false, false},
	{"CS not present, 64-bit", cs_absent, NP_VECTOR, SEL(GDT_CODE64, 0), true, false},
	{"CS not present", cs_absent, NP_VECTOR, SEL(GDT_CODE, 0), false, true},
	{"CS not 64-bit", cs_not_64bit, GP_VECTOR, SEL(GDT_CODE, 0), true, false},
	{"CS.L and CS.D", cs_64bit_and_32bit, GP_VECTOR, SEL(GDT_CODE64, 0), true, false},
	{"RIP", rip_outside, GP_VECTOR, 0, false, false},
	{"TSS limit", tss_limit, TS_VECTOR, SEL_TSS, false, false},
	{"null SS", ss_null, TS_VECTOR, 0, false, true},
	{"SS outside table", ss_outside, TS_VECTOR, 0xff8, false, true},
	{"SS.RPL", ss_wrong_rpl, TS_VECTOR, SEL(GDT_DATA, 0), false, true},
	{"SS.DPL", ss_wrong_dpl, TS_VECTOR, SEL(GDT_DATA, 1), false, true},
	{"SS read-only", ss_read_only, TS_VECTOR, SEL(GDT_DATA, 0), false, true},
	{"SS not present", ss_absent, SS_VECTOR, SEL(GDT_DATA, 0), false, true},
	{"SS no room", ss_no_room, SS_VECTOR, SEL(GDT_DATA, 0), false, true},
	{"RSP not canonical", rsp_not_canonical, SS_VECTOR, 0, true, false},
	{"TSS page", tss_page_absent, PF_VECTOR, 0, false, false},
	{"stack page", stack_page_absent, PF_VECTOR, PFERR_WRITE_MASK, false, false},
};

/*
 * Delivers @event spoiled by @s with the handler of the resulting fault at CPL 3,
 * where nothing is spoiled, so that the fault itself is what is seen there.
 */
static void check_spoiled(enum mode mode, const struct spoiled *s, struct cpu_event event, bool ext)
{
	struct fixture *f = with_handlers(mode, 3, 3);
	unsigned int width = mode == MODE_64BIT ? 8 : 4;
	uint32_t want = s->error_code | (ext && s->vector != PF_VECTOR);

	idt_set(f, 0x80, DESC_INT_GATE, 3, code_sel(mode, 0), HANDLER, 0);
	s->spoil(f);
	assert_int_equal(cpu_deliver(&f->cpu, &event), CPU_OK);
	assert_at_handler(f, s->vector);
	assert_int_equal(slot(f, 0, width), want);
	assert_int_equal(slot(f, 1, width), CODE_RIP);
	assert_true(slot(f, 3, width) & X86_EFLAGS_RF);
	assert_int_equal(f->cpu.state.cpl, 3);
	if (s->vector == PF_VECTOR)
		assert_true(f->cpu.state.cr2 != 0);
}

static void every_refusal_has_its_vector_and_error_code(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(spoiled); i++) {
		const struct spoiled *s = &spoiled[i];

		if (!s->legacy_only) {
			check_spoiled(MODE_64BIT, s, int_n(0x80), false);
			check_spoiled(MODE_64BIT, s, cpu_event_interrupt(0x80), true);
		}
		if (!s->long_only) {
			check_spoiled(MODE_PROTECTED, s, int_n(0x80), false);
			check_spoiled(MODE_PROTECTED, s, cpu_event_interrupt(0x80), true);
		}
	}
}

/* CR2 is the address of the push that failed, the topmost one. */
static void stack_page_absent_cr2_is_first_push(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 3, 3);

	idt_set(f, 0x80, DESC_INT_GATE, 3, SEL(GDT_CODE64, 0), HANDLER, 0);
	stack_page_absent(f);
	assert_int_equal(deliver_int(f, 0x80), CPU_OK);
	assert_int_equal(f->cpu.state.cr2, STACK0 - 8);
}

/* SDM "Conditions for Generating a Double Fault", with gates made absent (#NP) for the second. */
static void double_fault_by_class(void **state)
{
	for (unsigned int v = 0; v < 21; v++) {
		static const uint32_t contributory = 1 << 0 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13;
		struct fixture *f = with_handlers(MODE_64BIT, 0, 0);
		bool want_df = (contributory >> v & 1) || v == PF_VECTOR || v == VE_VECTOR;
		struct x86_exception e = {.vector = (uint8_t)v};

		if (v == DF_VECTOR)
			continue;
		f->mem[IDT_BASE + v * 16 + 5] &= 0x7f;
		/* The #NP of an absent #NP gate is a fault while #NP is delivered. */
		assert_int_equal(deliver_exception(f, e), CPU_OK);
		assert_at_handler(f, want_df ? DF_VECTOR : NP_VECTOR);
		if (want_df)
			assert_int_equal(slot(f, 0, 8), 0);
		else
			assert_int_equal(slot(f, 0, 8), v * 8 | 2 | 1);
	}
}

/* A page fault while a contributory exception is delivered is delivered itself. */
static void page_fault_in_contributory_is_serial(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 3, 3);

	idt_set(f, GP_VECTOR, DESC_INT_GATE, 0, SEL(GDT_CODE64, 0), HANDLER, 0);
	stack_page_absent(f);
	assert_int_equal(deliver_exception(f, gp_fault), CPU_OK);
	assert_at_handler(f, PF_VECTOR);
	/* In a page fault it is a double fault. */
	f = with_handlers(MODE_64BIT, 3, 3);
	idt_set(f, PF_VECTOR, DESC_INT_GATE, 0, SEL(GDT_CODE64, 0), HANDLER, 0);
	stack_page_absent(f);
	assert_int_equal(deliver_exception(f, (struct x86_exception){PF_VECTOR, true, 4, 0x1234}),
			 CPU_OK);
	assert_at_handler(f, DF_VECTOR);
}

static void fault_in_double_fault_shuts_down(void **state)
{
	struct fixture *f = with_handlers(MODE_64BIT, 0, 0);

	f->mem[IDT_BASE + GP_VECTOR * 16 + 5] &= 0x7f;
	f->mem[IDT_BASE + DF_VECTOR * 16 + 5] &= 0x7f;
	assert_int_equal(deliver_exception(f, gp_fault), CPU_SHUTDOWN);
	assert_int_equal(f->cpu.state.rip, CODE_RIP);
	f->cpu.idtr.limit = 0;
	assert_int_equal(deliver_exception(f, gp_fault), CPU_SHUTDOWN);
}

const struct CMUnitTest event_fault_tests[] = {
	cmocka_unit_test(every_refusal_has_its_vector_and_error_code),
	cmocka_unit_test(stack_page_absent_cr2_is_first_push),
	cmocka_unit_test(double_fault_by_class),
	cmocka_unit_test(page_fault_in_contributory_is_serial),
	cmocka_unit_test(fault_in_double_fault_shuts_down),
};
const size_t event_fault_test_count = ARRAY_SIZE(event_fault_tests);
