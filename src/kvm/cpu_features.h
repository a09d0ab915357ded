/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option cpu-features: what guests are not offered although the host's processor has it.
 * The names are those of /proc/cpuinfo.
 */
#ifndef EXCLAVE_KVM_CPU_FEATURES_H
#define EXCLAVE_KVM_CPU_FEATURES_H

#include "cpu/cpuid.h"

/* Name, leaf, sub-leaf, register, bit, the feature that it depends on (itself: none), which stands before it. */
#define CPU_FEATURES(X)                                              \
	X(pni, 0x1, 0, CPUID_ECX, 0, pni)                            \
	X(ssse3, 0x1, 0, CPUID_ECX, 9, pni)                          \
	X(sse4_1, 0x1, 0, CPUID_ECX, 19, ssse3)                      \
	X(sse4_2, 0x1, 0, CPUID_ECX, 20, sse4_1)                     \
	X(pclmulqdq, 0x1, 0, CPUID_ECX, 1, pclmulqdq)                \
	X(cx16, 0x1, 0, CPUID_ECX, 13, cx16)                         \
	X(movbe, 0x1, 0, CPUID_ECX, 22, movbe)                       \
	X(popcnt, 0x1, 0, CPUID_ECX, 23, popcnt)                     \
	X(aes, 0x1, 0, CPUID_ECX, 25, aes)                           \
	X(rdrand, 0x1, 0, CPUID_ECX, 30, rdrand)                     \
	X(avx, 0x1, 0, CPUID_ECX, 28, avx)                           \
	X(fma, 0x1, 0, CPUID_ECX, 12, avx)                           \
	X(f16c, 0x1, 0, CPUID_ECX, 29, avx)                          \
	X(avx2, 0x7, 0, CPUID_EBX, 5, avx)                           \
	X(fsgsbase, 0x7, 0, CPUID_EBX, 0, fsgsbase)                  \
	X(bmi1, 0x7, 0, CPUID_EBX, 3, bmi1)                          \
	X(bmi2, 0x7, 0, CPUID_EBX, 8, bmi2)                          \
	X(erms, 0x7, 0, CPUID_EBX, 9, erms)                          \
	X(rdseed, 0x7, 0, CPUID_EBX, 18, rdseed)                     \
	X(adx, 0x7, 0, CPUID_EBX, 19, adx)                           \
	X(clflushopt, 0x7, 0, CPUID_EBX, 23, clflushopt)             \
	X(clwb, 0x7, 0, CPUID_EBX, 24, clwb)                         \
	X(sha_ni, 0x7, 0, CPUID_EBX, 29, sha_ni)                     \
	X(gfni, 0x7, 0, CPUID_ECX, 8, gfni)                          \
	X(vaes, 0x7, 0, CPUID_ECX, 9, avx)                           \
	X(vpclmulqdq, 0x7, 0, CPUID_ECX, 10, avx)                    \
	X(rdpid, 0x7, 0, CPUID_ECX, 22, rdpid)                       \
	X(fsrm, 0x7, 0, CPUID_EDX, 4, fsrm)                          \
	X(xsaveopt, 0xd, 1, CPUID_EAX, 0, xsaveopt)                  \
	X(xsavec, 0xd, 1, CPUID_EAX, 1, xsavec)                      \
	X(xgetbv1, 0xd, 1, CPUID_EAX, 2, xgetbv1)                    \
	X(xsaves, 0xd, 1, CPUID_EAX, 3, xsavec)                      \
	X(lahf_lm, 0x80000001, 0, CPUID_ECX, 0, lahf_lm)             \
	X(abm, 0x80000001, 0, CPUID_ECX, 5, abm)                     \
	X(3dnowprefetch, 0x80000001, 0, CPUID_ECX, 8, 3dnowprefetch) \
	X(rdtscp, 0x80000001, 0, CPUID_EDX, 27, rdtscp)              \
	X(sgx, 0x7, 0, CPUID_EBX, 2, sgx)                            \
	X(sgx_lc, 0x7, 0, CPUID_ECX, 30, sgx)                        \
	X(sgx1, 0x12, 0, CPUID_EAX, 0, sgx)                          \
	X(sgx2, 0x12, 0, CPUID_EAX, 1, sgx1)

enum cpu_feature {
#define CPU_FEATURE_ENUM(name, leaf, subleaf, reg, bit, parent) CPU_FEATURE_##name,
	CPU_FEATURES(CPU_FEATURE_ENUM)
#undef CPU_FEATURE_ENUM
	CPU_FEATURE_COUNT,
};
_Static_assert(CPU_FEATURE_COUNT <= 64, "a set of features is one word");

struct cpu_feature_row {
	const char *name;
	uint32_t leaf;
	uint32_t subleaf;
	enum cpuid_reg reg;
	unsigned int bit;
	enum cpu_feature parent;
};

extern const struct cpu_feature_row cpu_feature_rows[CPU_FEATURE_COUNT];

/*
 * A list of names with a minus sign before each, and all that depends on them, as a set of bits.
 * Return: 0, or -EINVAL.
 */
int cpu_features_parse(const char *text, uint64_t *removed);

/* Takes the features of a set out of what CPUID says. */
void cpu_features_mask(uint64_t removed, uint32_t leaf, uint32_t subleaf,
		       uint32_t regs[CPUID_NR_REGS]);

/* What the option takes away, read once. */
uint64_t cpu_features_removed(void);

/* The host's processor without that. */
cpuid_host_fn cpu_features_host;

#endif
