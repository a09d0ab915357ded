// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM IN, OUT: sizes and ports, the permission, and how an input is completed. */
#include "tests.h"

static void complete(struct machine *m, uint64_t data)
{
	memcpy(m->v->exit.io.data, &data, 8);
	assert_int_equal(exec_complete_in(m->v), CPU_OK);
	assert_int_equal(m->v->pending, ENGINE_PENDING_NONE);
}

static void out_leaves_done(void **state)
{
	static const struct {
		const char *hex;
		uint16_t port;
		unsigned int size;
	} cases[] = {
		{"e680", 0x80, 1},  {"e780", 0x80, 4}, {"66e7ff", 0xff, 2}, {"ee", 0x3f8, 1},
		{"66ef", 0x3f8, 2}, {"ef", 0x3f8, 4},  {"48ef", 0x3f8, 4},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = machine_init(MODE_64BIT, 0);

		m->gpr[X86_RAX] = 0x1122334455667788;
		m->gpr[X86_RDX] = 0xffff03f8;
		assert_int_equal(step(m, cases[i].hex), CPU_AGAIN);
		assert_io(m, false, cases[i].port, cases[i].size, 1);
		assert_memory_equal(m->v->exit.io.data, &m->gpr[X86_RAX], cases[i].size);
		assert_int_equal(m->state->rip, CODE_RIP + strlen(cases[i].hex) / 2);
	}
}

static void in_is_completed_in_accumulator(void **state)
{
	static const struct {
		const char *hex;
		unsigned int size;
		uint64_t rax;
	} cases[] = {
		{"ec", 1, 0xffffffffffffff21},
		{"66ed", 2, 0xffffffffffff4321},
		{"ed", 4, 0x87654321},
		{"e580", 4, 0x87654321},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct machine *m = machine_init(MODE_64BIT, 0);

		m->gpr[X86_RAX] = UINT64_MAX;
		m->gpr[X86_RDX] = 0x80;
		assert_int_equal(step(m, cases[i].hex), CPU_AGAIN);
		assert_io(m, true, 0x80, cases[i].size, 1);
		assert_int_equal(m->state->rip, CODE_RIP);
		assert_int_equal(m->gpr[X86_RAX], UINT64_MAX);
		complete(m, 0xfedcba9887654321);
		assert_int_equal(m->gpr[X86_RAX], cases[i].rax);
		assert_int_equal(m->state->rip, CODE_RIP + strlen(cases[i].hex) / 2);
	}
}

static void in_16bit_code_has_word_accumulator(void **state)
{
	struct machine *m = machine_init16(0);

	m->gpr[X86_RAX] = 0xaaaabbbb;
	assert_int_equal(step(m, "e570"), CPU_AGAIN);
	assert_io(m, true, 0x70, 2, 1);
	complete(m, 0x12345678);
	assert_int_equal(m->gpr[X86_RAX], 0xaaaa5678);
}

static void closed_port_gp(void **state)
{
	static const char *const hex[] = {"ec", "ee", "e480", "e680", "6c", "6e", "f36c", "f36e"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = machine_init(MODE_64BIT, 3);

		m->f->cpu.tr.limit = 0x67;
		m->cpu->tr.limit = 0x67;
		/* Without elements to move, too. */
		m->gpr[X86_RCX] = 0;
		step_fault(m, hex[i], GP_VECTOR);
		assert_int_equal(m->v->pending, ENGINE_PENDING_NONE);
	}
}

static void open_port_at_cpl3(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 3);

	m->gpr[X86_RDX] = 0x60;
	assert_int_equal(step(m, "ec"), CPU_AGAIN);
	assert_io(m, true, 0x60, 1, 1);
}

static void breakpoint_on_port_is_pending(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);

	m->state->cr4 |= X86_CR4_DE;
	m->cpu->dr[2] = 0x80;
	m->cpu->dr7 |= 0x2u << 24 | 0x20;
	assert_int_equal(step(m, "e680"), CPU_AGAIN);
	assert_int_equal(m->v->debug_pending, 4);
}

const struct CMUnitTest exec_io_tests[] = {
	cmocka_unit_test(out_leaves_done),
	cmocka_unit_test(in_is_completed_in_accumulator),
	cmocka_unit_test(in_16bit_code_has_word_accumulator),
	cmocka_unit_test(closed_port_gp),
	cmocka_unit_test(open_port_at_cpl3),
	cmocka_unit_test(breakpoint_on_port_is_pending),
};
const size_t exec_io_test_count = ARRAY_SIZE(exec_io_tests);
