// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* strchrnul */
#include "kvm/cpu_features.h"

#include "host/message.h"
#include "host/options.h"
#include "lib/bits.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

const struct cpu_feature_row cpu_feature_rows[CPU_FEATURE_COUNT] = {
#define CPU_FEATURE_ROW(name, leaf, subleaf, reg, bit, parent) \
	[CPU_FEATURE_##name] = {#name, leaf, subleaf, reg, bit, CPU_FEATURE_##parent},
	CPU_FEATURES(CPU_FEATURE_ROW)
#undef CPU_FEATURE_ROW
};

static int find(const char *name, size_t length)
{
	for (int i = 0; i < CPU_FEATURE_COUNT; i++)
		if (strlen(cpu_feature_rows[i].name) == length &&
		    !memcmp(cpu_feature_rows[i].name, name, length))
			return i;
	return -1;
}

/* Parents stand before their children. */
static uint64_t with_children(uint64_t removed)
{
	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++)
		if (removed & BIT64(cpu_feature_rows[i].parent))
			removed |= BIT64(i);
	return removed;
}

int cpu_features_parse(const char *text, uint64_t *removed)
{
	uint64_t set = 0;

	for (;;) {
		const char *end = strchrnul(text, ',');
		int feature = *text == '-' ? find(text + 1, (size_t)(end - text) - 1) : -1;

		if (feature < 0)
			return -EINVAL;
		set |= BIT64(feature);
		if (!*end)
			break;
		text = end + 1;
	}
	*removed = with_children(set);
	return 0;
}

void cpu_features_mask(uint64_t removed, uint32_t leaf, uint32_t subleaf,
		       uint32_t regs[CPUID_NR_REGS])
{
	for (unsigned int i = 0; i < CPU_FEATURE_COUNT; i++) {
		const struct cpu_feature_row *row = &cpu_feature_rows[i];

		if (removed & BIT64(i) && row->leaf == leaf && row->subleaf == subleaf)
			regs[row->reg] &= ~BIT32(row->bit);
	}
	if (leaf == 0xd && subleaf == 0 && removed & BIT64(CPU_FEATURE_avx))
		regs[CPUID_EAX] &= ~(uint32_t)XFEATURE_MASK_YMM;
}

static uint64_t removed_by_option;

static void read_option(void)
{
	const char *text = option_get(OPTION_CPU_FEATURES);

	if (text && cpu_features_parse(text, &removed_by_option))
		host_warn("EXCLAVE_CPU_FEATURES=%s: is no list of features to take away, as "
			  "-avx2,-sha_ni; none is",
			  text);
}

uint64_t cpu_features_removed(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, read_option);
	return removed_by_option;
}

void cpu_features_host(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS])
{
	cpuid_host(leaf, subleaf, regs);
	cpu_features_mask(cpu_features_removed(), leaf, subleaf, regs);
}
