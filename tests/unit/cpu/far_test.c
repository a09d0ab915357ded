// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM JMP, CALL and RET, "far": segments, call gates, and the way back. */
#include "tests.h"

#include "cpu/transfer.h"

#define NEXT_RIP (CODE_RIP + 7)

static enum cpu_result far_to(struct fixture *f, bool call, uint16_t selector, uint64_t offset,
			      unsigned int width)
{
	return call ? cpu_far_call(&f->cpu, selector, offset, width, NEXT_RIP)
		    : cpu_far_jmp(&f->cpu, selector, offset, width);
}

/* SDM "Direct Calls or Jumps to Code Segments", from its prose. */
static bool direct_is_allowed(bool conforming, unsigned int cpl, unsigned int dpl, unsigned int rpl)
{
	if (conforming)
		return cpl >= dpl;
	return cpl == dpl && rpl <= cpl;
}

static void direct_privilege_by_table(void **state)
{
	for (unsigned int n = 0; n < 256; n++) {
		unsigned int cpl = n & 3, dpl = n >> 2 & 3, rpl = n >> 4 & 3;
		bool conforming = n & 64, call = n & 128;
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
		uint64_t rsp = f->cpu.state.gpr[X86_RSP];
		uint16_t old_cs = f->cpu.state.seg[X86_SEG_CS].selector;
		uint16_t sel = (uint16_t)(SEL(conforming ? GDT_CONFORMING : GDT_CODE, dpl) | rpl);
		enum cpu_result res;

		fixture_save(f);
		res = far_to(f, call, sel, 0x12345, 4);
		if (!direct_is_allowed(conforming, cpl, dpl, rpl)) {
			assert_fault(f, res, GP_VECTOR, sel & ~3u);
			fixture_assert_unchanged(f);
			continue;
		}
		assert_int_equal(res, CPU_OK);
		assert_int_equal(f->cpu.state.rip, 0x12345);
		assert_int_equal(f->cpu.state.cpl, cpl);
		assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, (sel & ~3u) | cpl);
		assert_int_equal(f->cpu.state.gpr[X86_RSP], call ? rsp - 8 : rsp);
		if (call) {
			assert_int_equal(peek(f, rsp - 4, 4), old_cs);
			assert_int_equal(peek(f, rsp - 8, 4), NEXT_RIP);
		}
	}
}

static void target_by_descriptor_type(void **state)
{
	static const enum mode modes[] = {MODE_PROTECTED, MODE_64BIT};

	for (unsigned int m = 0; m < 2; m++)
		for (unsigned int access = 0; access < 256; access++)
			for (unsigned int call = 0; call < 2; call++) {
				struct fixture *f = fixture_init(modes[m], 0);
				bool is_code = (access & 0x18) == 0x18;
				unsigned int type = access & 0x1f;
				bool gate = type == DESC_CALL_GATE ||
					    (type == DESC_CALL_GATE16 && m == 0);
				unsigned int dpl = access >> 5 & 3;
				enum cpu_result res;

				gdt_set(f, SEL_FREE,
					make_descriptor(0, 0xffff, (uint8_t)access, FLAG_DB));
				fixture_save(f);
				res = far_to(f, call, SEL_FREE, 0x100, 4);
				/* As a gate its code selector is 0. */
				if (gate && (access & ACC_PRESENT))
					assert_int_equal(f->cpu.fault.vector, GP_VECTOR);
				else if (gate || (is_code && dpl == 0 && !(access & ACC_PRESENT)))
					assert_fault(f, res, NP_VECTOR, SEL_FREE);
				else if (is_code && dpl == 0)
					assert_int_equal(res, CPU_OK);
				else
					assert_fault(f, res, GP_VECTOR, SEL_FREE);
				if (res != CPU_OK)
					fixture_assert_unchanged(f);
			}
}

static void direct_offset_outside_limit_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	gdt_set(f, SEL_FREE, make_descriptor(0, 0xfff, 0x9a, FLAG_DB));
	fixture_save(f);
	assert_fault(f, far_to(f, true, SEL_FREE, 0x1000, 4), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
	assert_int_equal(far_to(f, true, SEL_FREE, 0xfff, 4), CPU_OK);
	/* 16 bits of operand drop the rest of the offset. */
	f = fixture_init(MODE_PROTECTED, 0);
	assert_int_equal(far_to(f, false, SEL(GDT_CODE, 0), 0x12345, 2), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0x2345);
}

static void direct_null_or_outside_gp(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);

	assert_fault(f, far_to(f, false, 2, 0, 4), GP_VECTOR, 0);
	assert_fault(f, far_to(f, true, 0xff8, 0, 4), GP_VECTOR, 0xff8);
}

static void long_mode_switches_between_64bit_and_compatibility(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	assert_int_equal(far_to(f, false, SEL(GDT_CODE, 0), 0x100001234, 8), CPU_OK);
	assert_false(x86_is_64bit(&f->cpu.state));
	assert_int_equal(f->cpu.state.rip, 0x1234);
	assert_int_equal(far_to(f, false, SEL(GDT_CODE64, 0), 0x1234, 4), CPU_OK);
	assert_true(x86_is_64bit(&f->cpu.state));
	assert_fault(f, far_to(f, false, SEL(GDT_CODE64, 0), 0x800000000000, 8), GP_VECTOR, 0);
	gdt_set(f, SEL(GDT_CODE64, 0), gdt_get(f, SEL(GDT_CODE64, 0)) | BIT64(54));
	assert_fault(f, far_to(f, false, SEL(GDT_CODE64, 0), 0, 8), GP_VECTOR, SEL(GDT_CODE64, 0));
}

static void gate_call_inward_copies_parameters(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);
	uint64_t rsp;

	for (unsigned int i = 0; i < 31; i++)
		push_stack(f, 0x1000 + i, 4);
	rsp = f->cpu.state.gpr[X86_RSP];
	call_gate_set(f, DESC_CALL_GATE, 3, SEL(GDT_CODE, 1), 0x12345678, 31);
	assert_int_equal(far_to(f, true, SEL_FREE | 3, 0xdead, 4), CPU_OK);
	assert_int_equal(f->cpu.state.cpl, 1);
	assert_int_equal(f->cpu.state.rip, 0x12345678);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, SEL(GDT_CODE, 1) | 1);
	assert_int_equal(f->cpu.state.seg[X86_SEG_SS].selector, SEL(GDT_DATA, 1) | 1);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], STACK1 - 4 * 35);
	assert_int_equal(peek(f, STACK1 - 4, 4), SEL(GDT_DATA, 3) | 3);
	assert_int_equal(peek(f, STACK1 - 8, 4), rsp);
	for (unsigned int i = 0; i < 31; i++)
		assert_int_equal(peek(f, STACK1 - 12 - 4 * i, 4), 0x1000 + i);
	assert_int_equal(peek(f, STACK1 - 4 * 34, 4), SEL(GDT_CODE, 3) | 3);
	assert_int_equal(peek(f, STACK1 - 4 * 35, 4), NEXT_RIP);

	/* RET with the parameters' size goes back to where it was before them. */
	assert_int_equal(cpu_far_ret(&f->cpu, 4, 31 * 4), CPU_OK);
	assert_int_equal(f->cpu.state.cpl, 3);
	assert_int_equal(f->cpu.state.rip, NEXT_RIP);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp + 31 * 4);
}

static void gate_call_long_mode_pushes_quadwords(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 3);

	call_gate_set(f, DESC_CALL_GATE, 3, SEL(GDT_CODE64, 0), 0xffff800000001234, 0);
	assert_int_equal(far_to(f, true, SEL_FREE, 0, 4), CPU_OK);
	assert_int_equal(f->cpu.state.rip, 0xffff800000001234);
	assert_true(f->cpu.state.seg[X86_SEG_SS].unusable);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], STACK0 - 32);
	assert_int_equal(peek(f, STACK0 - 32, 8), NEXT_RIP);
	assert_int_equal(peek(f, STACK0 - 16, 8), STACK3 - 0x800);
}

static void gate_call_same_privilege_keeps_stack(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 0);
	uint64_t rsp = f->cpu.state.gpr[X86_RSP];

	call_gate_set(f, DESC_CALL_GATE16, 0, SEL(GDT_CODE, 0), 0x1234, 4);
	assert_int_equal(far_to(f, true, SEL_FREE, 0, 4), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp - 4);
	assert_int_equal(peek(f, rsp - 4, 2), NEXT_RIP & 0xffff);
	f = fixture_init(MODE_PROTECTED, 3);
	call_gate_set(f, DESC_CALL_GATE, 3, SEL(GDT_CONFORMING, 0), 0x1234, 4);
	assert_int_equal(far_to(f, true, SEL_FREE, 0, 4), CPU_OK);
	assert_int_equal(f->cpu.state.cpl, 3);
}

/* SDM "Accessing a Code Segment Through a Call Gate": gate by CPL and RPL, then the target. */
static void gate_privilege_by_table(void **state)
{
	for (unsigned int n = 0; n < 1024; n++) {
		unsigned int cpl = n & 3, rpl = n >> 2 & 3, gate = n >> 4 & 3, dpl = n >> 6 & 3;
		bool call = n & 256, conforming = n & 512;
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
		uint16_t target = SEL(conforming ? GDT_CONFORMING : GDT_CODE, dpl);
		bool target_ok = call || conforming ? dpl <= cpl : dpl == cpl;
		enum cpu_result res;

		call_gate_set(f, DESC_CALL_GATE, gate, target, 0x1234, 0);
		fixture_save(f);
		res = far_to(f, call, (uint16_t)(SEL_FREE | rpl), 0, 4);
		if (gate < cpl || gate < rpl) {
			assert_fault(f, res, GP_VECTOR, SEL_FREE);
		} else if (!target_ok) {
			assert_fault(f, res, GP_VECTOR, target);
		} else {
			assert_int_equal(res, CPU_OK);
			assert_int_equal(f->cpu.state.cpl, conforming ? cpl : dpl);
			continue;
		}
		fixture_assert_unchanged(f);
	}
}

static void gate_long_mode_checks_second_half_and_target(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	call_gate_set(f, DESC_CALL_GATE, 0, SEL(GDT_CODE, 0), 0x1234, 0);
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), GP_VECTOR, SEL(GDT_CODE, 0));
	call_gate_set(f, DESC_CALL_GATE, 0, SEL(GDT_CODE64, 0), 0x1234, 0);
	gdt_set(f, SEL_FREE + 8, BIT64(40));
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), GP_VECTOR, SEL_FREE);
	call_gate_set(f, DESC_CALL_GATE, 0, SEL(GDT_CODE64, 0), 0x800000000000, 0);
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), GP_VECTOR, 0);
}

/* The new stack's faults name it, without EXT. */
static void gate_call_bad_tss_stack_ts(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	call_gate_set(f, DESC_CALL_GATE, 3, SEL(GDT_CODE, 0), 0x1234, 2);
	poke(f, TSS_BASE + 8, SEL(GDT_DATA, 0) | 1, 2);
	fixture_save(f);
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), TS_VECTOR, SEL(GDT_DATA, 0));
	poke(f, TSS_BASE + 8, SEL(GDT_DATA, 0), 2);
	f->cpu.tr.limit = 8;
	fixture_save(f);
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), TS_VECTOR, SEL_TSS);
	fixture_assert_unchanged(f);
	f->cpu.tr.limit = 0x67;
	gdt_set(f, SEL(GDT_DATA, 0), make_descriptor(0, STACK0 - 0x15, 0x93, FLAG_DB));
	poke(f, TSS_BASE + 4, 8, 4);
	fixture_save(f);
	assert_fault(f, far_to(f, true, SEL_FREE, 0, 4), SS_VECTOR, SEL(GDT_DATA, 0));
	fixture_assert_unchanged(f);
}

static void gate_call_16bit_tss(void **state)
{
	struct fixture *f = fixture_init(MODE_PROTECTED, 3);

	f->cpu.tr.type = DESC_TSS16_BUSY;
	f->cpu.tr.limit = 0x2b;
	poke(f, TSS_BASE + 2, 0x8000, 2);
	poke(f, TSS_BASE + 4, SEL(GDT_DATA, 0), 2);
	call_gate_set(f, DESC_CALL_GATE16, 3, SEL(GDT_CODE, 0), 0x1234, 0);
	assert_int_equal(far_to(f, true, SEL_FREE, 0, 2), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], 0x8000 - 8);
}

static void ret_privilege_by_table(void **state)
{
	for (unsigned int n = 0; n < 128; n++) {
		unsigned int cpl = n & 3, rpl = n >> 2 & 3, dpl = n >> 4 & 3;
		bool conforming = n & 64;
		struct fixture *f = fixture_init(MODE_PROTECTED, cpl);
		uint16_t cs = (uint16_t)(SEL(conforming ? GDT_CONFORMING : GDT_CODE, dpl) | rpl);
		uint64_t rsp = f->cpu.state.gpr[X86_RSP];
		enum cpu_result res;

		push_stack(f, SEL(GDT_DATA, rpl) | rpl, 4);
		push_stack(f, 0x3210, 4);
		push_stack(f, cs, 4);
		push_stack(f, 0x7654, 4);
		fixture_save(f);
		res = cpu_far_ret(&f->cpu, 4, 0);
		if (rpl < cpl || (conforming ? dpl > rpl : dpl != rpl)) {
			assert_fault(f, res, GP_VECTOR, cs & ~3u);
			fixture_assert_unchanged(f);
			continue;
		}
		assert_int_equal(res, CPU_OK);
		assert_int_equal(f->cpu.state.cpl, rpl);
		assert_int_equal(f->cpu.state.rip, 0x7654);
		assert_int_equal(f->cpu.state.gpr[X86_RSP], rpl > cpl ? 0x3210 : rsp - 8);
	}
}

/* In 64-bit mode too, RET pops a stack pointer only to go outward. */
static void ret_64bit_same_privilege_releases(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	uint64_t rsp = f->cpu.state.gpr[X86_RSP];

	push_stack(f, SEL(GDT_CODE64, 0), 8);
	push_stack(f, 0x7654, 8);
	assert_int_equal(cpu_far_ret(&f->cpu, 8, 0x20), CPU_OK);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp + 0x20);
}

static void ret_faults_change_nothing(void **state)
{
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	push_stack(f, 0, 8);
	push_stack(f, 0x3210, 8);
	push_stack(f, SEL(GDT_CODE64, 3) | 3, 8);
	push_stack(f, 0x7654, 8);
	fixture_save(f);
	assert_fault(f, cpu_far_ret(&f->cpu, 8, 0), GP_VECTOR, 0);
	fixture_assert_unchanged(f);
	f->cpu.state.gpr[X86_RSP] = 0x800000000000;
	fixture_save(f);
	assert_fault(f, cpu_far_ret(&f->cpu, 8, 0), SS_VECTOR, 0);
	fixture_assert_unchanged(f);
}

static void real_mode_call_and_ret(void **state)
{
	struct fixture *f = fixture_init(MODE_REAL, 0);
	uint64_t rsp = f->cpu.state.gpr[X86_RSP];

	f->cpu.state.seg[X86_SEG_CS].selector = 0x700;
	assert_int_equal(far_to(f, true, 0x1234, 0x5678, 2), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].base, 0x12340);
	assert_int_equal(f->cpu.state.rip, 0x5678);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp - 4);
	assert_int_equal(cpu_far_ret(&f->cpu, 2, 4), CPU_OK);
	assert_int_equal(f->cpu.state.seg[X86_SEG_CS].selector, 0x700);
	assert_int_equal(f->cpu.state.rip, NEXT_RIP);
	assert_int_equal(f->cpu.state.gpr[X86_RSP], rsp + 4);
	assert_fault(f, far_to(f, false, 0x1234, 0x10000, 4), GP_VECTOR, 0);
	f->cpu.state.gpr[X86_RSP] = 1;
	assert_fault(f, far_to(f, true, 0x1234, 0, 2), SS_VECTOR, 0);
}

const struct CMUnitTest far_tests[] = {
	cmocka_unit_test(direct_privilege_by_table),
	cmocka_unit_test(target_by_descriptor_type),
	cmocka_unit_test(direct_offset_outside_limit_gp),
	cmocka_unit_test(direct_null_or_outside_gp),
	cmocka_unit_test(long_mode_switches_between_64bit_and_compatibility),
	cmocka_unit_test(gate_call_inward_copies_parameters),
	cmocka_unit_test(gate_call_long_mode_pushes_quadwords),
	cmocka_unit_test(gate_call_same_privilege_keeps_stack),
	cmocka_unit_test(gate_privilege_by_table),
	cmocka_unit_test(gate_long_mode_checks_second_half_and_target),
	cmocka_unit_test(gate_call_bad_tss_stack_ts),
	cmocka_unit_test(gate_call_16bit_tss),
	cmocka_unit_test(ret_privilege_by_table),
	cmocka_unit_test(ret_64bit_same_privilege_releases),
	cmocka_unit_test(ret_faults_change_nothing),
	cmocka_unit_test(real_mode_call_and_ret),
};
const size_t far_test_count = ARRAY_SIZE(far_tests);
