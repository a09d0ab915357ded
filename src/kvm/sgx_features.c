// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/sgx_features.h"

#include "host/mode.h"
#include "host/platform.h"
#include "kvm/cpu_features.h"
#include "lib/bits.h"

#include <pthread.h>

static const struct {
	struct sgx_feature_place place;
	enum sgx_feature parent;
} features[SGX_NR_FEATURES] = {
#define SGX_FEATURE_ENTRY(name, leaf, subleaf, reg, bit, parent) \
	[name] = {{leaf, subleaf, reg, bit}, parent},
	SGX_FEATURES(SGX_FEATURE_ENTRY)
#undef SGX_FEATURE_ENTRY
};

struct sgx_feature_place sgx_feature_place(enum sgx_feature feature)
{
	return features[feature].place;
}

/* Parents stand before their children. */
static uint32_t with_parents_only(uint32_t set)
{
	for (unsigned int i = 0; i < SGX_NR_FEATURES; i++)
		if (!(set & BIT32(features[i].parent)))
			set &= ~BIT32(i);
	return set;
}

uint32_t sgx_features_without(uint32_t set, enum sgx_feature feature)
{
	return with_parents_only(set & ~BIT32(feature));
}

/* Of those that the option cpu-features leaves. */
static bool is_left(enum sgx_feature feature)
{
	const struct sgx_feature_place *place = &features[feature].place;
	uint32_t regs[CPUID_NR_REGS] = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

	cpu_features_mask(cpu_features_removed(), place->leaf, place->subleaf, regs);
	return regs[place->reg] & BIT32(place->bit);
}

static uint32_t of_host;

/* A host without a platform identity, or without room for EPC, says so once and has no SGX. */
static void find_features_of_host(void)
{
	uint32_t set = BIT32(SGX_NR_FEATURES) - 1;
	struct sgx_host *host;

	for (unsigned int i = 0; i < SGX_NR_FEATURES; i++)
		if (!is_left((enum sgx_feature)i))
			set = sgx_features_without(set, (enum sgx_feature)i);
	if (!host_mode()->launch_control)
		set = sgx_features_without(set, SGX_FEATURE_LC);
	if (!host_mode()->vepc || sgx_host_get(&host))
		set = sgx_features_without(set, SGX_FEATURE_SGX);
	of_host = set;
}

uint32_t sgx_features_of_host(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_features_of_host);
	return of_host;
}

bool cpuid_has_sgx_feature(const struct cpuid_table *table, enum sgx_feature feature)
{
	const struct sgx_feature_place *place = &features[feature].place;
	const struct cpuid_entry *e = cpuid_find(table, place->leaf, place->subleaf);

	return e && (e->regs[place->reg] & BIT32(place->bit));
}

uint32_t sgx_features_of(const struct cpuid_table *table)
{
	uint32_t set = 0;

	for (unsigned int i = 0; i < SGX_NR_FEATURES; i++)
		if (cpuid_has_sgx_feature(table, (enum sgx_feature)i))
			set |= BIT32(i);
	return with_parents_only(set);
}
