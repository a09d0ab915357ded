/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The features that the engine can carry out, leaf by leaf, by Linux' names.
 * _OWN are ours on every host, _HOST come from the host. Private to the folder.
 *
 * Left out although hosts may have them: AVX-512, LA57, PKU, SERIALIZE and
 * MOVDIRI may come later; TSX, CET, AMX, WAITPKG, MONITOR and the PMU never
 * (docs/errata.md). VME goes with virtual-8086 mode.
 */
#ifndef EXCLAVE_CPU_CPUID_BITS_H
#define EXCLAVE_CPU_CPUID_BITS_H

#include "lib/bits.h"

/* Leaf 1, EDX. */
#define F_FPU       BIT32(0)
#define F_DE        BIT32(2)
#define F_PSE       BIT32(3)
#define F_TSC       BIT32(4)
#define F_MSR       BIT32(5)
#define F_PAE       BIT32(6)
#define F_MCE       BIT32(7)
#define F_CX8       BIT32(8)
#define F_APIC      BIT32(9)
#define F_SEP       BIT32(11)
#define F_MTRR      BIT32(12)
#define F_PGE       BIT32(13)
#define F_MCA       BIT32(14)
#define F_CMOV      BIT32(15)
#define F_PAT       BIT32(16)
#define F_PSE36     BIT32(17)
#define F_CLFLUSH   BIT32(19)
#define F_MMX       BIT32(23)
#define F_FXSR      BIT32(24)
#define F_XMM       BIT32(25)
#define F_XMM2      BIT32(26)
#define F_SELFSNOOP BIT32(27)

/* The processor does these itself, whatever the host's hypervisor hides. */
#define LEAF1_EDX_OWN                                                                             \
	(F_DE | F_PSE | F_TSC | F_MSR | F_PAE | F_MCE | F_APIC | F_SEP | F_MTRR | F_PGE | F_MCA | \
	 F_PAT | F_PSE36 | F_SELFSNOOP)
#define LEAF1_EDX_HOST (F_FPU | F_CX8 | F_CMOV | F_CLFLUSH | F_MMX | F_FXSR | F_XMM | F_XMM2)

/* Leaf 1, ECX. */
#define F_XMM3         BIT32(0)
#define F_PCLMULQDQ    BIT32(1)
#define F_SSSE3        BIT32(9)
#define F_FMA          BIT32(12)
#define F_CX16         BIT32(13)
#define F_PCID         BIT32(17)
#define F_XMM4_1       BIT32(19)
#define F_XMM4_2       BIT32(20)
#define F_X2APIC       BIT32(21)
#define F_MOVBE        BIT32(22)
#define F_POPCNT       BIT32(23)
#define F_TSC_DEADLINE BIT32(24)
#define F_AES          BIT32(25)
#define F_XSAVE        BIT32(26)
#define F_OSXSAVE      BIT32(27)
#define F_AVX          BIT32(28)
#define F_F16C         BIT32(29)
#define F_RDRAND       BIT32(30)
#define F_HYPERVISOR   BIT32(31)

#define LEAF1_ECX_OWN (F_PCID | F_HYPERVISOR)
#define LEAF1_ECX_HOST                                                                     \
	(F_XMM3 | F_PCLMULQDQ | F_SSSE3 | F_FMA | F_CX16 | F_XMM4_1 | F_XMM4_2 | F_MOVBE | \
	 F_POPCNT | F_AES | F_XSAVE | F_AVX | F_F16C | F_RDRAND)

/* Leaf 7. */
#define F_FSGSBASE     BIT32(0) /* EBX */
#define F_TSC_ADJUST   BIT32(1)
#define F_SGX          BIT32(2)
#define F_BMI1         BIT32(3)
#define F_AVX2         BIT32(5)
#define F_FDP_EXCPTN   BIT32(6)
#define F_SMEP         BIT32(7)
#define F_BMI2         BIT32(8)
#define F_ERMS         BIT32(9)
#define F_INVPCID      BIT32(10)
#define F_ZERO_FCS_FDS BIT32(13)
#define F_RDSEED       BIT32(18)
#define F_ADX          BIT32(19)
#define F_SMAP         BIT32(20)
#define F_CLFLUSHOPT   BIT32(23)
#define F_CLWB         BIT32(24)
#define F_SHA          BIT32(29)
#define F_UMIP         BIT32(2) /* ECX */
#define F_GFNI         BIT32(8)
#define F_VAES         BIT32(9)
#define F_VPCLMULQDQ   BIT32(10)
#define F_RDPID        BIT32(22)
#define F_SGX_LC       BIT32(30)
#define F_FSRM         BIT32(4) /* EDX */
#define F_MD_CLEAR     BIT32(10)
#define F_SPEC_CTRL    BIT32(26)
#define F_STIBP        BIT32(27)
#define F_FLUSH_L1D    BIT32(28)
#define F_ARCH_CAPS    BIT32(29)
#define F_SSBD         BIT32(31)

#define LEAF7_EBX_OWN (F_TSC_ADJUST | F_SMEP | F_INVPCID | F_SMAP | F_ZERO_FCS_FDS)
#define LEAF7_EBX_HOST                                                                      \
	(F_FSGSBASE | F_BMI1 | F_AVX2 | F_BMI2 | F_ERMS | F_RDSEED | F_ADX | F_CLFLUSHOPT | \
	 F_CLWB | F_SHA)
#define LEAF7_ECX_OWN  F_UMIP
#define LEAF7_ECX_HOST (F_GFNI | F_VAES | F_VPCLMULQDQ | F_RDPID)
#define LEAF7_EDX_OWN  (F_MD_CLEAR | F_SPEC_CTRL | F_STIBP | F_FLUSH_L1D | F_ARCH_CAPS | F_SSBD)
#define LEAF7_EDX_HOST F_FSRM

/* Leaf 0xD, sub-leaf 1, EAX. */
#define F_XSAVEOPT BIT32(0)
#define F_XSAVEC   BIT32(1)
#define F_XGETBV1  BIT32(2)
#define F_XSAVES   BIT32(3)

/* Leaf 0x80000001. */
#define F_LAHF_LM   BIT32(0) /* ECX */
#define F_ABM       BIT32(5)
#define F_PREFETCHW BIT32(8)
#define F_SYSCALL   BIT32(11) /* EDX */
#define F_NX        BIT32(20)
#define F_GBPAGES   BIT32(26)
#define F_RDTSCP    BIT32(27)
#define F_LM        BIT32(29)

#define LEAF81_ECX_HOST (F_LAHF_LM | F_ABM | F_PREFETCHW)
#define LEAF81_EDX_OWN  (F_SYSCALL | F_NX | F_GBPAGES | F_LM)
#define LEAF81_EDX_HOST F_RDTSCP

/* What the engine keeps of the extended state. */
#define XCR0_OFFERED (XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)

#endif
