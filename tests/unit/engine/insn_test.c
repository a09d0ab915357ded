// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the decoder makes of encodings that depend on the size of the code, on the
 * processor's vendor or on features that we do not offer.
 */
#include "engine/insn.h"

#include "lib/bits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct encoding {
	uint8_t bytes[INSN_MAX_LENGTH];
};

static struct insn decode(unsigned int code_size, const struct encoding *encoding)
{
	struct insn insn;

	assert_true(insn_decode(encoding->bytes, INSN_MAX_LENGTH, code_size, &insn));
	return insn;
}

/* Valid outside 64-bit mode only: none of them may ever be copied. */
static const struct encoding legacy[] = {
	{{0x06}}, {{0x07}},       {{0x0e}},       {{0x16}}, {{0x17}},       {{0x1e}},
	{{0x1f}}, {{0x27}},       {{0x2f}},       {{0x37}}, {{0x3f}},       {{0x60}},
	{{0x61}}, {{0x62, 0x07}}, {{0x63, 0xc0}}, {{0x9a}}, {{0xc4, 0x07}}, {{0xc5, 0x07}},
	{{0xce}}, {{0xd4, 0x0a}}, {{0xd5, 0x0a}}, {{0xd6}}, {{0xea}},
};

static void legacy_outside_64bit_system(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(legacy); i++) {
		assert_int_equal(decode(2, &legacy[i]).kind, INSN_SYSTEM);
		assert_int_equal(decode(4, &legacy[i]).kind, INSN_SYSTEM);
	}
}

static void legacy_in_64bit_never_runs(void **state)
{
	/* 63h is MOVSXD there. */
	for (unsigned int i = 0; i < ARRAY_SIZE(legacy); i++)
		if (legacy[i].bytes[0] != 0x63)
			assert_int_equal(decode(8, &legacy[i]).kind, INSN_INVALID);
}

/* SDM "SIMD Floating-Point Exceptions" and the tables of #NM: no vector register, but MXCSR. */
static void conversion_from_memory_belongs_to_vector_unit(void **state)
{
	static const struct encoding sse[] = {
		{{0xf3, 0x0f, 0x2c, 0x01}}, {{0xf3, 0x0f, 0x2d, 0x01}},
		{{0xf2, 0x0f, 0x2c, 0x01}}, {{0xf2, 0x48, 0x0f, 0x2d, 0x01}},
		{{0x0f, 0x2c, 0x01}},       {{0x0f, 0x2d, 0x01}},
		{{0x66, 0x0f, 0x2c, 0x01}}, {{0x66, 0x0f, 0x2d, 0x01}},
	};
	static const struct encoding avx[] = {
		{{0xc5, 0xfa, 0x2c, 0x01}},
		{{0xc5, 0xfa, 0x2d, 0x01}},
		{{0xc5, 0xfb, 0x2c, 0x01}},
		{{0xc5, 0xfb, 0x2d, 0x01}},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(sse); i++)
		assert_int_equal(decode(8, &sse[i]).unit, INSN_UNIT_SSE);
	for (unsigned int i = 0; i < ARRAY_SIZE(avx); i++)
		assert_int_equal(decode(8, &avx[i]).unit, INSN_UNIT_AVX);
}

/* SDM "CALL", "Jcc", "JMP", "RET": in 64-bit mode 66h does nothing on Intel's processors. */
static void near_branch_with_66h_64bit_ignored(void **state)
{
	static const struct encoding branches[] = {
		{{0x66, 0xe8, 1, 2, 3, 0}},
		{{0x66, 0xe9, 1, 2, 3, 0}},
		{{0x66, 0x0f, 0x84, 1, 2, 3, 0}},
		{{0x66, 0xff, 0x20}},
		{{0x66, 0xc3}},
	};
	static const uint8_t length[] = {6, 6, 7, 3, 2};

	for (unsigned int i = 0; i < ARRAY_SIZE(branches); i++) {
		struct insn insn = decode(8, &branches[i]);

		assert_int_equal(insn.length, length[i]);
		assert_int_equal(insn.operand_size, 8);
		if (insn.imm_at)
			assert_int_equal(insn.imm, 0x30201);
	}
}

static void near_branch_by_operand_size(void **state)
{
	const struct encoding call = {{0xe8, 1, 2, 3, 0}}, call66 = {{0x66, 0xe8, 1, 2, 3, 0}};

	assert_int_equal(decode(2, &call).length, 3);
	assert_int_equal(decode(2, &call).operand_size, 2);
	assert_int_equal(decode(2, &call66).length, 6);
	assert_int_equal(decode(4, &call).length, 5);
	assert_int_equal(decode(4, &call66).length, 4);
	assert_int_equal(decode(4, &call66).operand_size, 2);
}

/* ENDBR64, RDSSPQ, BNDMK and CLDEMOTE on a processor without CET, MPX and CLDEMOTE. */
static void unoffered_hint_nop(void **state)
{
	static const struct encoding hints[] = {
		{{0xf3, 0x0f, 0x1e, 0xfa}},
		{{0xf3, 0x48, 0x0f, 0x1e, 0xc8}},
		{{0xf3, 0x0f, 0x1b, 0x00}},
		{{0x0f, 0x1c, 0x00}},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(hints); i++) {
		struct insn insn = decode(8, &hints[i]);

		assert_int_equal(insn.kind, INSN_COPY);
		assert_true(insn.hint);
		assert_int_equal(insn.mem.size, 0);
		assert_int_equal(insn.regs_written, 0);
	}
}

static void memory_16bit_defaults_to_ss_with_bp(void **state)
{
	const struct encoding bp_di = {{0x8b, 0x43, 0x80}}, absolute = {{0xa1, 0x34, 0x92}};
	struct insn insn = decode(2, &bp_di);

	assert_int_equal(insn.mem.base, X86_RBP);
	assert_int_equal(insn.mem.index, X86_RDI);
	assert_int_equal(insn.mem.seg, X86_SEG_SS);
	assert_int_equal(insn.mem.address_size, 2);
	insn = decode(2, &absolute);
	assert_int_equal(insn.mem.seg, X86_SEG_DS);
	assert_int_equal((uint16_t)insn.mem.disp, 0x9234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legacy_outside_64bit_system),
		cmocka_unit_test(legacy_in_64bit_never_runs),
		cmocka_unit_test(conversion_from_memory_belongs_to_vector_unit),
		cmocka_unit_test(near_branch_with_66h_64bit_ignored),
		cmocka_unit_test(near_branch_by_operand_size),
		cmocka_unit_test(unoffered_hint_nop),
		cmocka_unit_test(memory_16bit_defaults_to_ss_with_bp),
	};

	return cmocka_run_group_tests_name("insn", tests, NULL, NULL);
}
