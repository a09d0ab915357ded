// SPDX-License-Identifier: GPL-2.0-or-later
/* x86-64-v3 as the System V ABI has it, asked of processors that are made up. */
#include "tests.h"

#include "lib/bits.h"
#include "tools/processor.h"

#include <string.h>

#define ALL_XCR0 (XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)

/* Of the processor: the highest leaves, and one bit that it lacks. */
static uint32_t highest, highest_extended;
static uint32_t lacking_leaf, lacking_bit;
static enum cpuid_reg lacking_reg;

static void all_but_one(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	memset(regs, 0xff, CPUID_NR_REGS * sizeof(regs[0]));
	if (leaf == 0)
		regs[CPUID_EAX] = highest;
	else if (leaf == 0x80000000)
		regs[CPUID_EAX] = highest_extended;
	else if (leaf == lacking_leaf)
		regs[lacking_reg] &= ~BIT32(lacking_bit);
}

static void make_processor(uint32_t leaf, enum cpuid_reg reg, uint32_t bit)
{
	highest = 0x16;
	highest_extended = 0x80000008;
	lacking_leaf = leaf;
	lacking_reg = reg;
	lacking_bit = bit;
}

static void complete_processor_lacks_nothing(void **state)
{
	(void)state;
	make_processor(0x1234, CPUID_EAX, 0);
	assert_null(processor_lacks(all_but_one, ALL_XCR0));
	assert_true(processor_has_virtualization(all_but_one));
}

static void missing_feature_is_named(void **state)
{
	static const struct {
		uint32_t leaf;
		enum cpuid_reg reg;
		uint32_t bit;
		const char *name;
	} rows[] = {
		{1, CPUID_ECX, 12, "fma"},           {1, CPUID_ECX, 13, "cx16"},
		{1, CPUID_ECX, 22, "movbe"},         {1, CPUID_ECX, 28, "avx"},
		{1, CPUID_ECX, 29, "f16c"},          {7, CPUID_EBX, 3, "bmi1"},
		{7, CPUID_EBX, 5, "avx2"},           {7, CPUID_EBX, 8, "bmi2"},
		{0x80000001, CPUID_ECX, 5, "lzcnt"}, {0x80000001, CPUID_ECX, 0, "lahf_lm"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_processor(rows[i].leaf, rows[i].reg, rows[i].bit);
		assert_string_equal(processor_lacks(all_but_one, ALL_XCR0), rows[i].name);
	}
}

/* Leaves above the highest answer with whatever the highest has. */
static void leaf_that_is_not_there_has_nothing(void **state)
{
	(void)state;
	make_processor(0x1234, CPUID_EAX, 0);
	highest = 6;
	assert_string_equal(processor_lacks(all_but_one, ALL_XCR0), "avx2");
}

static void system_without_avx_lacks_it(void **state)
{
	(void)state;
	make_processor(0x1234, CPUID_EAX, 0);
	assert_non_null(strstr(processor_lacks(all_but_one, XFEATURE_MASK_FP), "not enabled"));
	assert_non_null(processor_lacks(all_but_one, 0));
}

/* The compiler knows it too, what is newest of it by name with any compiler. */
static void this_machine_as_the_compiler_says(void **state)
{
	(void)state;
	assert_int_equal(!processor_lacks(cpuid_host, processor_xcr0()),
			 __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
				 __builtin_cpu_supports("fma"));
}

const struct CMUnitTest processor_tests[] = {
	cmocka_unit_test(complete_processor_lacks_nothing),
	cmocka_unit_test(missing_feature_is_named),
	cmocka_unit_test(leaf_that_is_not_there_has_nothing),
	cmocka_unit_test(system_without_avx_lacks_it),
	cmocka_unit_test(this_machine_as_the_compiler_says),
};
const size_t processor_test_count = ARRAY_SIZE(processor_tests);
