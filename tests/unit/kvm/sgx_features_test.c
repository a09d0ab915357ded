// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Patches "SGX_LC depends on SGX", "SGX1 and SGX2 sub-features", "reverse CPUID for scattered
 * features", "reverse CPUID for SGX1 and SGX2".
 */
#include "fixture.h"

#include "kvm/sgx_features.h"

#define ALL (BIT32(SGX_NR_FEATURES) - 1)

static void feature_clears_what_depends_on_it(void **state)
{
	assert_int_equal(sgx_features_without(ALL, SGX_FEATURE_SGX), 0);
	assert_int_equal(sgx_features_without(ALL, SGX_FEATURE_LC), ALL & ~BIT32(SGX_FEATURE_LC));
	assert_int_equal(sgx_features_without(ALL, SGX_FEATURE_SGX1),
			 BIT32(SGX_FEATURE_SGX) | BIT32(SGX_FEATURE_LC));
	assert_int_equal(sgx_features_without(ALL, SGX_FEATURE_SGX2),
			 ALL & ~BIT32(SGX_FEATURE_SGX2));
}

static void features_have_their_hardware_places(void **state)
{
	static const struct sgx_feature_place places[] = {
		[SGX_FEATURE_SGX] = {7, 0, CPUID_EBX, 2},
		[SGX_FEATURE_LC] = {7, 0, CPUID_ECX, 30},
		[SGX_FEATURE_SGX1] = {0x12, 0, CPUID_EAX, 0},
		[SGX_FEATURE_SGX2] = {0x12, 0, CPUID_EAX, 1},
	};

	for (unsigned int i = 0; i < SGX_NR_FEATURES; i++) {
		struct sgx_feature_place place = sgx_feature_place((enum sgx_feature)i);

		assert_memory_equal(&place, &places[i], sizeof(place));
	}
}

/* Each subset of the bits in a table, asked one by one and all together. */
static void table_has_what_its_bits_say(void **state)
{
	for (uint32_t set = 0; set <= ALL; set++) {
		struct cpuid_table table = {.count = 2,
					    .entry = {{.leaf = 7, .has_subleaf = true},
						      {.leaf = 0x12, .has_subleaf = true}}};
		uint32_t with_parents = set;

		for (unsigned int i = 0; i < SGX_NR_FEATURES; i++) {
			struct sgx_feature_place p = sgx_feature_place((enum sgx_feature)i);

			if (set & BIT32(i))
				table.entry[p.leaf == 0x12].regs[p.reg] |= BIT32(p.bit);
		}
		for (unsigned int i = 0; i < SGX_NR_FEATURES; i++)
			assert_int_equal(cpuid_has_sgx_feature(&table, (enum sgx_feature)i),
					 set >> i & 1);
		for (unsigned int i = 0; i < SGX_NR_FEATURES; i++)
			if (!(set & BIT32(i)))
				with_parents =
					sgx_features_without(with_parents, (enum sgx_feature)i);
		assert_int_equal(sgx_features_of(&table), with_parents);
	}
}

const struct CMUnitTest sgx_features_tests[] = {
	cmocka_unit_test(feature_clears_what_depends_on_it),
	cmocka_unit_test(features_have_their_hardware_places),
	cmocka_unit_test(table_has_what_its_bits_say),
};
const size_t sgx_features_test_count = ARRAY_SIZE(sgx_features_tests);
