// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM AAA, AAD, AAM, AAS, DAA, DAS, XLAT, and SALC: results worked out by the SDM's pseudo-code. */
#include "tests.h"

struct adjust {
	const char *hex;
	uint16_t ax;
	uint64_t flags; /* before */
	uint16_t result;
	uint64_t result_flags; /* of the three that are defined: CF, AF, ZF */
};

#define CF X86_EFLAGS_CF
#define AF X86_EFLAGS_AF
#define ZF X86_EFLAGS_ZF

static const struct adjust cases[] = {
	{"37", 0x000b, 0, 0x0101, CF | AF}, {"37", 0x00fa, 0, 0x0200, CF | AF},
	{"37", 0x0005, 0, 0x0005, 0},       {"37", 0x0032, AF, 0x0108, CF | AF},
	{"3f", 0x020f, 0, 0x0109, CF | AF}, {"3f", 0x0043, CF, 0x0003, 0},
	{"27", 0x007d, 0, 0x0083, AF},      {"27", 0x009a, 0, 0x0000, CF | AF | ZF},
	{"27", 0x0012, CF, 0x0072, CF},     {"27", 0x00a0, 0, 0x0000, CF | ZF},
	{"2f", 0x000f, 0, 0x0009, AF},      {"2f", 0x0003, AF, 0x00fd, CF | AF},
	{"2f", 0x00a5, CF, 0x0045, CF},     {"d40a", 0x0041, 0, 0x0605, 0},
	{"d410", 0x1230, 0, 0x0300, ZF},    {"d50a", 0x0605, 0, 0x0041, 0},
	{"d50a", 0x0000, 0, 0x0000, ZF},    {"d6", 0x1234, CF, 0x12ff, CF},
	{"d6", 0x1234, 0, 0x1200, 0},
};

static uint64_t defined_flags(const char *hex)
{
	if (hex[0] == '2')
		return CF | AF | ZF;
	return hex[0] == '3' ? CF | AF : strlen(hex) > 2 ? ZF : CF;
}

static void decimal_adjusts_follow_manual(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct adjust *c = &cases[i];
		struct machine *m = machine_init(MODE_PROTECTED, 3);
		uint64_t mask = defined_flags(c->hex);

		m->gpr[X86_RAX] = 0xabcd0000 | c->ax;
		m->state->rflags |= c->flags;
		step_ok(m, c->hex);
		assert_int_equal(m->gpr[X86_RAX], 0xabcd0000 | c->result);
		assert_int_equal(m->state->rflags & mask, c->result_flags & mask);
	}
}

static void aam_zero_base_de(void **state)
{
	step_fault(machine_init16(0), "d400", DE_VECTOR);
}

static void xlat_address_follows_address_size(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	poke(m->f, DATA + 0x12, 0x77, 1);
	m->gpr[X86_RAX] = 0xaaaa000000000012;
	m->gpr[X86_RBX] = DATA;
	step_ok(m, "d7");
	assert_int_equal(m->gpr[X86_RAX], 0xaaaa000000000077);

	m->gpr[X86_RAX] = 0x12;
	m->gpr[X86_RBX] = 0xffffffff00000000 | DATA;
	step_ok(m, "67d7");
	assert_int_equal(m->gpr[X86_RAX], 0x77);
}

static void xlat_wraps_at_64k_in_16bit_code(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->seg[X86_SEG_FS].base = DATA;
	poke(m->f, DATA + 0x0f, 0x55, 1);
	m->gpr[X86_RAX] = 0x10;
	m->gpr[X86_RBX] = 0x1234ffff;
	step_ok(m, "64d7");
	assert_int_equal(m->gpr[X86_RAX], 0x55);
}

static void xlat_beyond_limit_gp(void **state)
{
	struct machine *m = machine_init16(0);

	m->state->seg[X86_SEG_DS].limit = 0xfff;
	m->gpr[X86_RBX] = 0x1000;
	step_fault(m, "d7", GP_VECTOR);
}

const struct CMUnitTest exec_accumulator_tests[] = {
	cmocka_unit_test(decimal_adjusts_follow_manual),
	cmocka_unit_test(aam_zero_base_de),
	cmocka_unit_test(xlat_address_follows_address_size),
	cmocka_unit_test(xlat_wraps_at_64k_in_16bit_code),
	cmocka_unit_test(xlat_beyond_limit_gp),
};
const size_t exec_accumulator_test_count = ARRAY_SIZE(exec_accumulator_tests);
