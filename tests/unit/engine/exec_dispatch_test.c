// SPDX-License-Identifier: GPL-2.0-or-later
/* The table by mnemonic: every instruction that decodes as one for C has a line in it. */
#include "tests.h"

#include <Zydis/Zydis.h>

static void unknown_instruction_is_internal_error(void **state)
{
	struct machine *m = machine_init(MODE_64BIT, 0);
	struct insn insn = {.bytes = {0x01, 0xc0}, .length = 2, .mnemonic = ZYDIS_MNEMONIC_ADD};

	assert_int_equal(exec_instruction(m->v, &insn), CPU_AGAIN);
	assert_int_equal(m->v->exit.reason, ENGINE_EXIT_INTERNAL_ERROR);
	assert_int_equal(m->v->exit.insn.length, 2);
	assert_memory_equal(m->v->exit.insn.bytes, insn.bytes, sizeof(insn.bytes));
	assert_int_equal(m->state->rip, CODE_RIP);
}

static void extensions_not_offered_ud(void **state)
{
	static const char *const hex[] = {
		"0f01c8",   /* MONITOR */
		"0f01c9",   /* MWAIT */
		"0f01d8",   /* VMRUN */
		"0faa",     /* RSM */
		"0f37",     /* GETSEC */
		"0f01e8",   /* SERIALIZE */
		"0f01ee",   /* RDPKRU */
		"0f38f908", /* MOVDIRI */
		"c5f441c9", /* KANDW: by its encoding */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++)
		step_fault(machine_init(MODE_64BIT, 0), hex[i], UD_VECTOR);
}

static void sgx_leaves_go_to_engine(void **state)
{
	static const char *const hex[] = {"0f01cf", "0f01d7", "0f01c0"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = machine_init(MODE_64BIT, 0);

		step_fault(m, hex[i], UD_VECTOR);
		machine_add_sgx(m, 0);
		step_ok(m, hex[i]);
		assert_int_equal(m->leaf_count, 1);
	}
}

/* At any privilege level: the storey above looks at it. */
static void hypercalls_go_to_engine(void **state)
{
	static const char *const hex[] = {"0f01c1", "0f01d9"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++)
		for (unsigned int cpl = 0; cpl <= 3; cpl += 3) {
			struct machine *m = machine_init(MODE_64BIT, cpl);

			step_ok(m, hex[i]);
			assert_int_equal(m->hypercall_count, 1);
		}
}

static void other_files_are_named(void **state)
{
	static const char *const hex[] = {
		"a4",     "f348a5",   "a6",       "ae",         "ad",         "f3aa",
		"0fae00", "480fae08", "0fae20",   "0fae28",     "0fae30",     "0fc723",
		"0fc72b", "0fc71b",   "dd30",     "dd20",       "d930",       "d920",
		"0ff7c1", "660ff7c1", "c5f9f7c1", "c4e2712c00", "c4e2718c00", "c4e2699004c8",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = machine_init(MODE_64BIT, 0);

		step_ok(m, hex[i]);
		assert_int_equal(m->other_count, 1);
	}
}

/* Executes what @bytes decode to, unless it is translated; it must not be unknown. */
static void try(enum mode mode, const uint8_t *bytes, unsigned int code_size)
{
	struct machine *m;
	struct insn insn;

	if (!insn_decode(bytes, INSN_MAX_LENGTH, code_size, &insn) || insn.kind != INSN_SYSTEM)
		return;
	m = machine_init(mode, 0);
	m->v->exit.reason = ENGINE_EXIT_KICK;
	exec_instruction(m->v, &insn);
	if (m->v->exit.reason == ENGINE_EXIT_INTERNAL_ERROR)
		fail_msg("%s", ZydisMnemonicGetString((ZydisMnemonic)insn.mnemonic));
}

/* All opcodes of a map with one prefix, and all that ModRM says in register and memory forms. */
static void try_map(enum mode mode, unsigned int code_size, uint8_t prefix, const uint8_t *map,
		    unsigned int map_len)
{
	for (unsigned int opcode = 0; opcode < 256; opcode++)
		for (unsigned int modrm = 0; modrm < 256; modrm += modrm < 0xc0 ? 8 : 1) {
			uint8_t bytes[INSN_MAX_LENGTH] = {prefix};
			unsigned int at = prefix ? 1 : 0;

			memcpy(bytes + at, map, map_len);
			bytes[at + map_len] = (uint8_t)opcode;
			bytes[at + map_len + 1] = (uint8_t)modrm;
			try(mode, bytes, code_size);
		}
}

static void every_instruction_for_c_is_known(void **state)
{
	static const uint8_t prefixes[] = {0, 0x66, 0xf2, 0xf3};
	static const uint8_t map[] = {0x0f, 0x38};

	for (unsigned int i = 0; i < ARRAY_SIZE(prefixes); i++)
		for (unsigned int len = 0; len < 3; len++) {
			try_map(MODE_64BIT, 8, prefixes[i], map, len);
			try_map(MODE_PROTECTED, 4, prefixes[i], map, len);
		}
}

const struct CMUnitTest exec_dispatch_tests[] = {
	cmocka_unit_test(unknown_instruction_is_internal_error),
	cmocka_unit_test(extensions_not_offered_ud),
	cmocka_unit_test(sgx_leaves_go_to_engine),
	cmocka_unit_test(hypercalls_go_to_engine),
	cmocka_unit_test(other_files_are_named),
	cmocka_unit_test(every_instruction_for_c_is_known),
};
const size_t exec_dispatch_test_count = ARRAY_SIZE(exec_dispatch_tests);
