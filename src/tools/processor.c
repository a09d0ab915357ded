// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/processor.h"

#include "lib/bits.h"

#define MAX_LEAVES_EXTENDED 0x80000000

/* System V ABI, "x86-64-v3", in the order in which processors got them. */
static const struct {
	const char *name;
	uint32_t leaf;
	enum cpuid_reg reg;
	unsigned int bit;
} wanted[] = {
	{"cx16", 1, CPUID_ECX, 13},   {"lahf_lm", 0x80000001, CPUID_ECX, 0},
	{"popcnt", 1, CPUID_ECX, 23}, {"sse4_1", 1, CPUID_ECX, 19},
	{"sse4_2", 1, CPUID_ECX, 20}, {"ssse3", 1, CPUID_ECX, 9},
	{"xsave", 1, CPUID_ECX, 26},  {"avx", 1, CPUID_ECX, 28},
	{"avx2", 7, CPUID_EBX, 5},    {"bmi1", 7, CPUID_EBX, 3},
	{"bmi2", 7, CPUID_EBX, 8},    {"f16c", 1, CPUID_ECX, 29},
	{"fma", 1, CPUID_ECX, 12},    {"lzcnt", 0x80000001, CPUID_ECX, 5},
	{"movbe", 1, CPUID_ECX, 22},
};

static bool has(cpuid_host_fn *host, uint32_t leaf, enum cpuid_reg reg, unsigned int bit)
{
	uint32_t regs[CPUID_NR_REGS];

	host(leaf & MAX_LEAVES_EXTENDED, 0, regs);
	if (regs[CPUID_EAX] < leaf)
		return false;
	host(leaf, 0, regs);
	return regs[reg] & BIT32(bit);
}

const char *processor_lacks(cpuid_host_fn *host, uint64_t xcr0)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!has(host, wanted[i].leaf, wanted[i].reg, wanted[i].bit))
			return wanted[i].name;
	return xcr0 & XFEATURE_MASK_YMM ? NULL : "avx, which the system has not enabled";
}

bool processor_has_virtualization(cpuid_host_fn *host)
{
	return has(host, 1, CPUID_ECX, 5) || has(host, 0x80000001, CPUID_ECX, 2);
}

uint64_t processor_xcr0(void)
{
	uint32_t low, high;

	if (!has(cpuid_host, 1, CPUID_ECX, 27))
		return 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}
