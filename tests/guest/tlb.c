// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Invalidation of TLBs and Paging-Structure Caches": after a change of an entry
 * and the instruction that the SDM names for it, the change is seen. What may still
 * be seen before that is nobody's business.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define AT (*(volatile uint64_t *)TEST_BASE)

static uint64_t *pages[2];

static void make_pages(void)
{
	for (unsigned int i = 0; i < 2; i++) {
		pages[i] = page_alloc(1);
		for (unsigned int n = 0; n < 512; n++)
			pages[i][n] = 0x100 + i;
	}
}

static void set_page(unsigned int i, uint64_t flags)
{
	*pte_of(TEST_BASE, 1) = (uint64_t)pages[i] | PTE_P | PTE_W | flags;
}

static void invlpg_shows_new_page(void)
{
	make_pages();
	for (unsigned int i = 0; i < 10; i++) {
		set_page(i % 2, i % 3 ? PTE_G : 0);
		invlpg((void *)(TEST_BASE + 0x123));
		EXPECT(AT, 0x100 + i % 2);
	}
}

static void invlpg_drops_global_page(void)
{
	make_pages();
	write_cr4(read_cr4() | CR4_PGE);
	set_page(0, PTE_G);
	EXPECT(AT, 0x100);
	set_page(1, PTE_G);
	invlpg((void *)TEST_BASE);
	EXPECT(AT, 0x101);
}

static void mov_to_cr3_shows_new_page(void)
{
	make_pages();
	for (unsigned int i = 0; i < 10; i++) {
		set_page(i % 2, 0);
		write_cr3(read_cr3());
		EXPECT(AT, 0x100 + i % 2);
	}
}

static void toggling_pge_drops_global_page(void)
{
	make_pages();
	write_cr4(read_cr4() | CR4_PGE);
	for (unsigned int i = 0; i < 10; i++) {
		set_page(i % 2, PTE_G);
		flush_all();
		EXPECT(AT, 0x100 + i % 2);
	}
}

/* A page with G outlives MOV CR3: it may, and an engine that keeps its TLB should. */
static void second_tables_have_pages_of_their_own(void)
{
	uint64_t *other = page_alloc(1), first = read_cr3();

	make_pages();
	memcpy(other, boot_pml4, 4096);
	other[TEST_BASE >> 39] = 0;
	set_page(0, 0);
	*pte_in(other, TEST_BASE, 1) = (uint64_t)pages[1] | PTE_P | PTE_W;
	for (unsigned int i = 0; i < 10; i++) {
		EXPECT(AT, 0x100);
		write_cr3((uint64_t)other);
		EXPECT(AT, 0x101);
		write_cr3(first);
	}
}

static void pcid_keeps_spaces_apart(void)
{
	uint64_t *other = page_alloc(1), first = read_cr3();

	SKIP_UNLESS(has_pcid(), "no PCID");
	make_pages();
	memcpy(other, boot_pml4, 4096);
	other[TEST_BASE >> 39] = 0;
	set_page(0, 0);
	*pte_in(other, TEST_BASE, 1) = (uint64_t)pages[1] | PTE_P | PTE_W;
	write_cr4(read_cr4() | CR4_PCIDE);
	for (unsigned int i = 0; i < 10; i++) {
		write_cr3(first | 1 | UINT64_C(1) << 63);
		EXPECT(AT, 0x100);
		write_cr3((uint64_t)other | 2 | UINT64_C(1) << 63);
		EXPECT(AT, 0x101);
	}
	EXPECT(read_cr3(), (uint64_t)other | 2);
	/* Without bit 63 the space is dropped. */
	*pte_in(other, TEST_BASE, 1) = (uint64_t)pages[0] | PTE_P | PTE_W;
	write_cr3((uint64_t)other | 2);
	EXPECT(AT, 0x100);
	write_cr3(first);
	write_cr4(read_cr4() & ~(uint64_t)CR4_PCIDE);
}

static void invpcid(uint64_t type, uint64_t pcid, uint64_t address)
{
	uint64_t descriptor[2] = {pcid, address};

	asm volatile("invpcid %0, %1" ::"m"(descriptor), "r"(type) : "memory");
}

static void invpcid_of_each_type_shows_new_page(void)
{
	uint64_t first = read_cr3();

	SKIP_UNLESS(has_pcid() && has_leaf7_b(10), "no INVPCID");
	make_pages();
	write_cr4(read_cr4() | CR4_PCIDE);
	write_cr3(first | 5);
	for (unsigned int i = 0; i < 16; i++) {
		set_page(i % 2, 0);
		invpcid(i / 4, i / 4 < 2 ? 5 : 0, TEST_BASE);
		report_case(i);
		EXPECT(AT, 0x100 + i % 2);
	}
	write_cr3(first);
	write_cr4(read_cr4() & ~(uint64_t)CR4_PCIDE);
}

CODE(bad_invpcid, "bad_invpcid_at: invpcid (%rbx), %rax");
LABEL(bad_invpcid_at);

static void invpcid_refuses_bad_descriptors(void)
{
	uint64_t *descriptor = page_alloc(1);
	struct state s;

	SKIP_UNLESS(has_leaf7_b(10), "no INVPCID");
	state_kernel(&s, bad_invpcid);
	s.gpr[RAX] = 4;
	s.gpr[RBX] = (uint64_t)descriptor;
	run(&s);
	EXPECT(s.vector, 13);
	descriptor[0] = 0x1000;
	s.gpr[RAX] = 0;
	s.rip = (uint64_t)bad_invpcid;
	run(&s);
	EXPECT(s.vector, 13);
	descriptor[0] = 0;
	descriptor[1] = UINT64_C(0x800000000000);
	s.rip = (uint64_t)bad_invpcid;
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, bad_invpcid_at);
	state_user(&s, bad_invpcid);
	run(&s);
	EXPECT(s.vector, 13);
}

/* INVLPG anywhere in a large page drops all of it. */
static void invlpg_in_large_page_drops_all_of_it(void)
{
	uint64_t *pde = pte_of(TEST_BASE, 2);
	uint64_t flags = PTE_P | PTE_W | PTE_PS;

	*(volatile uint64_t *)0x2000000 = 1;
	*(volatile uint64_t *)0x2101000 = 2;
	*(volatile uint64_t *)0x2200000 = 3;
	*(volatile uint64_t *)0x2301000 = 4;
	for (unsigned int i = 0; i < 10; i++) {
		*pde = (UINT64_C(0x2000000) + i % 2 * 0x200000) | flags;
		invlpg((void *)(TEST_BASE + 0x33000));
		EXPECT(AT, 1 + i % 2 * 2);
		EXPECT(*(volatile uint64_t *)(TEST_BASE + 0x101000), 2 + i % 2 * 2);
	}
}

/* A large page is split into small ones, then made whole again. */
static void split_large_page(void)
{
	uint64_t *pde = pte_of(TEST_BASE, 2), *table = page_alloc(1);

	make_pages();
	*(volatile uint64_t *)0x2000000 = 1;
	*(volatile uint64_t *)0x2001000 = 2;
	for (unsigned int i = 0; i < 512; i++)
		table[i] = (UINT64_C(0x2000000) + i * 4096) | PTE_P | PTE_W;
	table[0] = (uint64_t)pages[0] | PTE_P | PTE_W;
	for (unsigned int i = 0; i < 10; i++) {
		*pde = UINT64_C(0x2000000) | PTE_P | PTE_W | PTE_PS;
		invlpg((void *)TEST_BASE);
		EXPECT(AT, 1);
		EXPECT(*(volatile uint64_t *)(TEST_BASE + 4096), 2);
		*pde = (uint64_t)table | PTE_P | PTE_W;
		invlpg((void *)TEST_BASE);
		EXPECT(AT, 0x100);
		EXPECT(*(volatile uint64_t *)(TEST_BASE + 4096), 2);
	}
}

/* An entry that was not present is not cached: it can be filled in without a flush. */
static void new_entry_needs_no_flush(void)
{
	make_pages();
	*pte_of(TEST_BASE, 1) = 0;
	invlpg((void *)TEST_BASE);
	for (unsigned int i = 1; i < 64; i++) {
		*pte_of(TEST_BASE + i * 4096, 1) = (uint64_t)pages[i % 2] | PTE_P | PTE_W;
		EXPECT(*(volatile uint64_t *)(TEST_BASE + i * 4096), 0x100 + i % 2);
	}
}

/* Clearing D or W and flushing: the next write must be noticed again. */
static void cleared_dirty_bit_is_set_again(void)
{
	volatile uint64_t *pte;

	make_pages();
	set_page(0, 0);
	pte = pte_of(TEST_BASE, 1);
	for (unsigned int i = 0; i < 5; i++) {
		*pte &= ~(PTE_D | PTE_A);
		invlpg((void *)TEST_BASE);
		(void)AT;
		EXPECT(*pte & (PTE_A | PTE_D), PTE_A);
		AT = 0x100;
		EXPECT(*pte & PTE_D, PTE_D);
	}
}

CODE(write_it, "mov %rax, (%rbx)");

static void write_protection_is_seen_after_invlpg(void)
{
	struct state s;

	make_pages();
	for (unsigned int i = 0; i < 6; i++) {
		set_page(0, 0);
		*pte_of(TEST_BASE, 1) &= i % 2 ? ~PTE_W : ~UINT64_C(0);
		invlpg((void *)TEST_BASE);
		state_kernel(&s, write_it);
		s.gpr[RBX] = TEST_BASE;
		run(&s);
		EXPECT(s.vector, i % 2 ? 14 : DONE_VECTOR);
	}
}

/* Many pages at once, more than the TLB of any engine has entries with the same low bits. */
static void many_pages_with_the_same_index(void)
{
	make_pages();
	for (unsigned int i = 0; i < 64; i++)
		*pte_of(TEST_BASE + i * UINT64_C(0x10000000), 1) =
			(uint64_t)pages[i % 2] | PTE_P | PTE_W;
	for (unsigned int round = 0; round < 3; round++)
		for (unsigned int i = 0; i < 64; i++)
			EXPECT(*(volatile uint64_t *)(TEST_BASE + i * UINT64_C(0x10000000)),
			       0x100 + i % 2);
}

const struct test tests[] = {
	TEST(invlpg_shows_new_page),
	TEST(invlpg_drops_global_page),
	TEST(mov_to_cr3_shows_new_page),
	TEST(toggling_pge_drops_global_page),
	TEST(second_tables_have_pages_of_their_own),
	TEST(pcid_keeps_spaces_apart),
	TEST(invpcid_of_each_type_shows_new_page),
	TEST(invpcid_refuses_bad_descriptors),
	TEST(invlpg_in_large_page_drops_all_of_it),
	TEST(split_large_page),
	TEST(new_entry_needs_no_flush),
	TEST(cleared_dirty_bit_is_set_again),
	TEST(write_protection_is_seen_after_invlpg),
	TEST(many_pages_with_the_same_index),
	{0},
};

const struct known known_tcg[] = {{0}};
