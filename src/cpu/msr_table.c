// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/msr_table.h"

#include "cpu/control.h"
#include "lib/bits.h"

#include <x86intrin.h>

#define MTRRCAP_VALUE (CPU_MTRR_VARIABLE | BIT64(8) | BIT64(10))

/* What KVM answers, so that guests that look at the ratio find the same one here. */
#define PERF_STATUS_VALUE (UINT64_C(1000) | UINT64_C(4) << 40)

/* SDM "IA32_MISC_ENABLE": what software may switch; the rest tells facts. */
#define MISC_ENABLE_WRITABLE                                                               \
	(BIT64(0) | BIT64(3) | BIT64(16) | BIT64(18) | BIT64(22) | BIT64(23) | BIT64(34) | \
	 BIT64(38))

/* BTF and LBR are accepted and do nothing, as with KVM (docs/errata.md). */
#define DEBUGCTL_IGNORED (BIT64(0) | BIT64(1))

static bool has_tsc_adjust(const struct cpu *cpu)
{
	return cpu->features.tsc_adjust;
}

static bool has_spec_ctrl(const struct cpu *cpu)
{
	return cpu->features.spec_ctrl_allowed;
}

static bool has_pred_cmd(const struct cpu *cpu)
{
	return cpu->features.pred_cmd;
}

static bool has_flush_cmd(const struct cpu *cpu)
{
	return cpu->features.flush_cmd;
}

static bool has_arch_capabilities(const struct cpu *cpu)
{
	return cpu->features.arch_capabilities;
}

static bool has_mtrr(const struct cpu *cpu)
{
	return cpu->features.mtrr;
}

static bool has_mce(const struct cpu *cpu)
{
	return cpu->features.mce;
}

static bool has_xsaves(const struct cpu *cpu)
{
	return cpu->features.xsaves;
}

static bool has_long_mode(const struct cpu *cpu)
{
	return cpu->features.lm;
}

static bool has_tsc_aux(const struct cpu *cpu)
{
	return cpu->features.rdtscp;
}

static uint64_t get_zero(struct cpu *cpu, uint32_t n)
{
	return 0;
}

static bool set_nothing(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return true;
}

static uint64_t get_mtrrcap(struct cpu *cpu, uint32_t n)
{
	return MTRRCAP_VALUE;
}

static uint64_t get_perf_status(struct cpu *cpu, uint32_t n)
{
	return PERF_STATUS_VALUE;
}

static uint64_t get_tsc(struct cpu *cpu, uint32_t n)
{
	return __rdtsc() + cpu->msr.tsc_offset;
}

/* SDM "Time-Stamp Counter Adjustment": a write of the TSC moves IA32_TSC_ADJUST with it. */
static bool set_tsc(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	uint64_t delta = value - get_tsc(cpu, n);

	cpu->msr.tsc_offset += delta;
	if (!host_initiated)
		cpu->msr.tsc_adjust += delta;
	return true;
}

/* A VMM restores the TSC and its adjustment one by one: its write moves nothing. */
static bool set_tsc_adjust(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	if (!host_initiated)
		cpu->msr.tsc_offset += value - cpu->msr.tsc_adjust;
	cpu->msr.tsc_adjust = value;
	return true;
}

static bool valid_spec_ctrl(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return host_initiated || !(value & ~cpu->features.spec_ctrl_allowed);
}

static bool valid_xss(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return !(value & ~cpu->features.xss_allowed);
}

static bool valid_cpuid_fault(const struct cpu *cpu, uint32_t n, bool host_initiated,
			      uint64_t value)
{
	return !value || (cpu->msr.platform_info & MSR_PLATFORM_INFO_CPUID_FAULT);
}

static bool set_misc_enable(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	uint64_t mask = host_initiated ? UINT64_MAX : MISC_ENABLE_WRITABLE;

	cpu->msr.misc_enable = (cpu->msr.misc_enable & ~mask) | (value & mask);
	return true;
}

static bool valid_mcg_access(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return host_initiated || value == 0;
}

static uint64_t get_efer(struct cpu *cpu, uint32_t n)
{
	return cpu->state.efer;
}

static bool set_efer(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	return control_set_efer(cpu, value, host_initiated);
}

static uint64_t get_segment_base(struct cpu *cpu, uint32_t n)
{
	return cpu->state.seg[X86_SEG_FS + n].base;
}

static bool set_segment_base(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value)
{
	cpu->state.seg[X86_SEG_FS + n].base = value;
	if (!x86_is_64bit(&cpu->state))
		cpu->ops->mode_changed(cpu);
	return true;
}

#define FIELD(name)     .offset = offsetof(struct cpu, msr.name)
#define ONE(number)     .index = (number), .count = 1
#define MANY(number, n) .index = (number), .count = (n)
#define LISTED(more)    .flags = MSR_F_LISTED | (more)

/* By number, for the binary search. */
const struct msr msr_table[] = {
	{ONE(MSR_IA32_TSC), LISTED(0), .get = get_tsc, .set = set_tsc},
	{ONE(MSR_IA32_PLATFORM_ID), .flags = MSR_F_READ_ONLY, .get = get_zero, .set = set_nothing},
	{ONE(MSR_IA32_EBL_CR_POWERON), .flags = MSR_F_READ_ONLY, .get = get_zero,
	 .set = set_nothing},
	{ONE(MSR_SMI_COUNT), LISTED(MSR_F_READ_ONLY), FIELD(smi_count)},
	{ONE(MSR_IA32_TSC_ADJUST), LISTED(0), FIELD(tsc_adjust), .offered = has_tsc_adjust,
	 .set = set_tsc_adjust},
	{ONE(MSR_IA32_SPEC_CTRL), LISTED(0), FIELD(spec_ctrl), .offered = has_spec_ctrl,
	 .valid = valid_spec_ctrl},
	{ONE(MSR_IA32_PRED_CMD), .flags = MSR_F_COMMAND, .mask = 1, .offered = has_pred_cmd,
	 .get = get_zero, .set = set_nothing},
	{ONE(MSR_IA32_UCODE_WRITE), .flags = MSR_F_IGNORE, .get = get_zero, .set = set_nothing},
	{ONE(MSR_IA32_UCODE_REV), .flags = MSR_F_FEATURE | MSR_F_IGNORE, FIELD(ucode_rev)},
	{ONE(MSR_IA32_SMBASE), LISTED(MSR_F_HOST_ONLY), FIELD(smbase), .mask = 0xffffffff},
	{ONE(MSR_PLATFORM_INFO), LISTED(MSR_F_READ_ONLY), FIELD(platform_info)},
	{ONE(MSR_MTRRcap), .flags = MSR_F_READ_ONLY, .offered = has_mtrr, .get = get_mtrrcap,
	 .set = set_nothing},
	{ONE(MSR_IA32_ARCH_CAPABILITIES), LISTED(MSR_F_FEATURE | MSR_F_READ_ONLY),
	 FIELD(arch_capabilities), .offered = has_arch_capabilities},
	{ONE(MSR_IA32_FLUSH_CMD), .flags = MSR_F_COMMAND, .mask = 1, .offered = has_flush_cmd,
	 .get = get_zero, .set = set_nothing},
	{ONE(MSR_MISC_FEATURES_ENABLES), LISTED(0), FIELD(misc_features_enables),
	 .mask = MSR_MISC_FEATURES_ENABLES_CPUID_FAULT, .valid = valid_cpuid_fault},
	{ONE(MSR_IA32_SYSENTER_CS), LISTED(MSR_F_LOW32), FIELD(sysenter_cs)},
	{ONE(MSR_IA32_SYSENTER_ESP), LISTED(MSR_F_CANONICAL), FIELD(sysenter_esp)},
	{ONE(MSR_IA32_SYSENTER_EIP), LISTED(MSR_F_CANONICAL), FIELD(sysenter_eip)},
	{ONE(MSR_IA32_MCG_CAP), .flags = MSR_F_FEATURE | MSR_F_READ_ONLY, FIELD(mcg_cap),
	 .offered = has_mce},
	{ONE(MSR_IA32_MCG_STATUS), LISTED(0), FIELD(mcg_status), .offered = has_mce,
	 .valid = valid_mcg_access},
	{ONE(MSR_IA32_MCG_CTL), LISTED(0), FIELD(mcg_ctl), .offered = has_mce,
	 .valid = msr_valid_mcg_ctl},
	{ONE(MSR_IA32_PERF_STATUS), .flags = MSR_F_READ_ONLY, .get = get_perf_status,
	 .set = set_nothing},
	{ONE(MSR_IA32_MISC_ENABLE), LISTED(0), FIELD(misc_enable), .set = set_misc_enable},
	{ONE(MSR_IA32_DEBUGCTLMSR), .mask = DEBUGCTL_IGNORED, .get = get_zero, .set = set_nothing},
	{MANY(MSR_IA32_LASTBRANCHFROMIP, 4), .flags = MSR_F_READ_ONLY, .get = get_zero,
	 .set = set_nothing},
	{MANY(MSR_MTRR_PHYSBASE0, 2 * CPU_MTRR_VARIABLE), LISTED(0), FIELD(mtrr_variable),
	 .offered = has_mtrr, .valid = msr_valid_mtrr_variable},
	{ONE(MSR_MTRRfix64K_00000), LISTED(0), FIELD(mtrr_fixed[0]), .offered = has_mtrr,
	 .valid = msr_valid_mtrr_fixed},
	{MANY(MSR_MTRRfix16K_80000, 2), LISTED(0), FIELD(mtrr_fixed[1]), .offered = has_mtrr,
	 .valid = msr_valid_mtrr_fixed},
	{MANY(MSR_MTRRfix4K_C0000, 8), LISTED(0), FIELD(mtrr_fixed[3]), .offered = has_mtrr,
	 .valid = msr_valid_mtrr_fixed},
	{ONE(MSR_IA32_CR_PAT), LISTED(0), FIELD(pat), .valid = msr_valid_pat},
	{ONE(MSR_MTRRdefType), LISTED(0), FIELD(mtrr_deftype), .offered = has_mtrr,
	 .valid = msr_valid_mtrr_deftype},
	/* Not listed, as with KVM: how many there are is in MCG_CAP. */
	{MANY(MSR_IA32_MC0_CTL, 4 * CPU_MC_BANKS), FIELD(mc), .offered = has_mce,
	 .valid = msr_valid_mc_bank},
	{ONE(MSR_IA32_XSS), LISTED(0), FIELD(xss), .offered = has_xsaves, .valid = valid_xss},
	{ONE(MSR_EFER), .get = get_efer, .set = set_efer},
	{ONE(MSR_STAR), LISTED(0), FIELD(star), .offered = has_long_mode},
	{ONE(MSR_LSTAR), LISTED(MSR_F_CANONICAL), FIELD(lstar), .offered = has_long_mode},
	{ONE(MSR_CSTAR), LISTED(MSR_F_CANONICAL), FIELD(cstar), .offered = has_long_mode},
	{ONE(MSR_SYSCALL_MASK), LISTED(0), FIELD(sfmask), .mask = 0xffffffff,
	 .offered = has_long_mode},
	{MANY(MSR_FS_BASE, 2), .flags = MSR_F_CANONICAL, .offered = has_long_mode,
	 .get = get_segment_base, .set = set_segment_base},
	{ONE(MSR_KERNEL_GS_BASE), LISTED(MSR_F_CANONICAL), FIELD(kernel_gs_base),
	 .offered = has_long_mode},
	{ONE(MSR_TSC_AUX), LISTED(0), FIELD(tsc_aux), .mask = 0xffffffff, .offered = has_tsc_aux},
};
const unsigned int msr_table_count = ARRAY_SIZE(msr_table);
_Static_assert(sizeof(struct cpu_mc_bank) == 4 * sizeof(uint64_t),
	       "a bank's four MSRs are numbered as its fields lie");
