// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Locked operations: on one page, across pages, half of it missing or read-only; and
 * instructions that write several places, which must not write one of them and fault.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

CODE(lock_add, "lock addq $3, (%rbx)");
CODE(lock_inc_b, "lock incb (%rbx)");
CODE(lock_xadd, "lock xadd %rax, (%rbx)");
CODE(exchange, "xchg %rax, (%rbx)");
CODE(cmpxchg, "lock cmpxchg %rcx, (%rbx)");
CODE(cmpxchg8b, "lock cmpxchg8b (%rbx)");
CODE(cmpxchg16b, "lock cmpxchg16b (%rbx)");
CODE(lock_bts, "lock bts %rcx, (%rbx)");
CODE(push_memory, "push (%rbx)");
CODE(pop_memory, "pop 8(%rsp)");
CODE(call_memory, "call *(%rbx)");
CODE(enter_it, "enter $16, $3");

static struct state registers(const char *code, uint64_t rbx)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RBX] = rbx;
	return s;
}

#define BORDER (TEST_BASE + 4096)

static void map_two_pages(void)
{
	page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W);
	page_map(BORDER, page_alloc(1), PTE_P | PTE_W);
}

static void locked_operations_across_pages(void)
{
	uint64_t *at = (uint64_t *)(BORDER - 3);
	struct state s;

	map_two_pages();
	*at = 0xffffff;
	s = registers(lock_add, (uint64_t)at);
	run(&s);
	EXPECT(*at, 0x1000002);
	s = registers(lock_xadd, (uint64_t)at);
	s.gpr[RAX] = 0x10;
	run(&s);
	EXPECT(s.gpr[RAX], 0x1000002);
	EXPECT(*at, 0x1000012);
	s = registers(exchange, (uint64_t)at);
	s.gpr[RAX] = 0x1122334455667788;
	run(&s);
	EXPECT(s.gpr[RAX], 0x1000012);
	s = registers(cmpxchg, (uint64_t)at);
	s.gpr[RAX] = 0x1122334455667788;
	s.gpr[RCX] = 5;
	run(&s);
	EXPECT(s.rflags & FLAGS_ZF, FLAGS_ZF);
	EXPECT(*at, 5);
	run(&s);
	s = registers(cmpxchg, (uint64_t)at);
	s.gpr[RAX] = 6;
	run(&s);
	EXPECT(s.gpr[RAX], 5);
	EXPECT(s.rflags & FLAGS_ZF, 0);
}

static void locked_operation_on_missing_second_page_changes_nothing(void)
{
	uint8_t *page = page_alloc(1);
	struct state s;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	for (unsigned int i = 0; i < 3; i++)
		page[4093 + i] = 0xff;
	s = registers(lock_add, BORDER - 3);
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_W);
	EXPECT(s.cr2, BORDER);
	EXPECT(page[4093], 0xff);
	s = registers(exchange, BORDER - 3);
	s.gpr[RAX] = 0x77;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RAX], 0x77);
}

/* CMPXCHG writes always, so a read-only page faults even if the comparison fails. */
static void cmpxchg_that_fails_needs_write_permission(void)
{
	struct state s;

	page_map(TEST_BASE, page_alloc(1), PTE_P);
	s = registers(cmpxchg, TEST_BASE);
	s.gpr[RAX] = 1;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_W);
	EXPECT(s.gpr[RAX], 1);
}

static void cmpxchg16b_compares_and_checks_alignment(void)
{
	uint64_t *at = page_alloc(1);
	struct state s;

	at[0] = 1, at[1] = 2;
	s = registers(cmpxchg16b, (uint64_t)at);
	s.gpr[RAX] = 1;
	s.gpr[RDX] = 3;
	run(&s);
	EXPECT(s.gpr[RDX], 2);
	EXPECT(s.rflags & FLAGS_ZF, 0);
	s = registers(cmpxchg16b, (uint64_t)at + 8);
	run(&s);
	EXPECT(s.vector, 13);
	s = registers(cmpxchg8b, (uint64_t)at + 4);
	s.gpr[RAX] = 0, s.gpr[RDX] = 2;
	s.gpr[RCX] = 0x11;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(at[0], 1 | ((uint64_t)at + 4) << 32);
	EXPECT(at[1], 0x11);
}

/* A bit number reaches far beyond the operand, both ways. */
static void bit_string_reaches_other_pages(void)
{
	struct state s;

	map_two_pages();
	s = registers(lock_bts, TEST_BASE + 8);
	s.gpr[RCX] = 4096 * 8 + 5;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(*(uint64_t *)(BORDER + 8), 0x20);
	s = registers(lock_bts, BORDER);
	s.gpr[RCX] = (uint64_t)-1;
	run(&s);
	EXPECT(*(uint64_t *)(BORDER - 8), UINT64_C(1) << 63);
	s = registers(lock_bts, BORDER);
	s.gpr[RCX] = 4096 * 8;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.cr2, BORDER + 4096);
}

/* RSP stays when the store or the load of a stack instruction faults. */
static void stack_instructions_that_fault_keep_rsp(void)
{
	uint64_t *page = page_alloc(1);
	struct state s;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	page[0] = 0x5555;
	s = registers(push_memory, TEST_BASE);
	s.gpr[RSP] = TEST_BASE;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RSP], TEST_BASE);
	EXPECT(s.cr2, TEST_BASE - 8);
	s = registers(call_memory, TEST_BASE);
	s.gpr[RSP] = TEST_BASE + 4;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RSP], TEST_BASE + 4);
	EXPECT(s.rip, call_memory);
	EXPECT(page[0], 0x5555);
	s = registers(enter_it, 0);
	s.gpr[RSP] = TEST_BASE + 16;
	s.gpr[RBP] = TEST_BASE + 64;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RSP], TEST_BASE + 16);
	EXPECT(s.gpr[RBP], TEST_BASE + 64);
}

/* SDM "POP": an address by RSP is that after the pop. */
static void pop_to_memory_by_rsp_uses_the_new_rsp(void)
{
	uint64_t *page = page_alloc(1);
	struct state s;

	page[0] = 0x99;
	s = registers(pop_memory, 0);
	s.gpr[RSP] = (uint64_t)page;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(page[2], 0x99);
	EXPECT(s.gpr[RSP], (uint64_t)page + 8);
}

static void locked_byte_wraps_and_sets_flags(void)
{
	uint8_t *page = page_alloc(1);
	struct state s;

	page[7] = 0xff;
	s = registers(lock_inc_b, (uint64_t)page + 7);
	s.rflags |= FLAGS_CF;
	run(&s);
	EXPECT(page[7], 0);
	EXPECT(page[8], 0);
	EXPECT(s.rflags & (FLAGS_CF | FLAGS_ZF | FLAGS_AF), FLAGS_CF | FLAGS_ZF | FLAGS_AF);
}

const struct test tests[] = {
	TEST(locked_operations_across_pages),
	TEST(locked_operation_on_missing_second_page_changes_nothing),
	TEST(cmpxchg_that_fails_needs_write_permission),
	TEST(cmpxchg16b_compares_and_checks_alignment),
	TEST(bit_string_reaches_other_pages),
	TEST(stack_instructions_that_fault_keep_rsp),
	TEST(pop_to_memory_by_rsp_uses_the_new_rsp),
	TEST(locked_byte_wraps_and_sets_flags),
	{0},
};

const struct known known_tcg[] = {
	{"locked_operation_on_missing_second_page_changes_nothing", "the fault is that of a read"},
	{0},
};
