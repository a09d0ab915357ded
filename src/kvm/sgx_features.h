/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SGX as CPUID features. Linux keeps the bits of leaf 12H scattered in words of its own, and
 * KVM finds their hardware places by a reverse table; here there is only that table.
 */
#ifndef EXCLAVE_KVM_SGX_FEATURES_H
#define EXCLAVE_KVM_SGX_FEATURES_H

#include "cpu/cpuid.h"

/* Name, leaf, sub-leaf, register, bit, the feature that it depends on (itself: none). */
#define SGX_FEATURES(X)                                             \
	X(SGX_FEATURE_SGX, 0x7, 0, CPUID_EBX, 2, SGX_FEATURE_SGX)   \
	X(SGX_FEATURE_LC, 0x7, 0, CPUID_ECX, 30, SGX_FEATURE_SGX)   \
	X(SGX_FEATURE_SGX1, 0x12, 0, CPUID_EAX, 0, SGX_FEATURE_SGX) \
	X(SGX_FEATURE_SGX2, 0x12, 0, CPUID_EAX, 1, SGX_FEATURE_SGX1)

enum sgx_feature {
#define SGX_FEATURE_ENUM(name, leaf, subleaf, reg, bit, parent) name,
	SGX_FEATURES(SGX_FEATURE_ENUM)
#undef SGX_FEATURE_ENUM
	SGX_NR_FEATURES,
};

struct sgx_feature_place {
	uint32_t leaf;
	uint32_t subleaf;
	enum cpuid_reg reg;
	unsigned int bit;
};

struct sgx_feature_place sgx_feature_place(enum sgx_feature feature);

/* A set of features is BIT32(feature) for each. */

/* Without @feature, and without those that need it. */
uint32_t sgx_features_without(uint32_t set, enum sgx_feature feature);

/* What the host offers to guests. */
uint32_t sgx_features_of_host(void);

/* Does a table say that its processor has @feature, whatever else it says? */
bool cpuid_has_sgx_feature(const struct cpuid_table *table, enum sgx_feature feature);

/* The features of a table that have all that they depend on. */
uint32_t sgx_features_of(const struct cpuid_table *table);

#endif
