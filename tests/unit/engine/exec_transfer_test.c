// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM JMP, CALL, RET far, IRET, INT n, BOUND, SYSCALL and its like: operands and widths. */
#include "tests.h"

#include "cpu/segment.h"

#define TARGET 0x9000

static void expect_rip(struct machine *m, const char *hex, uint64_t rip)
{
	assert_int_equal(step(m, hex), CPU_OK);
	assert_int_equal(m->state->rip, rip);
}

static void far_jmp_direct_by_operand_size(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	expect_rip(m, "ea009000002000", TARGET);
	assert_int_equal(m->state->seg[X86_SEG_CS].selector, SEL(GDT_CODE, 0));
	expect_rip(m, "66ea34122000", 0x1234);

	m = machine_init(MODE_REAL, 0);
	expect_rip(m, "ea00900002", TARGET);
	assert_int_equal(m->state->seg[X86_SEG_CS].base, 0x2000);
}

static void far_jmp_through_memory(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, 0x7fff00009000, 8);
	poke(m->f, DATA + 8, SEL(GDT_CODE64, 0), 2);
	expect_rip(m, "48ff2b", 0x7fff00009000);
	assert_int_equal(m->state->seg[X86_SEG_CS].selector, SEL(GDT_CODE64, 0));
	poke(m->f, DATA + 4, SEL(GDT_CODE, 0), 2);
	expect_rip(m, "ff2b", TARGET);
	assert_false(x86_is_64bit(m->state));
}

static void far_jmp_bad_gp(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, 0, 8);
	step_fault(m, "ff2b", GP_VECTOR);
	m->f->not_present[DATA >> 12] = true;
	step_fault(m, "ff2b", PF_VECTOR);
}

static void far_call_and_ret(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);
	uint64_t top = m->gpr[X86_RSP];

	expect_rip(m, "9a009000002000", TARGET);
	assert_int_equal(peek(m->f, top - 8, 4), CODE_RIP + 7);
	assert_int_equal(peek(m->f, top - 4, 4), SEL(GDT_CODE, 0));
	expect_rip(m, "ca1000", CODE_RIP + 7);
	assert_int_equal(m->gpr[X86_RSP], top + 0x10);

	m->gpr[X86_RSP] = top;
	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, (uint64_t)SEL(GDT_CODE, 0) << 16 | TARGET, 4);
	expect_rip(m, "66ff1b", TARGET);
	assert_int_equal(m->gpr[X86_RSP], top - 4);
	expect_rip(m, "66cb", CODE_RIP + 7 + 3);
	assert_int_equal(m->gpr[X86_RSP], top);
}

static void iret_widths(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);
	uint64_t top = m->gpr[X86_RSP];
	const uint64_t frame[] = {TARGET, SEL(GDT_CODE64, 0), 0x2, 0x7000, SEL(GDT_DATA, 0)};

	memcpy(m->f->mem + top, frame, sizeof(frame));
	expect_rip(m, "48cf", TARGET);
	assert_int_equal(m->gpr[X86_RSP], 0x7000);

	m = machine_init(MODE_REAL, 0);
	poke(m->f, 0xf000, 0x000200009000, 6);
	expect_rip(m, "cf", TARGET);
	assert_int_equal(m->gpr[X86_RSP], 0xf006);
}

static void iret_null_cs_gp(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	step_fault(m, "48cf", GP_VECTOR);
}

static void software_interrupts_return_behind_themselves(void **state)
{
	static const struct {
		const char *hex;
		uint8_t vector;
	} cases[] = {{"cd80", 0x80}, {"cc", BP_VECTOR}, {"f1", DB_VECTOR}, {"ce", OF_VECTOR}};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = machine_init(MODE_PROTECTED, 0);

		idt_set(m->f, cases[i].vector, DESC_INT_GATE, 0, SEL(GDT_CODE, 0), HANDLER, 0);
		m->state->rflags |= X86_EFLAGS_OF;
		expect_rip(m, cases[i].hex, HANDLER);
		assert_int_equal(peek(m->f, m->gpr[X86_RSP], 4),
				 CODE_RIP + strlen(cases[i].hex) / 2);
	}
}

static void into_without_overflow_goes_on(void **state)
{
	step_ok(machine_init(MODE_PROTECTED, 3), "ce");
}

/* The #GP of a gate that is closed to the caller is delivered like any other. */
static void int_closed_gate_delivers_gp(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	idt_set(m->f, 0x80, DESC_INT_GATE, 0, SEL(GDT_CODE, 0), TARGET, 0);
	idt_set(m->f, GP_VECTOR, DESC_INT_GATE, 0, SEL(GDT_CODE, 0), HANDLER, 0);
	expect_rip(m, "cd80", HANDLER);
	assert_int_equal(peek(m->f, m->gpr[X86_RSP], 4), 0x80 * 8 + 2);
	assert_int_equal(peek(m->f, m->gpr[X86_RSP] + 4, 4), CODE_RIP);
}

static void bound_is_signed_and_inclusive(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 3);

	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, (uint32_t)-5, 4);
	poke(m->f, DATA + 4, 7, 4);
	m->gpr[X86_RCX] = (uint32_t)-5;
	step_ok(m, "620b");
	m->gpr[X86_RCX] = 7;
	step_ok(m, "620b");
	m->gpr[X86_RCX] = 8;
	step_fault(m, "620b", BR_VECTOR);
	m->gpr[X86_RCX] = (uint32_t)-6;
	step_fault(m, "620b", BR_VECTOR);

	poke(m->f, DATA, 0x0007fffb, 4);
	m->gpr[X86_RCX] = 0x1234fffb;
	step_ok(m, "66620b");
	m->gpr[X86_RCX] = 0x1234fffa;
	step_fault(m, "66620b", BR_VECTOR);
}

static void syscall_and_sysret(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->cpu->msr.lstar = 0xffff800000001000;
	m->cpu->msr.star = (uint64_t)SEL(GDT_CODE, 0) << 32;
	expect_rip(m, "0f05", 0xffff800000001000);
	assert_int_equal(m->gpr[X86_RCX], CODE_RIP + 2);
	expect_rip(m, "480f07", CODE_RIP + 2);
	assert_true(x86_is_64bit(m->state));
	m->state->cpl = 0;
	expect_rip(m, "0f07", CODE_RIP + 2);
	assert_false(x86_is_64bit(m->state));
	m = machine_init(MODE_64BIT, 3);
	step_fault(m, "0f07", GP_VECTOR);
	m->state->efer &= ~EFER_SCE;
	step_fault(m, "0f05", UD_VECTOR);
}

static void sysenter_and_sysexit(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	step_fault(m, "0f34", GP_VECTOR);
	m->cpu->msr.sysenter_cs = SEL(GDT_CODE, 0);
	m->cpu->msr.sysenter_eip = 0xffff800000002000;
	expect_rip(m, "0f34", 0xffff800000002000);
	m->gpr[X86_RDX] = 0x7fff00001000;
	m->gpr[X86_RCX] = 0x7fff00002000;
	expect_rip(m, "480f35", 0x7fff00001000);
	assert_int_equal(m->gpr[X86_RSP], 0x7fff00002000);
	step_fault(m, "0f35", GP_VECTOR);
}

const struct CMUnitTest exec_transfer_tests[] = {
	cmocka_unit_test(far_jmp_direct_by_operand_size),
	cmocka_unit_test(far_jmp_through_memory),
	cmocka_unit_test(far_jmp_bad_gp),
	cmocka_unit_test(far_call_and_ret),
	cmocka_unit_test(iret_widths),
	cmocka_unit_test(iret_null_cs_gp),
	cmocka_unit_test(software_interrupts_return_behind_themselves),
	cmocka_unit_test(into_without_overflow_goes_on),
	cmocka_unit_test(int_closed_gate_delivers_gp),
	cmocka_unit_test(bound_is_signed_and_inclusive),
	cmocka_unit_test(syscall_and_sysret),
	cmocka_unit_test(sysenter_and_sysexit),
};
const size_t exec_transfer_test_count = ARRAY_SIZE(exec_transfer_tests);
