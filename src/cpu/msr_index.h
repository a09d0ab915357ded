/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of the MSRs in the table, by Linux' names; no uAPI header has them. */
#ifndef EXCLAVE_CPU_MSR_INDEX_H
#define EXCLAVE_CPU_MSR_INDEX_H

#define MSR_IA32_TSC               0x00000010
#define MSR_IA32_PLATFORM_ID       0x00000017
#define MSR_IA32_EBL_CR_POWERON    0x0000002a
#define MSR_SMI_COUNT              0x00000034
#define MSR_IA32_TSC_ADJUST        0x0000003b
#define MSR_IA32_SPEC_CTRL         0x00000048
#define MSR_IA32_PRED_CMD          0x00000049
#define MSR_IA32_UCODE_WRITE       0x00000079
#define MSR_IA32_UCODE_REV         0x0000008b
#define MSR_IA32_SMBASE            0x0000009e
#define MSR_PLATFORM_INFO          0x000000ce
#define MSR_MTRRcap                0x000000fe
#define MSR_IA32_ARCH_CAPABILITIES 0x0000010a
#define MSR_IA32_FLUSH_CMD         0x0000010b
#define MSR_MISC_FEATURES_ENABLES  0x00000140
#define MSR_IA32_SYSENTER_CS       0x00000174
#define MSR_IA32_SYSENTER_ESP      0x00000175
#define MSR_IA32_SYSENTER_EIP      0x00000176
#define MSR_IA32_MCG_CAP           0x00000179
#define MSR_IA32_MCG_STATUS        0x0000017a
#define MSR_IA32_MCG_CTL           0x0000017b
#define MSR_IA32_PERF_STATUS       0x00000198
#define MSR_IA32_MISC_ENABLE       0x000001a0
#define MSR_IA32_DEBUGCTLMSR       0x000001d9
#define MSR_IA32_LASTBRANCHFROMIP  0x000001db
#define MSR_MTRR_PHYSBASE0         0x00000200
#define MSR_MTRRfix64K_00000       0x00000250
#define MSR_MTRRfix16K_80000       0x00000258
#define MSR_MTRRfix4K_C0000        0x00000268
#define MSR_IA32_CR_PAT            0x00000277
#define MSR_MTRRdefType            0x000002ff
#define MSR_IA32_MC0_CTL           0x00000400
#define MSR_IA32_XSS               0x00000da0
#define MSR_EFER                   0xc0000080
#define MSR_STAR                   0xc0000081
#define MSR_LSTAR                  0xc0000082
#define MSR_CSTAR                  0xc0000083
#define MSR_SYSCALL_MASK           0xc0000084
#define MSR_FS_BASE                0xc0000100
#define MSR_GS_BASE                0xc0000101
#define MSR_KERNEL_GS_BASE         0xc0000102
#define MSR_TSC_AUX                0xc0000103

#define MSR_PLATFORM_INFO_CPUID_FAULT         (UINT64_C(1) << 31)
#define MSR_MISC_FEATURES_ENABLES_CPUID_FAULT (UINT64_C(1) << 0)
#define MCG_CTL_P                             (UINT64_C(1) << 8)

/*
 * IA32_ARCH_CAPABILITIES as a new processor has it. Guest kernel and guest user
 * share our address space whatever the guest does against side channels, so its
 * mitigations would cost and protect nothing (docs/errata.md). In the SDM's names:
 * RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO,
 * SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
 */
#define ARCH_CAPABILITIES_OFFERED UINT64_C(0x400000000d10e17b)

/* What KVM gives a new vCPU: revision 1. */
#define UCODE_REV_INIT (UINT64_C(1) << 32)

#endif
