// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XSAVE family: layouts, the header, the init optimisation, what is refused; and
 * FXSAVE; x87 and SIMD exceptions.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define HEADER   512
#define AREA_AVX 576

static uint8_t *area;

CODE(save, "xsave64 (%rbx)");
CODE(saveopt, "xsaveopt64 (%rbx)");
CODE(savec, "xsavec64 (%rbx)");
CODE(restore, "xrstor64 (%rbx)");
CODE(fsave, "fxsave64 (%rbx)");
CODE(frestore, "fxrstor64 (%rbx)");

#define FILL_X87 "fninit; fld1; fldz; fldpi;"
#define FILL_SSE "pcmpeqd %xmm3, %xmm3; movq %rcx, %xmm7;"
#define FILL_AVX "vpcmpeqd %ymm5, %ymm5, %ymm5;"

CODE(fill_all, FILL_X87 FILL_SSE FILL_AVX);
CODE(clear_all, "fninit; vzeroall");
CODE(read_all,
     "vextracti128 $1, %ymm5, %xmm0; movq %xmm0, %rax; movq %xmm7, %rcx; fnstsw %ax; movq %xmm0, %rdx");

static struct state run_area(const char *code, uint64_t mask, uint64_t rcx)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RBX] = (uint64_t)area;
	s.gpr[RAX] = (uint32_t)mask;
	s.gpr[RDX] = mask >> 32;
	s.gpr[RCX] = rcx;
	run(&s);
	return s;
}

static uint64_t word(unsigned int offset)
{
	return *(uint64_t *)(area + offset);
}

static bool prepare(uint8_t fill)
{
	if (!has_avx())
		return false;
	area = page_alloc(1);
	for (unsigned int i = 0; i < 4096; i++)
		area[i] = fill;
	for (unsigned int i = HEADER; i < AREA_AVX; i++)
		area[i] = 0;
	return true;
}

#define PREPARE(fill) SKIP_UNLESS(prepare(fill), "no AVX")

static void xsave_writes_what_is_asked_for(void)
{
	PREPARE(0xcc);
	(void)run_area(fill_all, 0, 0x1234567890);
	EXPECT_DONE(run_area(save, 7, 0));
	EXPECT(word(HEADER), 7);
	EXPECT(*(uint16_t *)area, 0x37f);
	EXPECT(*(uint16_t *)(area + 2) >> 11, 5);
	EXPECT(area[4], 0xe0);
	EXPECT(*(uint32_t *)(area + 24), 0x1f80);
	EXPECT(word(32 + 8) == 0x400000000000c90f || *(uint16_t *)(area + 40), 1);
	EXPECT(word(160 + 3 * 16), UINT64_MAX);
	EXPECT(word(160 + 7 * 16), 0x1234567890);
	EXPECT(word(AREA_AVX + 5 * 16), UINT64_MAX);
	EXPECT(word(AREA_AVX + 3 * 16), 0);
	/* Bytes 464 to 511 are software's, what follows the area too. */
	EXPECT(word(464), 0xcccccccccccccccc);
	EXPECT(word(AREA_AVX + 256), 0xcccccccccccccccc);
	EXPECT(word(HEADER + 8), 0);
}

/* Without its bit in the mask, a component's bytes and its bit in XSTATE_BV stay. */
static void xsave_of_one_component_leaves_the_others(void)
{
	PREPARE(0xcc);
	*(uint64_t *)(area + HEADER) = 2;
	(void)run_area(fill_all, 0, 1);
	EXPECT_DONE(run_area(save, 4, 0));
	EXPECT(word(HEADER), 6);
	EXPECT(word(0), 0xcccccccccccccccc);
	EXPECT(word(160 + 3 * 16), 0xcccccccccccccccc);
	EXPECT(word(AREA_AVX + 5 * 16), UINT64_MAX);
	/* MXCSR belongs to SSE and to AVX. */
	EXPECT(*(uint32_t *)(area + 24), 0x1f80);
}

static void xsaveopt_skips_components_in_their_initial_state(void)
{
	PREPARE(0xcc);
	SKIP_UNLESS(cpuid(0xd, 1).a & 1, "no XSAVEOPT");
	(void)run_area(clear_all, 0, 0);
	EXPECT_DONE(run_area(saveopt, 7, 0));
	EXPECT(word(HEADER) & 6, 0);
	EXPECT(word(AREA_AVX), 0xcccccccccccccccc);
	EXPECT(word(160), 0xcccccccccccccccc);
}

static void xsavec_compacts(void)
{
	PREPARE(0xcc);
	SKIP_UNLESS(cpuid(0xd, 1).a & 2, "no XSAVEC");
	(void)run_area(fill_all, 0, 5);
	(void)run_area(clear_all, 0, 0);
	EXPECT_DONE(run_area(savec, 7, 0));
	EXPECT(word(HEADER + 8), UINT64_C(1) << 63 | 7);
	EXPECT(word(HEADER) & 6, 0);
	EXPECT(word(AREA_AVX), 0xcccccccccccccccc);
	(void)run_area(fill_all, 0, 5);
	EXPECT_DONE(run_area(savec, 5, 0));
	EXPECT(word(HEADER), 5);
	EXPECT(word(HEADER + 8), UINT64_C(1) << 63 | 5);
	EXPECT(word(AREA_AVX + 5 * 16), UINT64_MAX);
	EXPECT(word(160 + 3 * 16), 0xcccccccccccccccc);
	(void)run_area(clear_all, 0, 0);
	EXPECT_DONE(run_area(restore, 7, 0));
	EXPECT(run_area(read_all, 0, 0).gpr[RDX], UINT64_MAX);
}

static void xrstor_brings_back_and_initialises(void)
{
	struct state s;

	PREPARE(0);
	(void)run_area(fill_all, 0, 0x55aa);
	(void)run_area(save, 7, 0);
	(void)run_area(clear_all, 0, 0);
	EXPECT_DONE(run_area(restore, 7, 0));
	s = run_area(read_all, 0, 0);
	EXPECT(s.gpr[RDX], UINT64_MAX);
	EXPECT(s.gpr[RCX], 0x55aa);
	EXPECT(s.gpr[RAX] >> 11 & 7, 5);
	/* XSTATE_BV without AVX: its initial state, if it is asked for. */
	*(uint64_t *)(area + HEADER) = 3;
	EXPECT_DONE(run_area(restore, 3, 0));
	EXPECT(run_area(read_all, 0, 0).gpr[RDX], UINT64_MAX);
	EXPECT_DONE(run_area(restore, 7, 0));
	EXPECT(run_area(read_all, 0, 0).gpr[RDX], 0);
}

static void xrstor_refuses_bad_headers(void)
{
	PREPARE(0);
	*(uint32_t *)(area + 24) = 0x1f80;
	*(uint64_t *)(area + HEADER) = 8;
	EXPECT(run_area(restore, 7, 0).vector, 13);
	*(uint64_t *)(area + HEADER) = 7;
	*(uint64_t *)(area + HEADER + 8) = 1;
	EXPECT(run_area(restore, 7, 0).vector, 13);
	*(uint64_t *)(area + HEADER + 8) = 0;
	*(uint64_t *)(area + HEADER + 16) = 1;
	EXPECT(run_area(restore, 7, 0).vector, 13);
	*(uint64_t *)(area + HEADER + 16) = 0;
	*(uint32_t *)(area + 24) = 0x11f80;
	EXPECT(run_area(restore, 7, 0).vector, 13);
	*(uint32_t *)(area + 24) = 0x1f80;
	EXPECT_DONE(run_area(restore, 7, 0));
}

static void xsave_of_misaligned_area_gp(void)
{
	struct state s;

	PREPARE(0);
	area += 16;
	s = run_area(save, 7, 0);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, save);
	EXPECT(run_area(restore, 7, 0).vector, 13);
}

/* The fault comes before the first byte. */
static void xsave_into_missing_page_writes_nothing(void)
{
	uint8_t *page;
	struct state s;

	PREPARE(0xcc);
	page = area;
	page_map(TEST_BASE, page, PTE_P | PTE_W);
	area = (uint8_t *)TEST_BASE + 4096 - 576;
	s = run_area(save, 7, 0);
	EXPECT(s.vector, 14);
	EXPECT(s.error, PF_W);
	EXPECT(s.cr2, TEST_BASE + 4096);
	EXPECT(*(uint64_t *)(page + 4096 - 576), 0xcccccccccccccccc);
}

static void fxsave_and_fxrstor(void)
{
	struct state s;

	PREPARE(0xcc);
	(void)run_area(fill_all, 0, 0x777);
	EXPECT_DONE(run_area(fsave, 0, 0));
	EXPECT(*(uint16_t *)area, 0x37f);
	EXPECT(area[4], 0xe0);
	EXPECT(word(160 + 7 * 16), 0x777);
	EXPECT(word(464), 0xcccccccccccccccc);
	(void)run_area(clear_all, 0, 0);
	EXPECT_DONE(run_area(frestore, 0, 0));
	s = run_area(read_all, 0, 0);
	EXPECT(s.gpr[RCX], 0x777);
	EXPECT(s.gpr[RAX] >> 11 & 7, 5);
	*(uint32_t *)(area + 24) = 0x80001f80;
	EXPECT(run_area(frestore, 0, 0).vector, 13);
}

CODE(x87_divide,
     "fninit; push $0x37b; fldcw (%rsp); fld1; fldz; fdivrp; x87_divide_at: fwait; fld1");
LABEL(x87_divide_at);

/* Unmasked x87 exceptions wait for the next x87 instruction. */
static void x87_exception_at_the_next_instruction(void)
{
	struct state s;

	state_kernel(&s, x87_divide);
	run(&s);
	asm volatile("fnclex; fninit");
	EXPECT(s.vector, 16);
	EXPECT(s.error, 0);
	EXPECT(s.rip, x87_divide_at);
}

CODE(simd_divide,
     "push $0x1d80; ldmxcsr (%rsp); xorps %xmm0, %xmm0; pcmpeqd %xmm1, %xmm1; pslld $25, %xmm1; psrld $2, %xmm1;"
     "simd_divide_at: divps %xmm0, %xmm1");
LABEL(simd_divide_at);
CODE(reset_mxcsr, "push $0x1f80; ldmxcsr (%rsp)");
CODE(bad_mxcsr, "push $0x7fffffff; bad_mxcsr_at: ldmxcsr (%rsp)");
LABEL(bad_mxcsr_at);

static void simd_exception_xm_or_ud(void)
{
	struct state s;

	state_kernel(&s, simd_divide);
	run(&s);
	EXPECT(s.vector, 19);
	EXPECT(s.error, 0);
	EXPECT(s.rip, simd_divide_at);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXMMEXCPT);
	state_kernel(&s, simd_divide);
	run(&s);
	EXPECT(s.vector, 6);
	EXPECT(s.rip, simd_divide_at);
	state_kernel(&s, reset_mxcsr);
	run(&s);
	state_kernel(&s, bad_mxcsr);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, bad_mxcsr_at);
}

const struct test tests[] = {
	TEST(xsave_writes_what_is_asked_for),
	TEST(xsave_of_one_component_leaves_the_others),
	TEST(xsaveopt_skips_components_in_their_initial_state),
	TEST(xsavec_compacts),
	TEST(xrstor_brings_back_and_initialises),
	TEST(xrstor_refuses_bad_headers),
	TEST(xsave_of_misaligned_area_gp),
	TEST(xsave_into_missing_page_writes_nothing),
	TEST(fxsave_and_fxrstor),
	TEST(x87_exception_at_the_next_instruction),
	TEST(simd_exception_xm_or_ud),
	{0},
};

const struct known known_tcg[] = {
	{"xsave_of_one_component_leaves_the_others", "MXCSR is not saved with AVX alone"},
	{"xsaveopt_skips_components_in_their_initial_state",
	 "vector state counts as in use always"},
	{"xrstor_refuses_bad_headers", "MXCSR is not checked"},
	{"xsave_into_missing_page_writes_nothing", "what fits is written"},
	{"fxsave_and_fxrstor", "MXCSR is not checked"},
	{"simd_exception_xm_or_ud", "no SIMD exceptions"},
	{0},
};
