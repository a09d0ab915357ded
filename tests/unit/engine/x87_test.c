// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM FNSAVE, FRSTOR, FNSTENV, FLDENV against the host's, and the formats it does not have. */
#include "fake_exec_tests.h"

#include "engine/xstate.h"

#define IMAGE (4 * 4096 + 8)

static struct fake *init(void)
{
	struct fake *f = fake_init();

	f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, IMAGE);
	return f;
}

static void compare_with_host(struct fake *f, exec_function *exec, const struct insn *insn)
{
	uint8_t before[256], expected[256], xstate[FAKE_XSTATE_SIZE];
	struct x86_state state = f->v.cpu.state;

	memcpy(before, f->mem + IMAGE, sizeof(before));
	assert_true(host_execute_extended(insn, &state, f->v.xstate, xstate));
	memcpy(expected, f->mem + IMAGE, sizeof(expected));
	memcpy(f->mem + IMAGE, before, sizeof(before));
	assert_int_equal(exec(&f->v, insn), CPU_OK);
	assert_memory_equal(f->mem + IMAGE, expected, sizeof(expected));
	assert_xstate(f, xstate);
	f->v.cpu.state.rip = FAKE_RIP;
}

static const struct form {
	exec_function *exec;
	uint8_t code[3];
} forms[] = {
	{exec_fnsave, {0x66, 0xdd, 0x37}},
	{exec_frstor, {0x66, 0xdd, 0x27}},
	{exec_fnstenv, {0x66, 0xd9, 0x37}},
	{exec_fldenv, {0x66, 0xd9, 0x27}},
};

/* With the pointers cleared, which we do not keep, in an image to be loaded. */
static void make_image(struct fake *f, unsigned int width)
{
	fake_random_bytes(f->mem + IMAGE, 256);
	memset(f->mem + IMAGE + 3 * width, 0, 4 * width);
}

static void every_form_as_host(void **state)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 4 * 500; i++) {
		const struct form *form = &forms[i % 4];
		bool wide = i / 4 % 2;
		struct insn insn = fake_decode(form->code + wide, 3u - wide);

		fake_random_xstate(f);
		make_image(f, wide ? 4 : 2);
		compare_with_host(f, form->exec, &insn);
	}
}

/* SDM "x87 Instructions and Data Pointers": of real-address mode, the halves are elsewhere. */
static void fnstenv_real_mode_format(void **state)
{
	struct insn insn = DECODE(0xd9, 0x37);
	struct fake *f = init();

	fake_leave_64bit(f);
	f->v.cpu.state.cr0 = 0;
	assert_int_equal(exec_fnstenv(&f->v, &insn), CPU_OK);
	assert_memory_equal(
		f->mem + IMAGE,
		((uint32_t[]){0xffff037f, 0xffff0000, 0xffffffff, 0xffff0000, 0, 0xffff0000, 0}),
		28);
}

static void pending_exception_mf(void **state)
{
	struct fake *f = init();
	struct xstate x;

	xstate_get(&f->v, &x);
	xstate_set16(&x, XSTATE_FCW, 0x37e);
	xstate_set16(&x, XSTATE_FSW, 1);
	xstate_put(&f->v, &x);
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		bool loads = forms[i].exec == exec_frstor || forms[i].exec == exec_fldenv;

		xstate_put(&f->v, &x);
		if (loads)
			assert_fake_fault(f, forms[i].exec(&f->v, &insn), MF_VECTOR, 0);
		else
			assert_int_equal(forms[i].exec(&f->v, &insn), CPU_OK);
	}
}

static void pending_exception_without_ne_executed(void **state)
{
	struct insn insn = DECODE(0xd9, 0x27);
	struct fake *f = init();
	struct xstate x;

	xstate_get(&f->v, &x);
	xstate_set16(&x, XSTATE_FCW, 0x37e);
	xstate_set16(&x, XSTATE_FSW, 1);
	xstate_put(&f->v, &x);
	f->v.cpu.state.cr0 &= ~(uint64_t)X86_CR0_NE;
	assert_int_equal(exec_fldenv(&f->v, &insn), CPU_OK);
}

static void emulation_or_task_switched_nm(void **state)
{
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(forms); i++) {
		struct fake *f = init();
		struct insn insn = fake_decode(forms[i / 2].code, 3);

		f->v.cpu.state.cr0 |= i % 2 ? X86_CR0_EM : X86_CR0_TS;
		assert_fake_fault(f, forms[i / 2].exec(&f->v, &insn), NM_VECTOR, 0);
	}
}

static void refused_page_keeps_state_pf(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		struct fake *f = init();
		struct insn insn = fake_decode(forms[i].code, 3);
		uint8_t xstate[FAKE_XSTATE_SIZE];

		fake_random_xstate(f);
		memcpy(xstate, f->v.xstate, sizeof(xstate));
		f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, 5 * 4096 - 8);
		fake_set_kind(f, 5, FAKE_ABSENT);
		assert_int_equal(forms[i].exec(&f->v, &insn), CPU_FAULT);
		assert_int_equal(f->v.cpu.fault.vector, PF_VECTOR);
		assert_memory_equal(f->v.xstate, xstate, sizeof(xstate));
	}
}

static void alignment_check_by_operand_size_ac(void **state)
{
	struct insn narrow = DECODE(0x66, 0xd9, 0x37), wide = DECODE(0xd9, 0x37);
	struct fake *f = init();

	f->v.cpu.state.cpl = 3;
	f->v.cpu.state.cr0 |= X86_CR0_AM;
	f->v.cpu.state.rflags |= X86_EFLAGS_AC;
	f->v.cpu.state.gpr[X86_RDI] += 2;
	assert_fake_fault(f, exec_fnstenv(&f->v, &wide), AC_VECTOR, 0);
	assert_int_equal(exec_fnstenv(&f->v, &narrow), CPU_OK);
}

const struct CMUnitTest x87_tests[] = {
	cmocka_unit_test(every_form_as_host),
	cmocka_unit_test(fnstenv_real_mode_format),
	cmocka_unit_test(pending_exception_mf),
	cmocka_unit_test(pending_exception_without_ne_executed),
	cmocka_unit_test(emulation_or_task_switched_nm),
	cmocka_unit_test(refused_page_keeps_state_pf),
	cmocka_unit_test(alignment_check_by_operand_size_ac),
};
const size_t x87_test_count = ARRAY_SIZE(x87_tests);
