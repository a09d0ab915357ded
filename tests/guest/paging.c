// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Access Rights" and "Accessed and Dirty Flags": every combination of the
 * bits of a page and of the tables above it, of the control bits and of the access,
 * against the manual's sentences written as a function. For 4-KiB, 2-MiB and
 * 1-GiB pages.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

enum access {
	ACCESS_READ,
	ACCESS_WRITE,
	ACCESS_FETCH,
	ACCESSES
};

/* One case. */
struct rights {
	uint64_t page;  /* bits of the leaf */
	uint64_t table; /* of the entry above it */
	bool wp, smep, smap, ac, user;
	enum access access;
};

struct outcome {
	bool faults;
	uint32_t error;
	bool page_a, page_d;
};

static bool both(const struct rights *r, uint64_t bit)
{
	return r->page & r->table & bit;
}

static bool may_read(const struct rights *r)
{
	if (r->user)
		return both(r, PTE_U);
	return !(both(r, PTE_U) && r->smap && !r->ac);
}

static bool may_write(const struct rights *r)
{
	if (!may_read(r))
		return false;
	return both(r, PTE_W) || (!r->user && !r->wp);
}

static bool may_fetch(const struct rights *r)
{
	if ((r->page | r->table) & PTE_NX)
		return false;
	return r->user ? both(r, PTE_U) : !(both(r, PTE_U) && r->smep);
}

static struct outcome oracle(const struct rights *r)
{
	bool present = both(r, PTE_P);
	bool allowed = r->access == ACCESS_READ    ? may_read(r)
		       : r->access == ACCESS_WRITE ? may_write(r)
						   : may_fetch(r);
	struct outcome o = {.page_a = r->page & PTE_A, .page_d = r->page & PTE_D};

	if (present && allowed) {
		o.page_a = true;
		o.page_d |= r->access == ACCESS_WRITE;
		return o;
	}
	o.faults = true;
	o.error = (present ? PF_P : 0) | (r->access == ACCESS_WRITE ? PF_W : 0) |
		  (r->user ? PF_U : 0) | (r->access == ACCESS_FETCH ? PF_I : 0);
	return o;
}

CODE(access_read, "mov (%rbx), %al");
CODE(access_write, "mov %al, (%rbx)");
CODE(access_fetch, "jmp *%rbx");

static const char *const access_code[] = {access_read, access_write, access_fetch};

static void set_control(const struct rights *r)
{
	uint64_t cr0 = read_cr0() & ~(uint64_t)CR0_WP;
	uint64_t cr4 = read_cr4() & ~(uint64_t)(CR4_SMEP | CR4_SMAP);

	write_cr0(cr0 | (r->wp ? CR0_WP : 0));
	write_cr4(cr4 | (r->smep ? CR4_SMEP : 0) | (r->smap ? CR4_SMAP : 0));
}

static void check(const struct rights *r, uint64_t gva, uint64_t *leaf)
{
	struct outcome want = oracle(r);
	struct state s;

	if (r->user)
		state_user(&s, access_code[r->access]);
	else
		state_kernel(&s, access_code[r->access]);
	s.rflags |= r->ac ? FLAGS_AC : 0;
	s.gpr[RAX] = 0xcd; /* what is there: code that a later case runs */
	s.gpr[RBX] = gva;
	invlpg((void *)gva);
	set_control(r);
	run(&s);
	EXPECT(s.vector, want.faults ? 14 : DONE_VECTOR);
	if (want.faults) {
		EXPECT(s.error, want.error);
		EXPECT(s.cr2, gva);
		EXPECT(s.rip, r->access == ACCESS_FETCH ? gva
			      : r->user                 ? user_address(access_code[r->access])
							: (uint64_t)access_code[r->access]);
	}
	EXPECT(*leaf >> 5 & 1, want.page_a);
	EXPECT(*leaf >> 6 & 1, want.page_d);
}

/* The case's bits, from a number. */
static bool decode(unsigned int n, struct rights *r)
{
	r->page = (n & 1 ? PTE_P : 0) | (n & 2 ? PTE_W : 0) | (n & 4 ? PTE_U : 0) |
		  (n & 8 ? PTE_NX : 0) | (n & 16 ? PTE_A : 0) | (n & 32 ? PTE_D : 0);
	r->table = PTE_P | (n & 64 ? PTE_W : 0) | (n & 128 ? PTE_U : 0) | (n & 256 ? PTE_NX : 0);
	r->wp = n & 512;
	r->smep = n & 1024;
	r->smap = n & 2048;
	r->ac = n & 4096;
	r->user = n & 8192;
	r->access = n >> 14;
	if (r->access >= ACCESSES || (r->smep && !has_smep()) || (r->smap && !has_smap()))
		return false;
	/* D without A is a state that only software makes. */
	return !(n & 32) || (n & 16);
}

#define ALL_CASES (ACCESSES << 14)

/* @step thins the product out where it would be the same work again; it is odd. */
static void run_matrix(unsigned int level, unsigned int step)
{
	uint64_t gva = TEST_BASE, *leaf = pte_of(gva, level), *table = pte_of(gva, level + 1);
	uint64_t size = level == 1 ? 0 : PTE_PS, next = *table & PTE_ADDRESS;
	uint8_t *page = (uint8_t *)(UINT64_C(0x2000000) & -(UINT64_C(1) << (12 + 9 * (level - 1))));
	uint64_t before;
	struct rights r;

	if (level < 3)
		page[0] = 0xcd, page[1] = 0x40; /* INT DONE_VECTOR */
	else
		gva += UINT64_C(0x2000000), page = NULL;
	before = (uint64_t)page;
	if (level == 3)
		memcpy((void *)0x2000000, "\xcd\x40", 2);
	for (unsigned int n = 0; n < ALL_CASES; n += step) {
		if (!decode(n, &r))
			continue;
		*leaf = before | size | r.page;
		*table = next | r.table;
		report_case(n);
		check(&r, gva, leaf);
	}
}

static void access_4k_page_as_the_oracle_says(void)
{
	run_matrix(1, 1);
}

static void access_2m_page_as_the_oracle_says(void)
{
	run_matrix(2, 3);
}

static void access_1g_page_as_the_oracle_says(void)
{
	SKIP_UNLESS(has_extended_d(26), "no 1-GiB pages");
	run_matrix(3, 5);
}

static struct state access_at(uint64_t gva, enum access access)
{
	struct state s;

	state_kernel(&s, access_code[access]);
	s.gpr[RBX] = gva;
	run(&s);
	return s;
}

/* A reserved bit is a fault whatever else is wrong or right, as long as the entry is present. */
static void reserved_bits_fault(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s;

	*pte_of(TEST_BASE, 1) = page | PTE_P | PTE_W | UINT64_C(1) << 51;
	s = access_at(TEST_BASE, ACCESS_READ);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_RSVD);
	*pte_of(TEST_BASE, 1) = page | PTE_P | PTE_W;
	*pte_of(TEST_BASE, 4) |= PTE_PS;
	invlpg((void *)TEST_BASE);
	s = access_at(TEST_BASE, ACCESS_WRITE);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_RSVD | PF_W);
	*pte_of(TEST_BASE, 4) &= ~PTE_PS;
	*pte_of(TEST_BASE + 0x200000, 2) = UINT64_C(0x2002000) | PTE_P | PTE_PS;
	s = access_at(TEST_BASE + 0x200000, ACCESS_READ);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_RSVD);
}

static void nx_without_nxe_is_reserved(void)
{
	struct state s;

	*pte_of(TEST_BASE, 1) = (uint64_t)page_alloc(1) | PTE_P | PTE_NX;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~UINT64_C(0x800));
	s = access_at(TEST_BASE, ACCESS_READ);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | UINT64_C(0x800));
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_RSVD);
}

static void walk_sets_accessed_in_every_table(void)
{
	struct state s;

	page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W);
	for (unsigned int level = 2; level <= 4; level++)
		*pte_of(TEST_BASE, level) &= ~PTE_A;
	flush_all();
	s = access_at(TEST_BASE, ACCESS_READ);
	EXPECT_DONE(s);
	for (unsigned int level = 1; level <= 4; level++)
		EXPECT(*pte_of(TEST_BASE, level) & (PTE_A | PTE_D), PTE_A);
	s = access_at(TEST_BASE, ACCESS_WRITE);
	EXPECT_DONE(s);
	EXPECT(*pte_of(TEST_BASE, 1) & PTE_D, PTE_D);
	EXPECT(*pte_of(TEST_BASE, 2) & PTE_D, 0);
}

CODE(push_pop, "mov %rbx, %rsp; push %rax");

/* SMAP: the processor's own accesses to a stack or a table are not freed by AC. */
static void stack_on_user_page_under_smap_faults(void)
{
	struct state s;

	SKIP_UNLESS(has_smap(), "no SMAP");
	page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W | PTE_U);
	write_cr4(read_cr4() | CR4_SMAP);
	state_kernel(&s, push_pop);
	s.gpr[RBX] = TEST_BASE + 0x800;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_P | PF_W);
	state_kernel(&s, push_pop);
	s.gpr[RBX] = TEST_BASE + 0x800;
	s.rflags |= FLAGS_AC;
	run(&s);
	EXPECT_DONE(s);
}

CODE(stac_clac,
     "mov %al, (%rbx); stac; mov %al, (%rbx); mov $1, %ecx; clac; stac_clac_at: mov %al, (%rbx)");
LABEL(stac_clac_at);

static void stac_and_clac_open_and_close(void)
{
	struct state s;

	SKIP_UNLESS(has_smap(), "no SMAP");
	page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W | PTE_U);
	write_cr4(read_cr4() | CR4_SMAP);
	state_kernel(&s, stac_clac);
	s.gpr[RBX] = TEST_BASE;
	s.rflags |= FLAGS_AC;
	run(&s);
	EXPECT(s.vector, 14);
	EXPECT(s.gpr[RCX], 1);
	EXPECT(s.rip, stac_clac_at);
	EXPECT(s.rflags & FLAGS_AC, 0);
	state_user(&s, stac_clac);
	s.gpr[RBX] = TEST_BASE;
	run(&s);
	EXPECT(s.vector, 6);
}

const struct test tests[] = {
	TEST(access_4k_page_as_the_oracle_says),
	TEST(access_2m_page_as_the_oracle_says),
	TEST(access_1g_page_as_the_oracle_says),
	TEST(reserved_bits_fault),
	TEST(nx_without_nxe_is_reserved),
	TEST(walk_sets_accessed_in_every_table),
	TEST(stack_on_user_page_under_smap_faults),
	TEST(stac_and_clac_open_and_close),
	{0},
};

const struct known known_tcg[] = {
	{"access_1g_page_as_the_oracle_says", "A is set before the check"},
	{"reserved_bits_fault", "the error code lacks P"},
	{"nx_without_nxe_is_reserved", "the error code lacks P"},
	{0},
};
