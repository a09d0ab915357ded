// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where code comes from: fetches across pages, and changes of what is mapped at an
 * address that has been run, by INVLPG, by another CR3, with PCIDs and global pages.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

/* mov $value, %eax; int $DONE_VECTOR */
static void write_code(volatile uint8_t *at, uint32_t value)
{
	at[0] = 0xb8;
	for (unsigned int i = 0; i < 4; i++)
		at[1 + i] = (uint8_t)(value >> 8 * i);
	at[5] = 0xcd;
	at[6] = DONE_VECTOR;
}

static struct state run_at(uint64_t rip, bool user)
{
	struct state s;

	if (user)
		state_user(&s, (void *)(rip - USER_BASE));
	else
		state_kernel(&s, (void *)rip);
	run(&s);
	return s;
}

static uint8_t *pages[2];

static void make_pages(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		pages[i] = page_alloc(1);
		write_code(pages[i], 0x100 + i);
	}
}

static void expect_fetch_fault(const struct state *s, uint64_t rip, uint64_t address,
			       uint64_t error)
{
	EXPECT(s->vector, 14);
	EXPECT(s->error, error | PF_I);
	EXPECT(s->rip, rip);
	EXPECT(s->cr2, address);
}

/* The instruction begins in a page that is there and ends in one that is not. */
static void fetch_into_missing_page_faults_there(void)
{
	uint8_t *page = page_alloc(1), *next = page_alloc(1);
	uint64_t rip = TEST_BASE + 4096 - 3;
	struct state s;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	write_code(page + 4096 - 7, 1);
	EXPECT(run_at(TEST_BASE + 4096 - 7, false).gpr[RAX], 1);
	page[4093] = 0xb8;
	s = run_at(rip, false);
	expect_fetch_fault(&s, rip, TEST_BASE + 4096, 0);
	page_map(TEST_BASE + 4096, next, PTE_P | PTE_NX);
	s = run_at(rip, false);
	expect_fetch_fault(&s, rip, TEST_BASE + 4096, PF_P);
	page[4094] = 0x11, page[4095] = 0x22;
	next[0] = 0x33, next[1] = 0x44, next[2] = 0xcd, next[3] = DONE_VECTOR;
	page_map(TEST_BASE + 4096, next, PTE_P);
	s = run_at(rip, false);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], 0x44332211);
	/* And once more without it, now that it has been run. */
	page_map(TEST_BASE + 4096, next, 0);
	s = run_at(rip, false);
	expect_fetch_fault(&s, rip, TEST_BASE + 4096, 0);
}

/* The instruction before the missing page is complete: the fetch of the next one faults. */
static void fall_through_into_missing_page_faults_at_its_start(void)
{
	uint8_t *page = page_alloc(1);
	struct state s;

	page_map(TEST_BASE, page, PTE_P | PTE_W);
	page[4094] = 0xff, page[4095] = 0xc0; /* inc %eax */
	s = run_at(TEST_BASE + 4094, false);
	expect_fetch_fault(&s, TEST_BASE + 4096, TEST_BASE + 4096, 0);
	EXPECT(s.gpr[RAX], 1);
}

static void no_execute_is_seen_after_invlpg(void)
{
	make_pages();
	for (unsigned int i = 0; i < 10; i++) {
		struct state s;

		page_map(TEST_BASE, pages[0], PTE_P | (i % 2 ? PTE_NX : 0));
		s = run_at(TEST_BASE, false);
		if (i % 2)
			expect_fetch_fault(&s, TEST_BASE, TEST_BASE, PF_P);
		else
			EXPECT(s.gpr[RAX], 0x100);
	}
}

static void missing_page_is_seen_after_invlpg(void)
{
	make_pages();
	for (unsigned int i = 0; i < 10; i++) {
		struct state s;

		page_map(TEST_BASE, pages[0], i % 2 ? 0 : PTE_P);
		s = run_at(TEST_BASE, false);
		EXPECT(s.vector, i % 2 ? 14 : DONE_VECTOR);
	}
}

static void user_bit_is_seen_after_invlpg(void)
{
	make_pages();
	for (unsigned int i = 0; i < 10; i++) {
		struct state s;

		page_map(TEST_BASE, pages[0], PTE_P | (i % 2 ? 0 : PTE_U));
		s = run_at(TEST_BASE, true);
		if (i % 2)
			expect_fetch_fault(&s, TEST_BASE, TEST_BASE, PF_P | PF_U);
		else
			EXPECT(s.gpr[RAX], 0x100);
	}
}

/* CPL 0 has run the page; CPL 3 may not. */
static void kernel_code_is_not_the_users(void)
{
	struct state s;

	make_pages();
	page_map(TEST_BASE, pages[0], PTE_P);
	for (unsigned int i = 0; i < 3; i++) {
		s = run_at(TEST_BASE, false);
		EXPECT(s.gpr[RAX], 0x100);
		s = run_at(TEST_BASE, true);
		expect_fetch_fault(&s, TEST_BASE, TEST_BASE, PF_P | PF_U);
	}
}

/* Turning SMEP on takes user pages from CPL 0 at once. */
static void smep_is_seen_at_once(void)
{
	SKIP_UNLESS(has_smep(), "no SMEP");
	make_pages();
	page_map(TEST_BASE, pages[0], PTE_P | PTE_U);
	for (unsigned int i = 0; i < 6; i++) {
		struct state s;

		write_cr4((read_cr4() & ~(uint64_t)CR4_SMEP) | (i % 2 ? CR4_SMEP : 0));
		s = run_at(TEST_BASE, false);
		if (i % 2)
			expect_fetch_fault(&s, TEST_BASE, TEST_BASE, PF_P);
		else
			EXPECT(s.gpr[RAX], 0x100);
	}
}

static uint64_t *second_tables(void)
{
	uint64_t *other = page_alloc(1);

	memcpy(other, boot_pml4, 4096);
	other[TEST_BASE >> 39] = 0;
	*pte_in(other, TEST_BASE, 1) = (uint64_t)pages[1] | PTE_P | PTE_U;
	return other;
}

static void switch_spaces(uint64_t first, uint64_t second, bool user)
{
	for (unsigned int i = 0; i < 10; i++) {
		struct state s;

		write_cr3(i % 2 ? second : first);
		s = run_at(TEST_BASE, user);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RAX], 0x100 + i % 2);
	}
	write_cr3(first & PTE_ADDRESS);
}

static void code_of_another_space_is_another(void)
{
	uint64_t *other;

	make_pages();
	page_map(TEST_BASE, pages[0], PTE_P | PTE_U);
	other = second_tables();
	switch_spaces(read_cr3(), (uint64_t)other, false);
	switch_spaces(read_cr3(), (uint64_t)other, true);
}

static void code_of_another_pcid_is_another(void)
{
	const uint64_t keep = UINT64_C(1) << 63;
	uint64_t *other, first = read_cr3();

	SKIP_UNLESS(has_pcid(), "no PCID");
	make_pages();
	page_map(TEST_BASE, pages[0], PTE_P | PTE_U);
	other = second_tables();
	write_cr4(read_cr4() | CR4_PCIDE | CR4_PGE);
	switch_spaces(first | 1 | keep, (uint64_t)other | 2 | keep, false);
	switch_spaces(first | 1 | keep, (uint64_t)other | 2 | keep, true);
	write_cr3(first);
	write_cr4(read_cr4() & ~(uint64_t)CR4_PCIDE);
}

static void global_code_goes_with_invlpg(void)
{
	make_pages();
	write_cr4(read_cr4() | CR4_PGE);
	for (unsigned int i = 0; i < 10; i++) {
		page_map(TEST_BASE, pages[i % 2], PTE_P | PTE_G);
		EXPECT(run_at(TEST_BASE, false).gpr[RAX], 0x100 + i % 2);
	}
}

/* A jump from one page into another that has been replaced: links must not outlive it. */
static void jump_into_replaced_page_goes_to_the_new_one(void)
{
	uint8_t *from = page_alloc(1);

	make_pages();
	from[0] = 0xe9; /* jmp to the start of the next page */
	*(uint32_t *)(from + 1) = 4096 - 5;
	page_map(TEST_BASE, from, PTE_P);
	for (unsigned int i = 0; i < 20; i++) {
		page_map(TEST_BASE + 4096, pages[i % 2], PTE_P);
		EXPECT(run_at(TEST_BASE, false).gpr[RAX], 0x100 + i % 2);
	}
}

/* One page of code at two addresses: what it computes from its RIP is different. */
static void code_at_two_addresses_knows_where_it_is(void)
{
	/* lea 0(%rip), %rax; int $DONE_VECTOR; call of the next instruction; pop */
	static const uint8_t where[] = {0x48, 0x8d, 0x05, 0, 0,    0,    0,          0xe8,
					0,    0,    0,    0, 0x5b, 0xcd, DONE_VECTOR};
	uint8_t *page = page_alloc(1);

	for (unsigned int i = 0; i < sizeof(where); i++)
		page[i] = where[i];
	page_map(TEST_BASE, page, PTE_P);
	page_map(TEST_BASE + 0x12345000, page, PTE_P);
	for (unsigned int i = 0; i < 6; i++) {
		uint64_t at = i % 2 ? TEST_BASE + 0x12345000 : TEST_BASE;
		struct state s = run_at(at, false);

		EXPECT(s.gpr[RAX], at + 7);
		EXPECT(s.gpr[RBX], at + 12);
	}
}

/* The same bytes in 64-bit and in compatibility mode are other instructions. */
static void code_in_two_modes_is_two_codes(void)
{
	/* 48 ff c0: inc %rax; or dec %eax, inc %eax. */
	static const uint8_t both[] = {0x48, 0xff, 0xc0, 0xcd, DONE_VECTOR};
	uint8_t *page = page_alloc(1);

	for (unsigned int i = 0; i < sizeof(both); i++)
		page[i] = both[i];
	for (unsigned int i = 0; i < 6; i++) {
		struct state s;

		if (i % 2)
			state_user32(&s, page);
		else
			state_user(&s, page);
		s.gpr[RAX] = 0xffffffff;
		run(&s);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RAX], i % 2 ? 0xffffffff : 0x100000000);
	}
}

const struct test tests[] = {
	TEST(fetch_into_missing_page_faults_there),
	TEST(fall_through_into_missing_page_faults_at_its_start),
	TEST(no_execute_is_seen_after_invlpg),
	TEST(missing_page_is_seen_after_invlpg),
	TEST(user_bit_is_seen_after_invlpg),
	TEST(kernel_code_is_not_the_users),
	TEST(smep_is_seen_at_once),
	TEST(code_of_another_space_is_another),
	TEST(code_of_another_pcid_is_another),
	TEST(global_code_goes_with_invlpg),
	TEST(jump_into_replaced_page_goes_to_the_new_one),
	TEST(code_at_two_addresses_knows_where_it_is),
	TEST(code_in_two_modes_is_two_codes),
	{0},
};

const struct known known_tcg[] = {{0}};
