// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Managing State Using the XSAVE Feature Set", FXSAVE, FXRSTOR: the same
 * instruction on the host, from the same state and on the same area, writes the
 * same bytes and loads the same registers.
 */
#include "fake_exec_tests.h"

#include "cpu/cpuid.h"
#include "engine/xstate.h"

#define AREA (4 * 4096)

static const struct cpuid_table all_features = {
	.count = 1,
	.entry = {{.leaf = 0xd, .subleaf = 1, .has_subleaf = true, .regs = {0xf}}},
};

/* A bit of CPUID.(EAX=0DH,ECX=1):EAX: 1 XSAVEOPT, 2 XSAVEC. */
static bool host_has(uint32_t feature)
{
	uint32_t regs[CPUID_NR_REGS];

	cpuid_host(0xd, 1, regs);
	return regs[CPUID_EAX] & feature;
}

static struct fake *init(void)
{
	struct fake *f = fake_init();

	f->v.cpu.cpuid = &all_features;
	f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, AREA);
	f->v.cpu.state.gpr[X86_RAX] = XSTATE_COMPONENTS;
	return f;
}

static uint64_t *area_header(struct fake *f)
{
	return (uint64_t *)(f->mem + AREA + XSTATE_BV);
}

/* MXCSR_MASK is the host's business where it is not Intel's. */
static void assert_same_area(const struct fake *f, const uint8_t *expected)
{
	assert_memory_equal(f->mem + AREA, expected, XSTATE_MXCSR_MASK);
	assert_memory_equal(f->mem + AREA + XSTATE_ST, expected + XSTATE_ST, 4096 - XSTATE_ST);
}

static void compare_with_host(struct fake *f, exec_function *exec, const struct insn *insn)
{
	uint8_t before[4096], expected[4096], xstate[FAKE_XSTATE_SIZE];
	struct x86_state state = f->v.cpu.state;
	bool done;

	memcpy(before, f->mem + AREA, sizeof(before));
	done = host_execute_extended(insn, &state, f->v.xstate, xstate);
	memcpy(expected, f->mem + AREA, sizeof(expected));
	memcpy(f->mem + AREA, before, sizeof(before));
	if (!done) {
		memcpy(xstate, f->v.xstate, sizeof(xstate));
		assert_fake_fault(f, exec(&f->v, insn), GP_VECTOR, 0);
		assert_memory_equal(f->v.xstate, xstate, sizeof(xstate));
	} else {
		assert_int_equal(exec(&f->v, insn), CPU_OK);
		assert_xstate(f, xstate);
	}
	assert_int_equal(f->v.cpu.state.rip, state.rip);
	assert_same_area(f, expected);
	f->v.cpu.state.rip = FAKE_RIP;
}

static void save_forms(exec_function *exec, const struct insn *insn)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 300; i++) {
		fake_random_xstate(f);
		fake_random_bytes(f->mem + AREA, 4096);
		f->v.cpu.state.gpr[X86_RAX] = fake_random() & fake_random() % 8;
		f->v.cpu.state.gpr[X86_RDX] = 0;
		compare_with_host(f, exec, insn);
	}
}

static void save_as_host(void **state)
{
	struct insn xsave = DECODE(0x0f, 0xae, 0x27), xsave64 = DECODE(0x48, 0x0f, 0xae, 0x27);
	struct insn fxsave = DECODE(0x0f, 0xae, 0x07), fxsave64 = DECODE(0x48, 0x0f, 0xae, 0x07);

	save_forms(exec_xsave, &xsave);
	save_forms(exec_xsave, &xsave64);
	save_forms(exec_fxsave, &fxsave);
	save_forms(exec_fxsave, &fxsave64);
}

static void xsaveopt_as_host(void **state)
{
	struct insn insn = DECODE(0x0f, 0xae, 0x37);

	if (!host_has(1))
		skip();
	save_forms(exec_xsaveopt, &insn);
}

static void xsavec_as_host(void **state)
{
	struct insn insn = DECODE(0x0f, 0xc7, 0x27);

	if (!host_has(2))
		skip();
	save_forms(exec_xsavec, &insn);
}

static void fxrstor_as_host(void **state)
{
	struct insn insn = DECODE(0x0f, 0xae, 0x0f);
	struct fake *f = init();

	for (unsigned int i = 0; i < 300; i++) {
		fake_random_xstate(f);
		fake_random_bytes(f->mem + AREA, 4096);
		memset(f->mem + AREA + XSTATE_MXCSR + 2, 0, 2);
		/* Pointers are not kept. */
		memset(f->mem + AREA + XSTATE_FOP, 0, XSTATE_MXCSR - XSTATE_FOP);
		if (i % 8 == 0)
			f->mem[AREA + XSTATE_MXCSR + 2] = 1;
		compare_with_host(f, exec_fxrstor, &insn);
	}
}

/* An area that is right but for what one random step in four spoils. */
static void make_area(struct fake *f, bool compacted)
{
	uint64_t *header = area_header(f);
	uint8_t *area = f->mem + AREA;

	fake_random_bytes(area, 4096);
	memset(area + XSTATE_BV, 0, 64);
	memset(area + XSTATE_FOP, 0, XSTATE_MXCSR - XSTATE_FOP);
	memset(area + XSTATE_MXCSR + 2, 0, 2);
	header[0] = fake_random() % 8;
	if (compacted)
		header[1] = XSTATE_COMPACTED | header[0] | fake_random() % 8;
	switch (fake_random() % 32) {
	case 0:
		header[0] |= BIT64(fake_random() % 64);
		break;
	case 1:
		header[1] ^= BIT64(fake_random() % 64);
		break;
	case 2:
		header[fake_random() % 8] |= BIT64(fake_random() % 64);
		break;
	case 3:
	case 4:
		area[XSTATE_MXCSR + 2] = 1;
		break;
	default:
		break;
	}
	/* Components that the host has and the guest has not would not be refused there. */
	for (unsigned int i = 0; i < 2; i++)
		header[i] &= BIT64(10) | BIT64(62) | BIT64(63) | XSTATE_COMPONENTS;
}

static void restore_forms(bool compacted)
{
	struct insn insn = DECODE(0x0f, 0xae, 0x2f);
	struct fake *f = init();

	for (unsigned int i = 0; i < 2000; i++) {
		fake_random_xstate(f);
		make_area(f, compacted);
		f->v.cpu.state.gpr[X86_RAX] = fake_random() % 8;
		f->v.cpu.state.gpr[X86_RDX] = 0;
		compare_with_host(f, exec_xrstor, &insn);
	}
}

static void xrstor_standard_as_host(void **state)
{
	restore_forms(false);
}

static void xrstor_compacted_as_host(void **state)
{
	if (!host_has(2))
		skip();
	restore_forms(true);
}

static void xsaves_and_xrstors_round_trip(void **state)
{
	struct insn save = DECODE(0x0f, 0xc7, 0x2f), restore = DECODE(0x0f, 0xc7, 0x1f);
	struct fake *f = init();
	uint8_t xstate[FAKE_XSTATE_SIZE];

	for (unsigned int i = 0; i < 100; i++) {
		fake_random_xstate(f);
		fake_random_bytes(f->mem + AREA, 4096);
		memset(f->mem + AREA + XSTATE_BV, 0, 64);
		assert_int_equal(exec_xsaves(&f->v, &save), CPU_OK);
		assert_int_equal(area_header(f)[0], exec_xinuse(&f->v));
		assert_int_equal(area_header(f)[1], XSTATE_COMPACTED | XSTATE_COMPONENTS);
		memcpy(xstate, f->v.xstate, sizeof(xstate));
		fake_random_xstate(f);
		assert_int_equal(exec_xrstors(&f->v, &restore), CPU_OK);
		assert_xstate(f, xstate);
	}
	area_header(f)[1] = 0;
	assert_fake_fault(f, exec_xrstors(&f->v, &restore), GP_VECTOR, 0);
	f->v.cpu.state.cpl = 3;
	assert_fake_fault(f, exec_xrstors(&f->v, &restore), GP_VECTOR, 0);
	assert_fake_fault(f, exec_xsaves(&f->v, &save), GP_VECTOR, 0);
}

static const struct form {
	exec_function *exec;
	uint8_t code[3];
	unsigned int alignment;
} forms[] = {
	{exec_fxsave, {0x0f, 0xae, 0x07}, 16},   {exec_fxrstor, {0x0f, 0xae, 0x0f}, 16},
	{exec_xsave, {0x0f, 0xae, 0x27}, 64},    {exec_xrstor, {0x0f, 0xae, 0x2f}, 64},
	{exec_xsaveopt, {0x0f, 0xae, 0x37}, 64}, {exec_xsavec, {0x0f, 0xc7, 0x27}, 64},
	{exec_xsaves, {0x0f, 0xc7, 0x2f}, 64},   {exec_xrstors, {0x0f, 0xc7, 0x1f}, 64},
};

static void misaligned_area_gp(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		struct fake *f = init();

		f->v.cpu.state.gpr[X86_RDI] += forms[i].alignment / 2;
		assert_fake_fault(f, forms[i].exec(&f->v, &insn), GP_VECTOR, 0);
		assert_int_equal(f->v.cpu.state.rip, FAKE_RIP);
	}
}

static void task_switched_nm(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		struct fake *f = init();

		f->v.cpu.state.cr0 |= X86_CR0_TS;
		assert_fake_fault(f, forms[i].exec(&f->v, &insn), NM_VECTOR, 0);
	}
}

static void without_osxsave_ud(void **state)
{
	for (unsigned int i = 2; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		struct fake *f = init();

		f->v.cpu.state.cr4 &= ~(uint64_t)X86_CR4_OSXSAVE;
		f->v.cpu.state.cr0 |= X86_CR0_TS;
		assert_fake_fault(f, forms[i].exec(&f->v, &insn), UD_VECTOR, 0);
	}
}

/* Those with a CPUID bit of their own. */
static void without_feature_ud(void **state)
{
	for (unsigned int i = 4; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		struct fake *f = init();

		f->v.cpu.cpuid = NULL;
		assert_fake_fault(f, forms[i].exec(&f->v, &insn), UD_VECTOR, 0);
	}
}

/* The area crosses into a page that refuses: nothing of it changes. */
static void second_page_refused_pf(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(forms); i++) {
		struct insn insn = fake_decode(forms[i].code, 3);
		struct fake *f = init();
		uint8_t before[4096];

		fake_random_xstate(f);
		f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, 5 * 4096 - 256);
		fake_set_kind(f, 5, FAKE_ABSENT);
		memcpy(before, f->mem + 4 * 4096, sizeof(before));
		assert_int_equal(forms[i].exec(&f->v, &insn), CPU_FAULT);
		assert_int_equal(f->v.cpu.fault.vector, PF_VECTOR);
		assert_memory_equal(f->mem + 4 * 4096, before, sizeof(before));
	}
}

/* Outside 64-bit mode only eight registers exist; the others' bytes stay. */
static void outside_64bit_eight_registers(void **state)
{
	struct insn save = DECODE(0x0f, 0xae, 0x27), restore = DECODE(0x0f, 0xae, 0x2f);
	struct fake *f = init();
	struct xstate before, after;

	fake_leave_64bit(f);
	memset(f->v.xstate + XSTATE_XMM, 0x11, 256);
	memset(f->v.xstate + XSTATE_YMM, 0x22, 256);
	f->v.xstate[XSTATE_BV] = XSTATE_COMPONENTS;
	memset(f->mem + AREA, 0xaa, 4096);
	memset(f->mem + AREA + XSTATE_BV, 0, 64);
	assert_int_equal(exec_xsave(&f->v, &save), CPU_OK);
	assert_int_equal(f->mem[AREA + XSTATE_XMM + 127], 0x11);
	assert_int_equal(f->mem[AREA + XSTATE_XMM + 128], 0xaa);
	assert_int_equal(f->mem[AREA + XSTATE_YMM + 127], 0x22);
	assert_int_equal(f->mem[AREA + XSTATE_YMM + 128], 0xaa);
	area_header(f)[0] = 0;
	xstate_get(&f->v, &before);
	assert_int_equal(exec_xrstor(&f->v, &restore), CPU_OK);
	xstate_get(&f->v, &after);
	assert_true(is_zero(after.bytes + XSTATE_XMM, 128));
	assert_memory_equal(after.bytes + XSTATE_XMM + 128, before.bytes + XSTATE_XMM + 128, 128);
	assert_memory_equal(after.bytes + XSTATE_YMM + 128, before.bytes + XSTATE_YMM + 128, 128);
	assert_int_equal(exec_xinuse(&f->v), 0);
}

static void xinuse_follows_contents(void **state)
{
	struct fake *f = init();
	struct xstate x;

	assert_int_equal(exec_xinuse(&f->v), 0);
	xstate_get(&f->v, &x);
	xstate_set32(&x, XSTATE_MXCSR, 0x1f00);
	xstate_put(&f->v, &x);
	assert_int_equal(exec_xinuse(&f->v), XFEATURE_MASK_SSE);
	/* Bytes of a component that XSTATE_BV calls initial are stale. */
	memset(f->v.xstate + XSTATE_YMM, 1, 16);
	assert_int_equal(exec_xinuse(&f->v), XFEATURE_MASK_SSE);
	f->v.xstate[XSTATE_BV] |= XFEATURE_MASK_YMM;
	assert_int_equal(exec_xinuse(&f->v), XFEATURE_MASK_SSE | XFEATURE_MASK_YMM);
}

/* Without CR4.OSFXSR, MXCSR is saved, but no XMM register. */
static void fxsave_without_osfxsr_leaves_xmm(void **state)
{
	struct insn insn = DECODE(0x0f, 0xae, 0x07);
	struct fake *f = init();

	f->v.cpu.state.cr4 &= ~(uint64_t)X86_CR4_OSFXSR;
	memset(f->mem + AREA, 0xaa, 4096);
	assert_int_equal(exec_fxsave(&f->v, &insn), CPU_OK);
	assert_int_equal(f->mem[AREA + XSTATE_MXCSR], 0x80);
	assert_int_equal(f->mem[AREA + XSTATE_XMM], 0xaa);
}

static void fxsave_after_fxrstor_with_pointers_zero(void **state)
{
	struct insn save = DECODE(0x48, 0x0f, 0xae, 0x07), load = DECODE(0x48, 0x0f, 0xae, 0x0f);
	struct fake *f = init();
	uint8_t *area = f->mem + AREA;

	memset(area, 0, 512);
	memset(area + XSTATE_FOP, 0x11, XSTATE_MXCSR - XSTATE_FOP);
	assert_int_equal(exec_fxrstor(&f->v, &load), CPU_OK);
	assert_int_equal(exec_fxsave(&f->v, &save), CPU_OK);
	assert_true(is_zero(area + XSTATE_FOP, XSTATE_MXCSR - XSTATE_FOP));
}

const struct CMUnitTest xsave_tests[] = {
	cmocka_unit_test(save_as_host),
	cmocka_unit_test(xsaveopt_as_host),
	cmocka_unit_test(xsavec_as_host),
	cmocka_unit_test(fxrstor_as_host),
	cmocka_unit_test(xrstor_standard_as_host),
	cmocka_unit_test(xrstor_compacted_as_host),
	cmocka_unit_test(xsaves_and_xrstors_round_trip),
	cmocka_unit_test(misaligned_area_gp),
	cmocka_unit_test(task_switched_nm),
	cmocka_unit_test(without_osxsave_ud),
	cmocka_unit_test(without_feature_ud),
	cmocka_unit_test(second_page_refused_pf),
	cmocka_unit_test(outside_64bit_eight_registers),
	cmocka_unit_test(xinuse_follows_contents),
	cmocka_unit_test(fxsave_without_osfxsr_leaves_xmm),
	cmocka_unit_test(fxsave_after_fxrstor_with_pointers_zero),
};
const size_t xsave_test_count = ARRAY_SIZE(xsave_tests);
