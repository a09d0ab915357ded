// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID: what is offered against this host, and how a guest's table answers. */
#include "tests.h"

#include "cpu/cpuid.h"

static struct cpuid_table table;

static struct fixture *with_offer(void)
{
	static const struct cpuid_entry extra_entries[] = {
		{0x12, 0, true, {3, 1, 0, 0x241f}},
		{0x40000000, 0, false, {0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d}},
	};
	static const struct cpuid_extra extra = {
		.sgx = true,
		.sgx_lc = true,
		.x2apic = true,
		.tsc_khz = 2100000,
		.entries = extra_entries,
		.entry_count = 2,
	};
	struct fixture *f = fixture_init(MODE_64BIT, 0);

	cpuid_offer(&table, cpuid_host, &extra);
	cpu_set_cpuid(&f->cpu, &table);
	return f;
}

static void ask(struct fixture *f, uint32_t leaf, uint32_t subleaf, uint32_t *regs)
{
	assert_int_equal(cpu_cpuid(&f->cpu, leaf, subleaf, regs), CPU_OK);
}

/* Instructions that run natively are offered exactly when the host has them. */
static void instructions_are_the_hosts(void **state)
{
	static const struct {
		uint32_t leaf, reg, mask;
	} same[] = {
		{1, CPUID_EDX, 0x07888101},
		/* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
		{1, CPUID_ECX, 0x76d83203},
		/* FSGSBASE BMI1 AVX2 BMI2 ERMS RDSEED ADX CLFLUSHOPT CLWB SHA */
		{7, CPUID_EBX, 0x218c0329},
		{7, CPUID_ECX, 0x00400700},
		{7, CPUID_EDX, 0x00000010},
		{0x80000001, CPUID_ECX, 0x00000121},
		{0x80000001, CPUID_EDX, 0x08000000},
	};
	struct fixture *f = with_offer();

	for (unsigned int i = 0; i < ARRAY_SIZE(same); i++) {
		uint32_t host[4], guest[4];

		cpuid_host(same[i].leaf, 0, host);
		ask(f, same[i].leaf, 0, guest);
		assert_int_equal(guest[same[i].reg] & same[i].mask,
				 host[same[i].reg] & same[i].mask);
	}
}

/* What the engine does not carry out: TSX, CET, AMX, WAITPKG, MONITOR, VMX, SMX, AVX-512, LA57, PKU ... */
static void never_offered(void **state)
{
	static const struct {
		uint32_t leaf, reg, mask;
	} never[] = {
		{1, CPUID_ECX, 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 15},
		{1, CPUID_EDX, 1u << 1 | 1u << 21 | 1u << 22},
		{7, CPUID_EBX,
		 1u << 4 | 1u << 11 | 1u << 14 | 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 |
			 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31 | 1u << 25},
		{7, CPUID_ECX,
		 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 11 | 1u << 12 |
			 1u << 14 | 1u << 16 | 1u << 27 | 1u << 28 | 1u << 31},
		{7, CPUID_EDX,
		 1u << 2 | 1u << 3 | 1u << 8 | 1u << 11 | 1u << 14 | 1u << 16 | 1u << 18 |
			 1u << 20 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25},
		{0xa, CPUID_EAX, UINT32_MAX},
		{0xd, CPUID_EAX, ~7u},
	};
	struct fixture *f = with_offer();

	for (unsigned int i = 0; i < ARRAY_SIZE(never); i++) {
		uint32_t regs[4];

		ask(f, never[i].leaf, 0, regs);
		assert_int_equal(regs[never[i].reg] & never[i].mask, 0);
	}
}

static void vendor_is_intel_on_every_host(void **state)
{
	struct fixture *f = with_offer();
	uint32_t regs[4];

	ask(f, 0, 0, regs);
	assert_int_equal(regs[CPUID_EAX], 0x16);
	assert_memory_equal(&regs[CPUID_EBX], "Genu", 4);
	assert_memory_equal(&regs[CPUID_EDX], "ineI", 4);
	assert_memory_equal(&regs[CPUID_ECX], "ntel", 4);
}

/* Our own XCR0 is what the host runs with; the layout of the components is the host's. */
static void xsave_layout_is_the_hosts(void **state)
{
	struct fixture *f = with_offer();
	uint32_t host[4], guest[4];

	ask(f, 0xd, 2, guest);
	cpuid_host(0xd, 2, host);
	assert_int_equal(guest[CPUID_EAX], host[CPUID_EAX]);
	assert_int_equal(guest[CPUID_EBX], host[CPUID_EBX]);
	f->cpu.state.xcr0 = 1;
	ask(f, 0xd, 0, guest);
	assert_int_equal(guest[CPUID_EBX], 576);
	assert_int_equal(guest[CPUID_ECX], host[CPUID_EAX] + host[CPUID_EBX]);
	f->cpu.state.xcr0 = 7;
	ask(f, 0xd, 0, guest);
	assert_int_equal(guest[CPUID_EBX], host[CPUID_EAX] + host[CPUID_EBX]);
	ask(f, 0xd, 1, guest);
	if (guest[CPUID_EAX] & 0xa)
		assert_int_equal(guest[CPUID_EBX], 576 + host[CPUID_EAX]);
	ask(f, 0xd, 5, guest);
	assert_true(is_zero(guest, sizeof(guest)));
}

/* SDM "XSAVE-Supported Features": gaps in the standard form, alignment in the compacted one. */
static void xsave_size_standard_and_compacted(void **state)
{
	static const struct cpuid_table layout = {
		.count = 3,
		.entry = {{0xd, 2, true, {256, 576, 0, 0}},
			  {0xd, 8, true, {8, 0, 1, 0}},
			  {0xd, 9, true, {64, 2688, 2, 0}}},
	};

	assert_int_equal(cpuid_xsave_size(&layout, 3, false), 576);
	assert_int_equal(cpuid_xsave_size(&layout, 7, false), 832);
	assert_int_equal(cpuid_xsave_size(&layout, 0x203, false), 2752);
	assert_int_equal(cpuid_xsave_size(&layout, 0x203, true), 640);
	assert_int_equal(cpuid_xsave_size(&layout, 0x303, true), 576 + 64 + 64);
	assert_int_equal(cpuid_xsave_size(&layout, 0x107, true), 832 + 8);
}

static void osxsave_follows_cr4(void **state)
{
	struct fixture *f = with_offer();
	uint32_t regs[4];

	ask(f, 1, 0, regs);
	assert_false(regs[CPUID_ECX] & 1u << 27);
	f->cpu.state.cr4 |= X86_CR4_OSXSAVE;
	ask(f, 1, 0, regs);
	assert_true(regs[CPUID_ECX] & 1u << 27);
}

/* SDM CPUID "If a value entered for CPUID.EAX is higher than the maximum ...". */
static void leaf_above_maximum_answers_as_highest_basic(void **state)
{
	static const uint32_t beyond[] = {0x17,       0xffff,     0x20000000, 0x80000009,
					  0x8fffffff, 0x40000010, 0xffffffff, 0x12345678};
	struct fixture *f = with_offer();
	uint32_t highest[4], regs[4];

	ask(f, 0x16, 0, highest);
	assert_int_equal(highest[CPUID_EAX], 2100);
	for (unsigned int i = 0; i < ARRAY_SIZE(beyond); i++) {
		ask(f, beyond[i], 0, regs);
		assert_memory_equal(regs, highest, sizeof(regs));
	}
	/* In range but without data: zeros. */
	ask(f, 8, 0, regs);
	assert_true(is_zero(regs, sizeof(regs)));
	ask(f, 0x80000005, 0, regs);
	assert_true(is_zero(regs, sizeof(regs)));
	ask(f, 7, 5, regs);
	assert_true(is_zero(regs, sizeof(regs)));
}

/* SDM leaf 0xB: a level beyond the last keeps ECX[7:0] and EDX, the x2APIC ID. */
static void topology_end_keeps_level_and_id(void **state)
{
	static const struct cpuid_table topology = {
		.count = 3,
		.entry = {{0, 0, false, {0x16, 0, 0, 0}},
			  {0xb, 0, true, {1, 2, 0x100, 5}},
			  {0xb, 1, true, {4, 8, 0x201, 5}}},
	};
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	uint32_t regs[4];

	cpu_set_cpuid(&f->cpu, &topology);
	ask(f, 0xb, 7, regs);
	assert_int_equal(regs[CPUID_EAX] | regs[CPUID_EBX], 0);
	assert_int_equal(regs[CPUID_ECX], 7);
	assert_int_equal(regs[CPUID_EDX], 5);
}

static void cpuid_faulting_at_cpl3_gp(void **state)
{
	struct fixture *f = with_offer();
	uint32_t regs[4];

	f->cpu.msr.misc_features_enables = 1;
	ask(f, 0, 0, regs);
	f->cpu.state.cpl = 3;
	assert_fault(f, cpu_cpuid(&f->cpu, 0, 0, regs), GP_VECTOR, 0);
}

static void extras_are_added(void **state)
{
	struct fixture *f = with_offer();
	uint32_t regs[4];

	ask(f, 7, 0, regs);
	assert_true(regs[CPUID_EBX] & 1u << 2);
	assert_true(regs[CPUID_ECX] & 1u << 30);
	ask(f, 0x12, 0, regs);
	assert_int_equal(regs[CPUID_EDX], 0x241f);
	ask(f, 0x15, 0, regs);
	/* TSC frequency = crystal * EBX / EAX. */
	assert_int_equal((uint64_t)regs[CPUID_ECX] * regs[CPUID_EBX] / regs[CPUID_EAX], 2100000000);
}

static void features_follow_the_table(void **state)
{
	static const struct cpuid_table none = {.count = 0};
	struct fixture *f = with_offer();

	assert_true(f->cpu.features.cr4_allowed & X86_CR4_PCIDE);
	assert_false(f->cpu.features.cr4_allowed & (X86_CR4_VME | X86_CR4_VMXE | X86_CR4_LA57));
	assert_int_equal(f->cpu.features.efer_allowed, EFER_SCE | EFER_LME | EFER_NX);
	assert_int_equal(f->cpu.features.xcr0_allowed & ~7ull, 0);
	assert_int_equal(f->cpu.features.spec_ctrl_allowed, 7);
	assert_true(f->cpu.features.smap && f->cpu.features.lm && f->cpu.features.tsc_adjust);
	cpu_set_cpuid(&f->cpu, &none);
	assert_int_equal(f->cpu.features.efer_allowed, 0);
	assert_int_equal(f->cpu.features.phys_bits, 36);
	assert_false(f->cpu.features.smap);
}

/* A host with nothing but basic leaf 1: nothing is invented but what is our own. */
static void poor_host(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	memset(regs, 0, 4 * sizeof(regs[0]));
	if (leaf == 0)
		regs[CPUID_EAX] = 1;
	else if (leaf == 0x80000000)
		regs[CPUID_EAX] = 0x80000001;
	else if (leaf != 1 && leaf != 0x80000001)
		memset(regs, 0xff, 4 * sizeof(regs[0]));
}

static void poor_host_offers_only_our_own(void **state)
{
	static const struct cpuid_extra extra;
	struct fixture *f = fixture_init(MODE_64BIT, 0);
	uint32_t regs[4];

	cpuid_offer(&table, poor_host, &extra);
	cpu_set_cpuid(&f->cpu, &table);
	ask(f, 7, 0, regs);
	assert_int_equal(regs[CPUID_EBX] & (1u << 3 | 1u << 5 | 1u << 8 | 1u << 29), 0);
	ask(f, 0xd, 0, regs);
	assert_int_equal(regs[CPUID_EAX], 0);
	assert_int_equal(f->cpu.features.xcr0_allowed, 0);
}

const struct CMUnitTest cpuid_tests[] = {
	cmocka_unit_test(instructions_are_the_hosts),
	cmocka_unit_test(never_offered),
	cmocka_unit_test(vendor_is_intel_on_every_host),
	cmocka_unit_test(xsave_layout_is_the_hosts),
	cmocka_unit_test(xsave_size_standard_and_compacted),
	cmocka_unit_test(osxsave_follows_cr4),
	cmocka_unit_test(leaf_above_maximum_answers_as_highest_basic),
	cmocka_unit_test(topology_end_keeps_level_and_id),
	cmocka_unit_test(cpuid_faulting_at_cpl3_gp),
	cmocka_unit_test(extras_are_added),
	cmocka_unit_test(features_follow_the_table),
	cmocka_unit_test(poor_host_offers_only_our_own),
};
const size_t cpuid_test_count = ARRAY_SIZE(cpuid_tests);
