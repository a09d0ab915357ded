// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Control registers, EFER, XCR0 and MSRs: what is refused, by #GP(0) with nothing
 * changed; CPUID against what the control registers accept; the time-stamp counter.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

CODE(set_cr0, "mov %rax, %cr0");
CODE(set_cr3, "mov %rax, %cr3");
CODE(set_cr4, "mov %rax, %cr4");
CODE(set_cr8, "mov %rax, %cr8");
CODE(get_cr8, "mov %cr8, %rax");
CODE(set_msr, "wrmsr");
CODE(get_msr, "rdmsr");
CODE(set_xcr, "xsetbv");
CODE(get_xcr, "xgetbv");

static struct state run_with(const char *code, uint64_t rax, uint64_t rdx, uint64_t rcx)
{
	struct state s;

	state_kernel(&s, code);
	s.gpr[RAX] = rax;
	s.gpr[RDX] = rdx;
	s.gpr[RCX] = rcx;
	run(&s);
	return s;
}

static void expect_gp(const char *code, uint64_t rax)
{
	struct state s = run_with(code, rax, 0, 0);

	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, code);
}

static void cr0_refuses_inconsistent_bits(void)
{
	uint64_t cr0 = read_cr0();

	SKIP_UNLESS(platform() != PLATFORM_TCG, "TCG obeys, and the guest ends");
	expect_gp(set_cr0, cr0 & ~1ull);
	expect_gp(set_cr0, cr0 | 1u << 29);
	expect_gp(set_cr0, cr0 | 1ull << 32);
	EXPECT(read_cr0(), cr0);
}

/* Reserved bits below 32 are ignored and read as 0; ET is always 1. */
static void cr0_ignores_reserved_bits(void)
{
	uint64_t cr0 = read_cr0();
	struct state s = run_with(set_cr0, (cr0 | 1u << 6 | 1u << 17) & ~16ull, 0, 0);

	EXPECT_DONE(s);
	EXPECT(read_cr0(), cr0);
}

static void cr3_refuses_reserved_bits(void)
{
	SKIP_UNLESS(platform() != PLATFORM_TCG, "TCG obeys, and the guest ends");
	expect_gp(set_cr3, read_cr3() | 1ull << 52);
	expect_gp(set_cr3, read_cr3() | 1ull << 63);
}

static void cr4_refuses_what_cpuid_does_not_offer(void)
{
	uint64_t cr4 = read_cr4();

	SKIP_UNLESS(platform() != PLATFORM_TCG, "TCG obeys, and the guest ends");
	expect_gp(set_cr4, cr4 | 1ull << 32);
	expect_gp(set_cr4, cr4 | 1ull << 31);
	if (!has_smep())
		expect_gp(set_cr4, cr4 | CR4_SMEP);
	if (!has_smap())
		expect_gp(set_cr4, cr4 | CR4_SMAP);
	if (!has_pcid())
		expect_gp(set_cr4, cr4 | CR4_PCIDE);
	EXPECT(read_cr4(), cr4);
}

/* SDM "CR4.PCIDE": it can be set only while CR3 names no PCID, and CR0.PG stays with it. */
static void cr4_pcide_needs_pcid_zero(void)
{
	uint64_t cr3 = read_cr3();

	SKIP_UNLESS(has_pcid(), "no PCID");
	write_cr3(cr3 | 8);
	expect_gp(set_cr4, read_cr4() | CR4_PCIDE);
	write_cr3(cr3);
}

static void cr8_keeps_four_bits(void)
{
	struct state s = run_with(set_cr8, 5, 0, 0);

	EXPECT_DONE(s);
	s = run_with(get_cr8, 0, 0, 0);
	EXPECT(s.gpr[RAX], 5);
	expect_gp(set_cr8, 16);
	(void)run_with(set_cr8, 0, 0, 0);
}

static void efer_refuses_reserved_bits(void)
{
	uint64_t efer = rdmsr(MSR_EFER);
	struct state s = run_with(set_msr, (uint32_t)efer | 2, 0, MSR_EFER);

	EXPECT(s.vector, 13);
	s = run_with(set_msr, (uint32_t)efer, 1, MSR_EFER);
	EXPECT(s.vector, 13);
	EXPECT(rdmsr(MSR_EFER), efer);
}

/* LMA is the processor's own. */
static void efer_lma_cannot_be_written(void)
{
	uint64_t efer = rdmsr(MSR_EFER);
	struct state s = run_with(set_msr, (uint32_t)efer & ~0x400u, 0, MSR_EFER);

	EXPECT_DONE(s);
	EXPECT(rdmsr(MSR_EFER), efer);
}

static void unknown_msr_gp(void)
{
	struct state s = run_with(get_msr, 0x1111, 0x2222, 0x12345678);

	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, get_msr);
	EXPECT(s.gpr[RAX], 0x1111);
	s = run_with(set_msr, 0, 0, 0x12345678);
	EXPECT(s.vector, 13);
}

static void msr_address_must_be_canonical(void)
{
	static const uint32_t list[] = {MSR_LSTAR,     MSR_FS_BASE,      MSR_GS_BASE,
					MSR_KERNEL_GS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct state s = run_with(set_msr, 0, 0x8000, list[i]);

		report_case(list[i]);
		EXPECT(s.vector, 13);
		s = run_with(set_msr, 0x1000, 0x7fff, list[i]);
		EXPECT_DONE(s);
		EXPECT(rdmsr(list[i]), 0x7fff00001000);
	}
}

/* RDMSR clears the upper halves; the high half of RCX does not count. */
static void msr_moves_by_halves(void)
{
	struct state s;

	wrmsr(MSR_KERNEL_GS, 0xffff888812345678);
	s = run_with(get_msr, UINT64_MAX, UINT64_MAX, MSR_KERNEL_GS | UINT64_C(7) << 32);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], 0x12345678);
	EXPECT(s.gpr[RDX], 0xffff8888);
}

static void xcr0_refuses_bad_combinations(void)
{
	uint64_t xcr0;
	struct state s;

	SKIP_UNLESS(has_xsave(), "no XSAVE");
	xcr0 = xgetbv(0);
	s = run_with(set_xcr, (uint32_t)xcr0 & ~1u, 0, 0);
	EXPECT(s.vector, 13);
	s = run_with(set_xcr, 5, 0, 0);
	EXPECT(s.vector, 13);
	s = run_with(set_xcr, 7, 0x80000000, 0);
	EXPECT(s.vector, 13);
	s = run_with(set_xcr, 3, 0, 1);
	EXPECT(s.vector, 13);
	s = run_with(get_xcr, 0, 0, 2);
	EXPECT(s.vector, 13);
	EXPECT(xgetbv(0), xcr0);
	s = run_with(set_xcr, 3, 0, 0);
	EXPECT_DONE(s);
	EXPECT(xgetbv(0), 3);
}

CODE(use_avx, "vxorps %xmm0, %xmm0, %xmm0");

static void avx_needs_osxsave_and_xcr0(void)
{
	struct state s;

	SKIP_UNLESS(has_avx(), "no AVX");
	s = run_with(use_avx, 0, 0, 0);
	EXPECT_DONE(s);
	xsetbv(0, 3);
	s = run_with(use_avx, 0, 0, 0);
	EXPECT(s.vector, 6);
	xsetbv(0, 7);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
	s = run_with(use_avx, 0, 0, 0);
	EXPECT(s.vector, 6);
	s = run_with(get_xcr, 0, 0, 0);
	EXPECT(s.vector, 6);
}

/* SDM "CPUID": OSXSAVE follows CR4; leaf 0xD gives the size for XCR0. */
static void cpuid_follows_control_registers(void)
{
	SKIP_UNLESS(has_avx(), "no AVX");
	EXPECT(cpuid(1, 0).c >> 27 & 1, 1);
	EXPECT(cpuid(0xd, 0).b, 832);
	xsetbv(0, 3);
	EXPECT(cpuid(0xd, 0).b, 576);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSXSAVE);
	EXPECT(cpuid(1, 0).c >> 27 & 1, 0);
}

static void cpuid_of_unknown_basic_leaf_is_that_of_the_highest(void)
{
	uint32_t max = cpuid(0, 0).a;
	struct cpuid want = cpuid(max, 0), got = cpuid(max + 0x1000, 0);

	EXPECT(got.a, want.a);
	EXPECT(got.b, want.b);
}

CODE(read_tsc, "rdtsc; mov %eax, %ebx; rdtsc");

static void tsc_never_goes_back(void)
{
	uint64_t before = rdtsc();

	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t now = rdtsc();

		EXPECT_TRUE(now >= before);
		before = now;
	}
}

static void tsc_at_cpl_3_by_tsd(void)
{
	struct state s;

	state_user(&s, read_tsc);
	run(&s);
	EXPECT_DONE(s);
	write_cr4(read_cr4() | CR4_TSD);
	state_user(&s, read_tsc);
	run(&s);
	EXPECT(s.vector, 13);
	state_kernel(&s, read_tsc);
	run(&s);
	EXPECT_DONE(s);
}

CODE(rdpmc_it, "rdpmc");

static void no_performance_counters_gp(void)
{
	struct state s = run_with(rdpmc_it, 0, 0, 0);

	SKIP_UNLESS((cpuid(0xa, 0).a & 0xff) == 0, "there are some");
	EXPECT(s.vector, 13);
}

CODE(clts_it, "clts");
CODE(lmsw_it, "lmsw %ax");
CODE(wbinvd_it, "wbinvd");
CODE(ltr_it, "ltr %ax");

static void privileged_instructions_at_cpl_3_gp(void)
{
	static const char *const list[] = {set_cr0, set_cr3, set_cr4, set_cr8,   get_cr8, set_msr,
					   get_msr, clts_it, lmsw_it, wbinvd_it, ltr_it};

	for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct state s;

		state_user(&s, list[i]);
		run(&s);
		report_case(i);
		EXPECT(s.vector, 13);
		EXPECT(s.error, 0);
		EXPECT(s.rip, user_address(list[i]));
	}
}

/* LMSW can set PE and never clear it; TS, EM and MP it writes. */
static void lmsw_writes_four_bits(void)
{
	uint64_t cr0 = read_cr0();
	struct state s = run_with(lmsw_it, CR0_TS, 0, 0);

	EXPECT_DONE(s);
	EXPECT(read_cr0(), (cr0 & ~(uint64_t)CR0_MP) | CR0_TS);
}

const struct test tests[] = {
	TEST(cr0_refuses_inconsistent_bits),
	TEST(cr0_ignores_reserved_bits),
	TEST(cr3_refuses_reserved_bits),
	TEST(cr4_refuses_what_cpuid_does_not_offer),
	TEST(cr4_pcide_needs_pcid_zero),
	TEST(cr8_keeps_four_bits),
	TEST(efer_refuses_reserved_bits),
	TEST(efer_lma_cannot_be_written),
	TEST(unknown_msr_gp),
	TEST(msr_address_must_be_canonical),
	TEST(msr_moves_by_halves),
	TEST(xcr0_refuses_bad_combinations),
	TEST(avx_needs_osxsave_and_xcr0),
	TEST(cpuid_follows_control_registers),
	TEST(cpuid_of_unknown_basic_leaf_is_that_of_the_highest),
	TEST(tsc_never_goes_back),
	TEST(tsc_at_cpl_3_by_tsd),
	TEST(no_performance_counters_gp),
	TEST(privileged_instructions_at_cpl_3_gp),
	TEST(lmsw_writes_four_bits),
	{0},
};

const struct known known_tcg[] = {
	{"cr0_ignores_reserved_bits", "they are kept"},
	{"cr8_keeps_four_bits", "no checks"},
	{"efer_refuses_reserved_bits", "no checks"},
	{"unknown_msr_gp", "reads as 0"},
	{"msr_address_must_be_canonical", "no checks"},
	{"no_performance_counters_gp", "#UD"},
	{0},
};
