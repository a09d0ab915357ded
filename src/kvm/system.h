/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds for the process and not for one VM. */
#ifndef EXCLAVE_KVM_SYSTEM_H
#define EXCLAVE_KVM_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

struct cpuid_table;

/* cap.c: KVM_CHECK_EXTENSION. The answer does not depend on the VM. */
long cap_check(unsigned long cap);

/* cpuid.c: KVM_GET_SUPPORTED_CPUID and KVM_GET_EMULATED_CPUID. */
long system_get_supported_cpuid(unsigned long arg);
long system_get_emulated_cpuid(unsigned long arg);
/* Physical address bits of the host. */
unsigned int system_phys_bits(void);
/* The components of XCR0 that a guest may have. */
uint64_t system_xcr0(void);

/* msr.c */
long system_get_msr_index_list(unsigned long arg);
long system_get_msr_feature_index_list(unsigned long arg);
long system_get_msrs(unsigned long arg);

/* tsc.c: the rate of the host's TSC, measured once. */
uint32_t host_tsc_khz(void);
/* Does the host keep its own time with the TSC? */
bool host_trusts_tsc(void);

/* mce.c: what KVM_X86_GET_MCE_CAP_SUPPORTED says. */
#define MCE_CAP_SUPPORTED ((UINT64_C(1) << 8) | (UINT64_C(1) << 24)) /* MCG_CTL_P, MCG_SER_P */

#endif
