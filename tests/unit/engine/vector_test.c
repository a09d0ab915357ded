// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM VGATHER, VMASKMOV, MASKMOVDQU, MASKMOVQ: results as the host's, and no
 * access to memory for elements that are not active.
 */
#include "fake_exec_tests.h"

#include "engine/xstate.h"

#include <Zydis/Zydis.h>

#define PLACE (4 * 4096 + 2048)

static struct fake *init(void)
{
	struct fake *f = fake_init();

	f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, PLACE);
	return f;
}

struct form {
	uint8_t opcode;
	bool w, wide; /* VEX.W, VEX.L */
	unsigned int reg, vvvv, index;
};

static uint8_t vex_first(unsigned int reg, unsigned int index)
{
	return (uint8_t)((reg & 8 ? 0 : 0x80) | (index & 8 ? 0 : 0x40) | 0x20 | 2);
}

static uint8_t vex_second(const struct form *form)
{
	return (uint8_t)(form->w << 7 | (~form->vvvv & 15) << 3 | form->wide << 2 | 1);
}

/* OP reg, [rdi + index * scale - 8], vvvv */
static struct insn gather_insn(const struct form *form, unsigned int scale_bits)
{
	return DECODE(0xc4, vex_first(form->reg, form->index), vex_second(form), form->opcode,
		      (uint8_t)(0x44 | (form->reg & 7) << 3),
		      (uint8_t)(scale_bits << 6 | (form->index & 7) << 3 | X86_RDI), 0xf8);
}

/* OP reg, vvvv, [rdi] or the other way round */
static struct insn masked_insn(const struct form *form)
{
	return DECODE(0xc4, vex_first(form->reg, 0), vex_second(form), form->opcode,
		      (uint8_t)((form->reg & 7) << 3 | X86_RDI));
}

static void compare_with_host(struct fake *f, exec_function *exec, const struct insn *insn)
{
	uint8_t before[4096], expected[4096], xstate[FAKE_XSTATE_SIZE];
	uint8_t *page = f->mem + (PLACE & ~4095);
	struct x86_state state = f->v.cpu.state;

	memcpy(before, page, sizeof(before));
	assert_true(host_execute_extended(insn, &state, f->v.xstate, xstate));
	memcpy(expected, page, sizeof(expected));
	memcpy(page, before, sizeof(before));
	assert_int_equal(exec(&f->v, insn), CPU_OK);
	assert_xstate(f, xstate);
	assert_memory_equal(page, expected, sizeof(expected));
	assert_int_equal(f->v.cpu.state.rip, state.rip);
	f->v.cpu.state.rip = FAKE_RIP;
}

/* Indices of @size bytes that stay near the place, of either sign. */
static void make_indices(struct fake *f, unsigned int reg, unsigned int size)
{
	struct xstate x;
	uint8_t ymm[32];

	xstate_get(&f->v, &x);
	for (unsigned int i = 0; i < 32; i += size) {
		int64_t index = (int64_t)(fake_random() % 200) - 100;

		memcpy(ymm + i, &index, size);
	}
	xstate_set_ymm(&x, reg, ymm);
	xstate_put(&f->v, &x);
}

static struct form random_form(uint8_t opcode)
{
	struct form form = {.opcode = opcode, .w = fake_random() & 1, .wide = fake_random() & 1};

	form.reg = fake_random() % 16;
	form.vvvv = (form.reg + 1 + fake_random() % 7) % 16;
	form.index = (form.reg + 8 + fake_random() % 7) % 16;
	return form;
}

static void gather_as_host(void **state)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 4 * 500; i++) {
		struct form form = random_form((uint8_t)(0x90 + i % 4));
		struct insn insn = gather_insn(&form, fake_random() % 4);

		fake_random_xstate(f);
		make_indices(f, form.index, i & 1 ? 8 : 4);
		compare_with_host(f, exec_gather, &insn);
	}
}

static void set_ymm32(struct fake *f, unsigned int reg, const uint32_t *values)
{
	struct xstate x;

	xstate_get(&f->v, &x);
	xstate_set_ymm(&x, reg, values);
	xstate_put(&f->v, &x);
}

static void assert_ymm32(struct fake *f, unsigned int reg, const uint32_t *values)
{
	struct xstate x;
	uint32_t ymm[8];

	xstate_get(&f->v, &x);
	xstate_get_ymm(&x, reg, ymm);
	assert_memory_equal(ymm, values, sizeof(ymm));
}

static const struct form dwords = {.opcode = 0x90, .wide = true, .reg = 0, .vvvv = 1, .index = 2};
#define YES UINT32_C(0x80000000)
#define ALL UINT32_C(0xffffffff)

/* Elements before the one that faults are done, and asked for no more by the mask. */
static void gather_fault_keeps_earlier_elements(void **state)
{
	struct insn insn = gather_insn(&dwords, 0);
	struct fake *f = init();
	uint32_t expected[8] = {1, 2, 3, 4, 5, 6, 7, 8}, at[8] = {0};

	set_ymm32(f, 0, expected);
	set_ymm32(f, 1, (uint32_t[]){YES, 0, YES, YES, YES, 0, YES, YES});
	set_ymm32(f, 2, (uint32_t[]){8, 9000, 16, 24, 4096, 9000, 8192, 40});
	fake_set_kind(f, 5, FAKE_ABSENT);
	memcpy(&expected[0], f->mem + PLACE, 4);
	memcpy(&expected[2], f->mem + PLACE + 8, 4);
	memcpy(&expected[3], f->mem + PLACE + 16, 4);
	assert_fake_fault(f, exec_gather(&f->v, &insn), PF_VECTOR, 0);
	assert_int_equal(f->v.cpu.fault.address, fake_gva(f, PLACE - 8 + 4096));
	assert_int_equal(f->v.cpu.state.rip, FAKE_RIP);
	assert_ymm32(f, 0, expected);
	assert_ymm32(f, 1, (uint32_t[]){0, 0, 0, 0, ALL, 0, ALL, ALL});

	fake_set_kind(f, 5, FAKE_RAM);
	memcpy(&expected[4], f->mem + PLACE - 8 + 4096, 4);
	memcpy(&expected[6], f->mem + PLACE - 8 + 8192, 4);
	memcpy(&expected[7], f->mem + PLACE + 32, 4);
	assert_int_equal(exec_gather(&f->v, &insn), CPU_OK);
	assert_ymm32(f, 0, expected);
	assert_ymm32(f, 1, at);
}

static void gather_fault_keeps_upper_parts(void **state)
{
	struct form form = dwords;
	struct fake *f = init();
	struct insn insn;

	form.wide = false;
	insn = gather_insn(&form, 0);
	fake_set_kind(f, 5, FAKE_ABSENT);
	set_ymm32(f, 0, (uint32_t[]){1, 2, 3, 4, 5, 6, 7, 8});
	set_ymm32(f, 1, (uint32_t[]){0, YES, 0, 0, 5, 6, 7, 8});
	set_ymm32(f, 2, (uint32_t[]){0, 4096, 0, 0, 0, 0, 0, 0});
	assert_fake_fault(f, exec_gather(&f->v, &insn), PF_VECTOR, 0);
	assert_ymm32(f, 0, (uint32_t[]){1, 2, 3, 4, 5, 6, 7, 8});
	assert_ymm32(f, 1, (uint32_t[]){0, ALL, 0, 0, 5, 6, 7, 8});
}

static void gather_from_device_asks_for_each_element(void **state)
{
	struct insn insn = gather_insn(&dwords, 0);
	struct fake *f = init();

	fake_set_kind(f, 4, FAKE_DEVICE);
	set_ymm32(f, 1, (uint32_t[]){YES, 0, 0, YES, 0, 0, 0, 0});
	set_ymm32(f, 2, (uint32_t[8]){0});
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(exec_gather(&f->v, &insn), CPU_AGAIN);
		memcpy(f->v.mmio.read[0].data, &i, sizeof(i));
		f->v.mmio.read_count = 1;
		f->v.mmio.read_used = 0;
	}
	set_ymm32(f, 0, (uint32_t[]){7, 7, 7, 7, 7, 7, 7, 7});
	assert_int_equal(exec_gather(&f->v, &insn), CPU_OK);
	assert_ymm32(f, 0, (uint32_t[]){7, 7, 7, 1, 7, 7, 7, 7});
}

/* Neither the decoder nor, if it let them pass, the function takes one register twice. */
static void gather_same_register_twice_ud(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct insn insn = gather_insn(&dwords, 0);
		struct fake *f = init();

		if (i == 0)
			insn.bytes[4] = 0x44 | 1 << 3;
		if (i == 1)
			insn.bytes[4] = 0x44 | 2 << 3;
		if (i == 2)
			insn.bytes[5] = 1 << 3 | X86_RDI;
		assert_fake_fault(f, exec_gather(&f->v, &insn), UD_VECTOR, 0);
	}
}

static void gather_misaligned_ac(void **state)
{
	struct insn insn = gather_insn(&dwords, 0);
	struct fake *f = init();

	f->v.cpu.state.cpl = 3;
	f->v.cpu.state.cr0 |= X86_CR0_AM;
	f->v.cpu.state.rflags |= X86_EFLAGS_AC;
	set_ymm32(f, 1, (uint32_t[]){YES, YES, 0, 0, 0, 0, 0, 0});
	set_ymm32(f, 2, (uint32_t[]){4, 2, 0, 0, 0, 0, 0, 0});
	assert_fake_fault(f, exec_gather(&f->v, &insn), AC_VECTOR, 0);
	assert_ymm32(f, 1, (uint32_t[]){0, ALL, 0, 0, 0, 0, 0, 0});
}

static const uint8_t masked_opcodes[] = {0x2c, 0x2d, 0x2e, 0x2f, 0x8c, 0x8e};

static void masked_move_as_host(void **state)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 6 * 400; i++) {
		struct form form = random_form(masked_opcodes[i % 6]);
		struct insn insn;

		if (form.opcode < 0x80)
			form.w = false;
		insn = masked_insn(&form);
		fake_random_xstate(f);
		compare_with_host(f, exec_masked_move, &insn);
	}
}

/* The vector ends in a page that is not there: only an active element there matters. */
static void masked_move_faults_for_active_elements_only(void **state)
{
	for (unsigned int i = 0; i < 6; i++) {
		struct form form = {.opcode = masked_opcodes[i], .wide = true, .reg = 3, .vvvv = 1};
		struct insn insn = masked_insn(&form);
		struct fake *f = init();
		uint8_t before[4096], xstate[FAKE_XSTATE_SIZE];

		fake_set_kind(f, 5, FAKE_ABSENT);
		f->v.cpu.state.gpr[X86_RDI] = fake_gva(f, 5 * 4096 - 16);
		set_ymm32(f, 1, (uint32_t[]){YES, YES, YES, YES, 0, 0, 0, YES});
		memcpy(before, f->mem + 4 * 4096, sizeof(before));
		memcpy(xstate, f->v.xstate, sizeof(xstate));
		assert_int_equal(exec_masked_move(&f->v, &insn), CPU_FAULT);
		assert_int_equal(f->v.cpu.fault.vector, PF_VECTOR);
		assert_memory_equal(f->mem + 4 * 4096, before, sizeof(before));
		assert_memory_equal(f->v.xstate, xstate, sizeof(xstate));
		set_ymm32(f, 1, (uint32_t[]){YES, YES, YES, YES, 0, 0, 0, 0});
		assert_int_equal(exec_masked_move(&f->v, &insn), CPU_OK);
	}
}

static void maskmovdqu_as_host(void **state)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 500; i++) {
		uint8_t modrm = (uint8_t)(0xc0 | fake_random());
		struct insn sse =
			DECODE(0x66, (uint8_t)(0x40 | (fake_random() & 5)), 0x0f, 0xf7, modrm);
		struct insn avx =
			DECODE(0xc5, (uint8_t)(0x79 | (fake_random() & 0x80)), 0xf7, modrm);

		fake_random_xstate(f);
		compare_with_host(f, exec_maskmov, &sse);
		fake_random_xstate(f);
		compare_with_host(f, exec_maskmov, &avx);
	}
}

static void maskmovq_as_host(void **state)
{
	struct fake *f = init();

	for (unsigned int i = 0; i < 500; i++) {
		struct insn insn = DECODE(0x0f, 0xf7, (uint8_t)(0xc0 | fake_random()));

		assert_int_equal(insn.mnemonic, ZYDIS_MNEMONIC_MASKMOVQ);
		fake_random_xstate(f);
		compare_with_host(f, exec_maskmov, &insn);
	}
}

static void maskmov_takes_segment_and_address_size(void **state)
{
	struct insn insn = DECODE(0x64, 0x67, 0x66, 0x0f, 0xf7, 0xc1);
	struct fake *f = init();
	struct x86_state *s = &f->v.cpu.state;

	memset(f->mem + PLACE, 0, 32);
	set_ymm32(f, 0, (uint32_t[]){1, 2, 3, 4, 0, 0, 0, 0});
	set_ymm32(f, 1, (uint32_t[]){ALL, 0, ALL, 0, 0, 0, 0, 0});
	s->seg[X86_SEG_FS].base = 16;
	s->gpr[X86_RDI] |= UINT64_C(0x1234) << 32;
	assert_int_equal(exec_maskmov(&f->v, &insn), CPU_OK);
	assert_memory_equal(f->mem + PLACE + 16, ((uint32_t[]){1, 0, 3, 0}), 16);
}

static void vector_disabled_ud_or_nm(void **state)
{
	struct form masked = {.opcode = 0x2c, .vvvv = 1};
	struct insn insns[] = {gather_insn(&dwords, 0), masked_insn(&masked),
			       DECODE(0xc5, 0xf9, 0xf7, 0xc1)};
	exec_function *const execs[] = {exec_gather, exec_masked_move, exec_maskmov};

	for (unsigned int i = 0; i < 3; i++) {
		struct fake *f = init();

		f->v.cpu.state.cr0 |= X86_CR0_TS;
		assert_fake_fault(f, execs[i](&f->v, &insns[i]), NM_VECTOR, 0);
		f->v.cpu.state.xcr0 = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
		assert_fake_fault(f, execs[i](&f->v, &insns[i]), UD_VECTOR, 0);
		f = init();
		f->v.cpu.state.cr4 &= ~(uint64_t)X86_CR4_OSXSAVE;
		assert_fake_fault(f, execs[i](&f->v, &insns[i]), UD_VECTOR, 0);
	}
}

const struct CMUnitTest vector_tests[] = {
	cmocka_unit_test(gather_as_host),
	cmocka_unit_test(gather_fault_keeps_earlier_elements),
	cmocka_unit_test(gather_fault_keeps_upper_parts),
	cmocka_unit_test(gather_from_device_asks_for_each_element),
	cmocka_unit_test(gather_same_register_twice_ud),
	cmocka_unit_test(gather_misaligned_ac),
	cmocka_unit_test(masked_move_as_host),
	cmocka_unit_test(masked_move_faults_for_active_elements_only),
	cmocka_unit_test(maskmovdqu_as_host),
	cmocka_unit_test(maskmovq_as_host),
	cmocka_unit_test(maskmov_takes_segment_and_address_size),
	cmocka_unit_test(vector_disabled_ud_or_nm),
};
const size_t vector_test_count = ARRAY_SIZE(vector_tests);
