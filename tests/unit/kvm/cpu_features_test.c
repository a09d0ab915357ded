// SPDX-License-Identifier: GPL-2.0-or-later
/* What the option cpu-features takes away: names, what depends on them, the bits of CPUID. */
#include "tests.h"

#include "kvm/cpu_features.h"
#include "lib/bits.h"

#include <errno.h>

static void list_of_names_is_a_set(void **state)
{
	uint64_t removed;

	(void)state;
	assert_int_equal(cpu_features_parse("-sha_ni", &removed), 0);
	assert_int_equal(removed, BIT64(CPU_FEATURE_sha_ni));
	assert_int_equal(cpu_features_parse("-aes,-rdseed", &removed), 0);
	assert_int_equal(removed, BIT64(CPU_FEATURE_aes) | BIT64(CPU_FEATURE_rdseed));
}

static void anything_else_einval(void **state)
{
	static const char *const bad[] = {"",       "-",       "avx2",       "+avx2", "-avx3",
					  "-avx2,", "-avx2,x", "-avx2 -aes", "-AVX2", ",-avx2"};
	uint64_t removed = 5;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(cpu_features_parse(bad[i], &removed), -EINVAL);
	assert_int_equal(removed, 5);
}

static void children_go_with_their_parent(void **state)
{
	uint32_t leaf1[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	uint32_t leaf7[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	uint32_t leafd[4] = {7, 832, 832, 0};
	uint64_t removed;

	(void)state;
	assert_int_equal(cpu_features_parse("-avx", &removed), 0);
	cpu_features_mask(removed, 1, 0, leaf1);
	assert_int_equal(leaf1[CPUID_ECX], ~(BIT32(28) | BIT32(12) | BIT32(29)));
	assert_int_equal(leaf1[CPUID_EDX], UINT32_MAX);
	cpu_features_mask(removed, 7, 0, leaf7);
	assert_int_equal(leaf7[CPUID_EBX], ~BIT32(5));
	assert_int_equal(leaf7[CPUID_ECX], ~(BIT32(9) | BIT32(10)));
	cpu_features_mask(removed, 0xd, 0, leafd);
	assert_int_equal(leafd[CPUID_EAX], 3);
}

static void another_leaf_stays(void **state)
{
	uint32_t regs[4] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
	uint64_t removed;

	(void)state;
	assert_int_equal(cpu_features_parse("-avx2,-xsaves", &removed), 0);
	cpu_features_mask(removed, 7, 1, regs);
	cpu_features_mask(removed, 1, 0, regs);
	cpu_features_mask(removed, 0xd, 0, regs);
	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		assert_int_equal(regs[i], UINT32_MAX);
}

/* with_children() of one pass relies on it. */
static void parents_stand_before_their_children(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++)
		assert_true(cpu_feature_rows[i].parent <= i);
}

const struct CMUnitTest cpu_features_tests[] = {
	cmocka_unit_test(list_of_names_is_a_set),
	cmocka_unit_test(anything_else_einval),
	cmocka_unit_test(children_go_with_their_parent),
	cmocka_unit_test(another_leaf_stays),
	cmocka_unit_test(parents_stand_before_their_children),
};
const size_t cpu_features_test_count = ARRAY_SIZE(cpu_features_tests);
