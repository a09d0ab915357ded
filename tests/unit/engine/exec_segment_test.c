// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM MOV to and from segment registers, LDS and its like, RDFSBASE and its like, SWAPGS. */
#include "tests.h"

static void mov_to_segment_loads_hidden_part(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	gdt_set(m->f, SEL_FREE, make_descriptor(0x12345, 0xfff, ACC_PRESENT | ACC_S | 3, FLAG_DB));
	m->gpr[X86_RAX] = 0xffff0000 | SEL_FREE;
	step_ok(m, "8ec0");
	assert_int_equal(m->state->seg[X86_SEG_ES].base, 0x12345);
	assert_int_equal(m->state->seg[X86_SEG_ES].selector, SEL_FREE);
	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, 0, 2);
	step_ok(m, "8e2b"); /* GS */
	assert_true(m->state->seg[X86_SEG_GS].unusable);
	assert_int_equal(m->cpu->events.shadow, 0);
}

static void mov_to_ss_casts_shadow(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RAX] = SEL(GDT_DATA, 0);
	step_ok(m, "8ed0");
	assert_int_equal(m->cpu->events.shadow, CPU_SHADOW_MOV_SS);
	m->gpr[X86_RAX] = SEL(GDT_CODE, 0);
	step_fault(m, "8ed0", GP_VECTOR);
}

static void mov_to_segment_real_mode(void **state)
{
	struct machine *m = machine_init(MODE_REAL, 0);

	m->gpr[X86_RAX] = 0x1234;
	step_ok(m, "8ed8");
	assert_int_equal(m->state->seg[X86_SEG_DS].base, 0x12340);
}

static void mov_from_segment_register_takes_operand_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->state->seg[X86_SEG_DS].selector = 0x2b;
	m->gpr[X86_RAX] = UINT64_MAX;
	step_ok(m, "668cd8");
	assert_int_equal(m->gpr[X86_RAX], 0xffffffffffff002b);
	step_ok(m, "8cd8");
	assert_int_equal(m->gpr[X86_RAX], 0x2b);
	m->gpr[X86_RAX] = DATA;
	poke(m->f, DATA, UINT64_MAX, 8);
	step_ok(m, "488c18");
	assert_int_equal(peek(m->f, DATA, 8), 0xffffffffffff002b);
}

static void far_pointer_loads_both_parts(void **state)
{
	struct machine *m = machine_init(MODE_PROTECTED, 0);

	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, 0x11223344, 4);
	poke(m->f, DATA + 4, SEL(GDT_DATA, 0), 2);
	m->state->seg[X86_SEG_ES] = m->state->seg[X86_SEG_SS];
	step_ok(m, "c40b"); /* LES ECX, [EBX] */
	assert_int_equal(m->gpr[X86_RCX], 0x11223344);
	assert_int_equal(m->state->seg[X86_SEG_ES].selector, SEL(GDT_DATA, 0));

	poke(m->f, DATA + 2, SEL(GDT_DATA, 0), 2);
	m->gpr[X86_RCX] = 0x55555555;
	step_ok(m, "66c50b");
	assert_int_equal(m->gpr[X86_RCX], 0x55553344);
}

static void far_pointer_64bit_forms(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->gpr[X86_RBX] = DATA;
	poke(m->f, DATA, 0x1122334455667788, 8);
	poke(m->f, DATA + 8, SEL(GDT_DATA, 0), 2);
	step_ok(m, "480fb223"); /* LSS RSP */
	assert_int_equal(m->gpr[X86_RSP], 0x1122334455667788);
	assert_int_equal(m->cpu->events.shadow, 0);
	step_ok(m, "4c0fb40b"); /* LFS R9 */
	assert_int_equal(m->gpr[9], 0x1122334455667788);
	assert_int_equal(m->state->seg[X86_SEG_FS].selector, SEL(GDT_DATA, 0));
	poke(m->f, DATA + 8, 0xfff8, 2);
	step_fault(m, "4c0fb50b", GP_VECTOR); /* LGS */
}

static void segment_bases(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	step_fault(m, "f3480faec1", UD_VECTOR);
	m->state->cr4 |= X86_CR4_FSGSBASE;
	m->gpr[X86_RCX] = 0xffff800000001000;
	step_ok(m, "f3480faed1"); /* WRFSBASE RCX */
	assert_int_equal(m->state->seg[X86_SEG_FS].base, 0xffff800000001000);
	step_ok(m, "f3480faec0"); /* RDFSBASE RAX */
	assert_int_equal(m->gpr[X86_RAX], 0xffff800000001000);
	step_ok(m, "f30faed9"); /* WRGSBASE ECX */
	assert_int_equal(m->state->seg[X86_SEG_GS].base, 0x1000);
	m->gpr[X86_RBX] = UINT64_MAX;
	step_ok(m, "f30faecb"); /* RDGSBASE EBX */
	assert_int_equal(m->gpr[X86_RBX], 0x1000);
	m->gpr[X86_RCX] = 0x800000000000;
	step_fault(m, "f3480faed1", GP_VECTOR);
}

static void swapgs_at_cpl0(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->cpu->msr.kernel_gs_base = 0x1234;
	m->state->seg[X86_SEG_GS].base = 0x5678;
	step_ok(m, "0f01f8");
	assert_int_equal(m->state->seg[X86_SEG_GS].base, 0x1234);
	assert_int_equal(m->cpu->msr.kernel_gs_base, 0x5678);
	step_fault(machine_init(MODE_64BIT, 3), "0f01f8", GP_VECTOR);
}

const struct CMUnitTest exec_segment_tests[] = {
	cmocka_unit_test(mov_to_segment_loads_hidden_part),
	cmocka_unit_test(mov_to_ss_casts_shadow),
	cmocka_unit_test(mov_to_segment_real_mode),
	cmocka_unit_test(mov_from_segment_register_takes_operand_size),
	cmocka_unit_test(far_pointer_loads_both_parts),
	cmocka_unit_test(far_pointer_64bit_forms),
	cmocka_unit_test(segment_bases),
	cmocka_unit_test(swapgs_at_cpl0),
};
const size_t exec_segment_test_count = ARRAY_SIZE(exec_segment_tests);
