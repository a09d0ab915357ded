// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * AVX2 gathers and masked moves: elements that are not active do not fault; one that
 * faults leaves what came before it done and the mask saying so. Vector registers keep their
 * contents whatever happens to the code around them.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

static bool has_avx2(void)
{
	return has_avx() && has_leaf7_b(5);
}

/* Two pages: the first one mapped. Index, mask and result are at RBX, 32 bytes each. */
#define LOAD_OPERANDS "vmovdqu (%rbx), %ymm1; vmovdqu 32(%rbx), %ymm2; vmovdqu 64(%rbx), %ymm3;"
#define STORE_RESULTS "vmovdqu %ymm2, 32(%rbx); vmovdqu %ymm3, 64(%rbx)"

CODE(gather_d, LOAD_OPERANDS "gather_d_at: vpgatherdd %ymm2, (%rdx,%ymm1,4), %ymm3;" STORE_RESULTS);
LABEL(gather_d_at);
CODE(gather_store, STORE_RESULTS);
CODE(masked_load,
     "vmovdqu 32(%rbx), %ymm2; vpmaskmovd (%rdx), %ymm2, %ymm3; vmovdqu %ymm3, 64(%rbx)");
CODE(masked_store,
     "vmovdqu 32(%rbx), %ymm2; vmovdqu 64(%rbx), %ymm3; vpmaskmovd %ymm3, %ymm2, (%rdx)");
CODE(masked_bytes,
     "movdqu 32(%rbx), %xmm2; movdqu 64(%rbx), %xmm3; mov %rdx, %rdi; maskmovdqu %xmm2, %xmm3");
CODE(aligned_256, "vmovdqa (%rdx), %ymm0");
CODE(unaligned_256, "vmovdqu (%rdx), %ymm0; vpaddd 1(%rdx), %ymm0, %ymm0; vmovdqu %ymm0, 5(%rdx)");

/* The loop is a block whose two loads share a look-up. Away from code for which that was given up. */
CODE(loads_nearby, "movdqu (%rbx), %xmm0; mov $4, %ecx; jmp 1f; .balign 64;"
		   "1: movups (%rdx), %xmm1; mov 16(%rdx), %rax; dec %ecx; jnz 1b;"
		   "movdqu %xmm0, 64(%rbx)");
CODE(exits_between, "movdqu (%rbx), %xmm0; mov $3, %ecx;"
		    "1: paddd %xmm0, %xmm0; out %al, $0x80; nop; jmp 2f; 2: dec %ecx; jnz 1b;"
		    "movdqu %xmm0, 64(%rbx)");
CODE(never_used, "mov $3, %ecx; 1: out %al, $0x80; dec %ecx; jnz 1b");

static uint32_t *operands, *data;

#define INDEX(n)  operands[n]
#define MASK(n)   operands[8 + (n)]
#define RESULT(n) operands[16 + (n)]

static void prepare(void)
{
	operands = page_alloc(1);
	data = page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W);
	for (unsigned int i = 0; i < 1024; i++)
		data[i] = 0x1000 + i;
}

static struct state run_at(const char *code, uint64_t rdx)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RBX] = (uint64_t)operands;
	s.gpr[RDX] = rdx;
	run(&s);
	return s;
}

static void gather_ignores_inactive_elements_that_would_fault(void)
{
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	for (unsigned int i = 0; i < 8; i++) {
		INDEX(i) = i % 2 ? 0x100000 : i;
		MASK(i) = i % 2 ? 0x7fffffff : 0x80000000;
		RESULT(i) = 0xaa00 + i;
	}
	s = run_at(gather_d, (uint64_t)data);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 8; i++) {
		EXPECT(RESULT(i), i % 2 ? 0xaa00 + i : 0x1000 + i);
		EXPECT(MASK(i), 0);
	}
}

/* Element 4 faults: elements below are loaded and their masks are zero. */
static void gather_fault_leaves_lower_elements_done(void)
{
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	for (unsigned int i = 0; i < 8; i++) {
		INDEX(i) = i == 4 ? 1024 : i;
		MASK(i) = 0xffffffff;
		RESULT(i) = 0xaa00 + i;
	}
	s = run_at(gather_d, (uint64_t)data);
	EXPECT(s.vector, 14);
	EXPECT(s.error, 0);
	EXPECT(s.cr2, TEST_BASE + 4096);
	EXPECT(s.rip, gather_d_at);
	s = run_at(gather_store, 0);
	for (unsigned int i = 0; i < 4; i++) {
		EXPECT(RESULT(i), 0x1000 + i);
		EXPECT(MASK(i), 0);
	}
	EXPECT(RESULT(4), 0xaa04);
	EXPECT(MASK(4), 0xffffffff);
}

/* The same, made good and resumed. */
static void gather_resumes_after_a_fault(void)
{
	uint32_t *second;
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	for (unsigned int i = 0; i < 8; i++) {
		INDEX(i) = 1020 + i;
		MASK(i) = 0xffffffff;
	}
	s = run_at(gather_d, (uint64_t)data);
	EXPECT(s.vector, 14);
	second = page_map(TEST_BASE + 4096, page_alloc(1), PTE_P | PTE_W);
	for (unsigned int i = 0; i < 4; i++)
		second[i] = 0x1400 + i;
	run(&s);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 8; i++)
		EXPECT(RESULT(i), 0x1000 + 1020 + i);
}

static void masked_load_ignores_inactive_elements_that_would_fault(void)
{
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	for (unsigned int i = 0; i < 8; i++) {
		MASK(i) = i < 4 ? 0x80000000 : 0;
		RESULT(i) = 0xbb;
	}
	s = run_at(masked_load, TEST_BASE + 4096 - 16);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 8; i++)
		EXPECT(RESULT(i), i < 4 ? 0x1000 + 1020 + i : 0);
	MASK(4) = 0x80000000;
	s = run_at(masked_load, TEST_BASE + 4096 - 16);
	EXPECT(s.vector, 14);
	EXPECT(s.cr2, TEST_BASE + 4096);
}

static void masked_store_writes_active_elements_alone(void)
{
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	for (unsigned int i = 0; i < 8; i++) {
		MASK(i) = i == 1 || i == 3 ? 0x80000000 : 0;
		RESULT(i) = 0xcc00 + i;
	}
	s = run_at(masked_store, TEST_BASE + 4096 - 16);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 4; i++)
		EXPECT(data[1020 + i], i % 2 ? 0xcc00 + i : 0x1000 + 1020 + i);
	MASK(6) = 0x80000000;
	s = run_at(masked_store, TEST_BASE + 4096 - 16);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_W);
}

static void maskmovdqu_writes_chosen_bytes(void)
{
	uint8_t *bytes;
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	bytes = (uint8_t *)&MASK(0);
	for (unsigned int i = 0; i < 16; i++) {
		bytes[i] = i % 3 ? 0 : 0x80;
		((uint8_t *)&RESULT(0))[i] = (uint8_t)(0xe0 + i);
	}
	memset(data, 0, 64);
	s = run_at(masked_bytes, TEST_BASE + 3);
	EXPECT_DONE(s);
	for (unsigned int i = 0; i < 16; i++)
		EXPECT(((uint8_t *)data)[3 + i], i % 3 ? 0 : 0xe0 + i);
}

static void aligned_move_of_32_bytes_gp(void)
{
	struct state s;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	s = run_at(aligned_256, TEST_BASE + 32);
	EXPECT_DONE(s);
	s = run_at(aligned_256, TEST_BASE + 16);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, aligned_256);
}

static void vector_access_across_pages(void)
{
	uint32_t *second, want[8];
	struct state s;
	uint8_t *at = (uint8_t *)TEST_BASE + 4096 - 13;

	SKIP_UNLESS(has_avx2(), "no AVX2");
	prepare();
	second = page_map(TEST_BASE + 4096, page_alloc(1), PTE_P | PTE_W);
	for (unsigned int i = 0; i < 16; i++)
		second[i] = 0x77000000 + i;
	for (unsigned int i = 0; i < 8; i++)
		want[i] = *(uint32_t *)(at + 4 * i) + *(uint32_t *)(at + 1 + 4 * i);
	s = run_at(unaligned_256, (uint64_t)at);
	EXPECT_DONE(s);
	EXPECT(memcmp(at + 5, want, 32), 0);
}

/* The look-up of both leads across pages, so the block is made anew, one look-up for each. */
static void vector_state_survives_a_block_made_anew(void)
{
	struct state s;

	prepare();
	page_map(TEST_BASE + 4096, page_alloc(1), PTE_P | PTE_W);
	for (unsigned int i = 0; i < 4; i++)
		INDEX(i) = 0x1234567 * (i + 1);
	/* The block gets a link to itself first. */
	for (unsigned int pass = 0; pass < 2; pass++) {
		memset(&RESULT(0), 0, 16);
		s = run_at(loads_nearby, pass ? TEST_BASE + 4096 - 20 : TEST_BASE);
		EXPECT_DONE(s);
		EXPECT(memcmp(&RESULT(0), &INDEX(0), 16), 0);
	}
}

/* From a block with vectors to C, to one without, and back, also where the two are linked. */
static void vector_state_survives_exits(void)
{
	struct state s;

	prepare();
	for (unsigned int pass = 0; pass < 3; pass++) {
		for (unsigned int i = 0; i < 4; i++)
			INDEX(i) = 0x1234567 * (i + 1 + pass);
		s = run_at(exits_between, 0);
		EXPECT_DONE(s);
		for (unsigned int i = 0; i < 4; i++)
			EXPECT(RESULT(i), INDEX(i) * 8);
		s = run_at(never_used, 0);
		EXPECT_DONE(s);
	}
}

const struct test tests[] = {
	TEST(gather_ignores_inactive_elements_that_would_fault),
	TEST(gather_fault_leaves_lower_elements_done),
	TEST(gather_resumes_after_a_fault),
	TEST(masked_load_ignores_inactive_elements_that_would_fault),
	TEST(masked_store_writes_active_elements_alone),
	TEST(maskmovdqu_writes_chosen_bytes),
	TEST(aligned_move_of_32_bytes_gp),
	TEST(vector_access_across_pages),
	TEST(vector_state_survives_a_block_made_anew),
	TEST(vector_state_survives_exits),
	{0},
};

const struct known known_tcg[] = {
	{"masked_load_ignores_inactive_elements_that_would_fault", "they fault"},
	{0},
};
