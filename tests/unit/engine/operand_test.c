// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Logical and Linear Addresses", "Limit Checking", "Type Checking", #AC; registers by size. */
#include "tests.h"

#include "engine/operand.h"

static void registers_by_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = 0x1122334455667788;
	assert_int_equal(exec_get_gpr(m->v, X86_RAX, 1), 0x88);
	assert_int_equal(exec_get_gpr(m->v, X86_RAX, 2), 0x7788);
	assert_int_equal(exec_get_gpr(m->v, X86_RAX, 4), 0x55667788);
	assert_int_equal(exec_get_gpr(m->v, X86_RAX, 8), 0x1122334455667788);
	exec_set_gpr(m->v, X86_RAX, 1, UINT64_MAX);
	assert_int_equal(m->gpr[X86_RAX], 0x11223344556677ff);
	exec_set_gpr(m->v, X86_RAX, 2, 0xabcd1234);
	assert_int_equal(m->gpr[X86_RAX], 0x1122334455661234);
	exec_set_gpr(m->v, X86_RAX, 4, UINT64_MAX);
	assert_int_equal(m->gpr[X86_RAX], 0xffffffff);
}

static uint64_t address(struct machine *m, unsigned int code_size, const uint8_t *bytes)
{
	struct insn insn;

	assert_true(insn_decode(bytes, INSN_MAX_LENGTH, code_size, &insn));
	return exec_effective_address(m->v, &insn);
}

#define ADDRESS(m, size, ...) address(m, size, (const uint8_t[INSN_MAX_LENGTH]){__VA_ARGS__})

static void effective_addresses(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = 0x1000;
	m->gpr[X86_RBX] = 0x10;
	/* INVLPG [rax + rbx * 4 - 8], [rip + 0x10], [eip + 0x10], [eax - 0x2000], [0x12345678] */
	assert_int_equal(ADDRESS(m, 8, 0x0f, 0x01, 0x7c, 0x98, 0xf8), 0x1038);
	assert_int_equal(ADDRESS(m, 8, 0x0f, 0x01, 0x3d, 0x10), CODE_RIP + 7 + 0x10);
	m->state->rip = 0x700000000;
	assert_int_equal(ADDRESS(m, 8, 0x67, 0x0f, 0x01, 0x3d, 0x10), 8 + 0x10);
	assert_int_equal(ADDRESS(m, 8, 0x67, 0x0f, 0x01, 0xb8, 0x00, 0xe0, 0xff, 0xff), 0xfffff000);
	assert_int_equal(ADDRESS(m, 8, 0x0f, 0x01, 0x3c, 0x25, 0x78, 0x56, 0x34, 0x12), 0x12345678);
}

static void effective_addresses_of_16bits_wrap(void **state)
{
	struct machine *m = machine_init16(0);

	m->gpr[X86_RBX] = 0x1234ffff;
	m->gpr[X86_RSI] = 0x00010003;
	/* [bx + si], [si - 4], [0x1234], and with 67h [ebx] */
	assert_int_equal(ADDRESS(m, 2, 0x0f, 0x01, 0x38), 2);
	assert_int_equal(ADDRESS(m, 2, 0x0f, 0x01, 0x7c, 0xfc), 0xffff);
	assert_int_equal(ADDRESS(m, 2, 0x0f, 0x01, 0x3e, 0x34, 0x12), 0x1234);
	assert_int_equal(ADDRESS(m, 2, 0x67, 0x0f, 0x01, 0x3b), 0x1234ffff);
}

static void linear_fault(struct machine *m, unsigned int seg, uint64_t offset, size_t len,
			 bool write, enum x86_vector vector)
{
	gva_t gva;

	assert_int_equal(exec_linear(m->v, seg, offset, len, write, &gva), CPU_FAULT);
	assert_int_equal(m->cpu->fault.vector, vector);
	assert_int_equal(m->cpu->fault.error_code, 0);
}

static gva_t linear(struct machine *m, unsigned int seg, uint64_t offset, size_t len, bool write)
{
	gva_t gva;

	assert_int_equal(exec_linear(m->v, seg, offset, len, write, &gva), CPU_OK);
	return gva;
}

static void linear_64bit_only_fs_and_gs_have_bases(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	for (unsigned int seg = 0; seg < X86_NR_SEGS; seg++) {
		m->state->seg[seg].base = 0x1000;
		m->state->seg[seg].unusable = true;
	}
	assert_int_equal(linear(m, X86_SEG_DS, 0x20, 8, true), 0x20);
	assert_int_equal(linear(m, X86_SEG_CS, 0x20, 8, true), 0x20);
	assert_int_equal(linear(m, X86_SEG_GS, 0x20, 8, true), 0x1020);
	linear_fault(m, X86_SEG_DS, 0x7ffffffffff9, 8, false, GP_VECTOR);
	linear_fault(m, X86_SEG_SS, 0x7ffffffffff9, 8, false, SS_VECTOR);
	linear_fault(m, X86_SEG_DS, 0xffff7fffffffffff, 1, false, GP_VECTOR);
	assert_int_equal(linear(m, X86_SEG_DS, 0xffff800000000000, 8, false), 0xffff800000000000);
}

static void linear_limits(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);
	struct x86_segment *ds = &m->state->seg[X86_SEG_DS];

	ds->base = 0xfffff000;
	ds->limit = 0x1fff;
	assert_int_equal(linear(m, X86_SEG_DS, 0x1ffc, 4, true), 0xffc);
	linear_fault(m, X86_SEG_DS, 0x1ffd, 4, true, GP_VECTOR);
	m->state->seg[X86_SEG_SS].limit = 0xfff;
	linear_fault(m, X86_SEG_SS, 0x1000, 1, false, SS_VECTOR);
	ds->type |= X86_SEG_TYPE_EXPAND_DOWN;
	linear_fault(m, X86_SEG_DS, 0x1fff, 1, false, GP_VECTOR);
	linear(m, X86_SEG_DS, 0x2000, 1, false);
	ds->unusable = true;
	linear_fault(m, X86_SEG_DS, 0x2000, 1, false, GP_VECTOR);
}

static void linear_types(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	linear(m, X86_SEG_CS, 0, 1, false);
	linear_fault(m, X86_SEG_CS, 0, 1, true, GP_VECTOR);
	m->state->seg[X86_SEG_CS].type &= ~X86_SEG_TYPE_WRITABLE; /* of code: readable */
	linear_fault(m, X86_SEG_CS, 0, 1, false, GP_VECTOR);
	m->state->seg[X86_SEG_ES].type &= ~X86_SEG_TYPE_WRITABLE;
	linear(m, X86_SEG_ES, 0, 1, false);
	linear_fault(m, X86_SEG_ES, 0, 1, true, GP_VECTOR);
	/* What protected mode has left behind does not matter in real-address mode. */
	m->state->cr0 &= ~X86_CR0_PE;
	linear(m, X86_SEG_ES, 0, 1, true);
	linear(m, X86_SEG_CS, 0, 1, true);
}

static unsigned int segment_of(struct machine *m, unsigned int code_size, const uint8_t *bytes)
{
	struct insn insn;

	assert_true(insn_decode(bytes, INSN_MAX_LENGTH, code_size, &insn));
	return operand_segment(m->v, &insn);
}

#define SEGMENT(m, size, ...) segment_of(m, size, (const uint8_t[INSN_MAX_LENGTH]){__VA_ARGS__})

/* XLAT with overrides: the last counts, in 64-bit mode of FS and GS only. */
static void implied_segment_takes_override(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	assert_int_equal(SEGMENT(m, 4, 0xd7), X86_SEG_DS);
	assert_int_equal(SEGMENT(m, 4, 0x26, 0xd7), X86_SEG_ES);
	assert_int_equal(SEGMENT(m, 4, 0x2e, 0xd7), X86_SEG_CS);
	assert_int_equal(SEGMENT(m, 4, 0x36, 0xd7), X86_SEG_SS);
	assert_int_equal(SEGMENT(m, 4, 0x65, 0x3e, 0xd7), X86_SEG_DS);
	m = machine_init(MODE_64BIT, 0);
	assert_int_equal(SEGMENT(m, 8, 0x36, 0xd7), X86_SEG_DS);
	assert_int_equal(SEGMENT(m, 8, 0x65, 0x2e, 0xd7), X86_SEG_GS);
	assert_int_equal(SEGMENT(m, 8, 0x65, 0x64, 0xd7), X86_SEG_FS);
}

static void stack_width_follows_mode(void **state)
{
	assert_int_equal(exec_stack_width(machine_init(MODE_64BIT, 0)->v), 8);
	assert_int_equal(exec_stack_width(machine_init(MODE_PROTECTED, 0)->v), 4);
	assert_int_equal(exec_stack_width(machine_init16(0)->v), 2);
}

static void alignment_checked_at_cpl3(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->gpr[X86_RBX] = DATA + 1;
	step_ok(m, "0f0003"); /* SLDT */
	m->state->cr0 |= X86_CR0_AM;
	step_ok(m, "0f0003");
	m->state->rflags |= X86_EFLAGS_AC;
	step_fault(m, "0f0003", AC_VECTOR);
	step_fault(m, "0f0023", AC_VECTOR);
}

static void code_next_rip_is_32bit_outside_64bit_mode(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	m->state->rip = 0xffffffff;
	assert_int_equal(step(m, "fc"), CPU_OK);
	assert_int_equal(m->state->rip, 0);
	m = machine_init16(0);
	m->state->rip = 0xffff;
	step_ok(m, "fc");
}

const struct CMUnitTest operand_tests[] = {
	cmocka_unit_test(registers_by_size),
	cmocka_unit_test(effective_addresses),
	cmocka_unit_test(effective_addresses_of_16bits_wrap),
	cmocka_unit_test(linear_64bit_only_fs_and_gs_have_bases),
	cmocka_unit_test(linear_limits),
	cmocka_unit_test(linear_types),
	cmocka_unit_test(implied_segment_takes_override),
	cmocka_unit_test(stack_width_follows_mode),
	cmocka_unit_test(alignment_checked_at_cpl3),
	cmocka_unit_test(code_next_rip_is_32bit_outside_64bit_mode),
};
const size_t operand_test_count = ARRAY_SIZE(operand_tests);
