// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/cpuid.h"

#include "cpu/cpuid_bits.h"
#include "cpu/fault.h"
#include "cpu/msr_index.h"

#include <string.h>

/* SDM "XSAVE Area": the legacy region and the header. */
#define XSAVE_FIXED_SIZE 576

const struct cpuid_entry *cpuid_find(const struct cpuid_table *table, uint32_t leaf,
				     uint32_t subleaf)
{
	if (!table)
		return NULL;
	for (unsigned int i = 0; i < table->count; i++) {
		const struct cpuid_entry *e = &table->entry[i];

		if (e->leaf == leaf && (!e->has_subleaf || e->subleaf == subleaf))
			return e;
	}
	return NULL;
}

static uint32_t feature_reg(const struct cpuid_table *table, uint32_t leaf, uint32_t subleaf,
			    enum cpuid_reg reg)
{
	const struct cpuid_entry *e = cpuid_find(table, leaf, subleaf);

	return e ? e->regs[reg] : 0;
}

static uint64_t feature_pair(const struct cpuid_table *table, uint32_t leaf, uint32_t subleaf,
			     enum cpuid_reg low)
{
	return feature_reg(table, leaf, subleaf, low) |
	       (uint64_t)feature_reg(table, leaf, subleaf, CPUID_EDX) << 32;
}

uint32_t cpuid_xsave_size(const struct cpuid_table *table, uint64_t xfeatures, bool compacted)
{
	uint32_t end = XSAVE_FIXED_SIZE;

	for (unsigned int i = 2; i < 63; i++) {
		const struct cpuid_entry *e = cpuid_find(table, 0xd, i);
		uint32_t start = end;

		if (!(xfeatures >> i & 1) || !e)
			continue;
		/* ECX bit 1: this component starts at a multiple of 64 when compacted. */
		if (!compacted)
			start = e->regs[CPUID_EBX];
		else if (e->regs[CPUID_ECX] & 2)
			start = (uint32_t)align_up(end, 64);
		if (start + e->regs[CPUID_EAX] > end || compacted)
			end = start + e->regs[CPUID_EAX];
	}
	return end;
}

/* Which bits of CR4 exist is told by the features that they switch on. */
static uint64_t cr4_allowed(const struct cpuid_table *table)
{
	static const struct {
		uint32_t leaf;
		enum cpuid_reg reg;
		uint32_t feature;
		uint64_t cr4;
	} bits[] = {
		{1, CPUID_EDX, F_TSC, X86_CR4_TSD},
		{1, CPUID_EDX, F_DE, X86_CR4_DE},
		{1, CPUID_EDX, F_PSE, X86_CR4_PSE},
		{1, CPUID_EDX, F_PAE, X86_CR4_PAE},
		{1, CPUID_EDX, F_PGE, X86_CR4_PGE},
		{1, CPUID_EDX, F_FXSR, X86_CR4_OSFXSR},
		{1, CPUID_EDX, F_XMM, X86_CR4_OSXMMEXCPT},
		{1, CPUID_ECX, F_PCID, X86_CR4_PCIDE},
		{1, CPUID_ECX, F_XSAVE, X86_CR4_OSXSAVE},
		{7, CPUID_EBX, F_FSGSBASE, X86_CR4_FSGSBASE},
		{7, CPUID_EBX, F_SMEP, X86_CR4_SMEP},
		{7, CPUID_EBX, F_SMAP, X86_CR4_SMAP},
		{7, CPUID_ECX, F_UMIP, X86_CR4_UMIP},
	};
	/* MCE and PCE are there with KVM whatever CPUID says. */
	uint64_t allowed = X86_CR4_MCE | X86_CR4_PCE;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		if (feature_reg(table, bits[i].leaf, 0, bits[i].reg) & bits[i].feature)
			allowed |= bits[i].cr4;
	return allowed;
}

static uint64_t efer_allowed(uint32_t leaf81_edx)
{
	uint64_t allowed = 0;

	if (leaf81_edx & F_SYSCALL)
		allowed |= EFER_SCE;
	if (leaf81_edx & F_LM)
		allowed |= EFER_LME;
	if (leaf81_edx & F_NX)
		allowed |= EFER_NX;
	return allowed;
}

static uint64_t spec_ctrl_allowed(uint32_t leaf7_edx)
{
	uint64_t allowed = 0;

	if (leaf7_edx & F_SPEC_CTRL)
		allowed |= BIT64(0);
	if (leaf7_edx & F_STIBP)
		allowed |= BIT64(1);
	if (leaf7_edx & F_SSBD)
		allowed |= BIT64(2);
	return allowed;
}

void cpu_set_cpuid(struct cpu *cpu, const struct cpuid_table *table)
{
	uint32_t l1c = feature_reg(table, 1, 0, CPUID_ECX);
	uint32_t l1d = feature_reg(table, 1, 0, CPUID_EDX);
	uint32_t l7b = feature_reg(table, 7, 0, CPUID_EBX);
	uint32_t l7c = feature_reg(table, 7, 0, CPUID_ECX);
	uint32_t l7d = feature_reg(table, 7, 0, CPUID_EDX);
	uint32_t ld1 = feature_reg(table, 0xd, 1, CPUID_EAX);
	uint32_t l81d = feature_reg(table, 0x80000001, 0, CPUID_EDX);
	uint8_t phys_bits = (uint8_t)feature_reg(table, 0x80000008, 0, CPUID_EAX);

	cpu->cpuid = table;
	cpu->features = (struct cpu_features){
		.cr4_allowed = cr4_allowed(table),
		.efer_allowed = efer_allowed(l81d),
		.xcr0_allowed =
			l1c & F_XSAVE ? feature_pair(table, 0xd, 0, CPUID_EAX) & XCR0_OFFERED : 0,
		.spec_ctrl_allowed = spec_ctrl_allowed(l7d),
		.arch_capabilities = l7d & F_ARCH_CAPS,
		.tsc_adjust = l7b & F_TSC_ADJUST,
		.rdtscp = (l81d & F_RDTSCP) || (l7c & F_RDPID),
		.pred_cmd = l7d & F_SPEC_CTRL,
		.flush_cmd = l7d & F_FLUSH_L1D,
		.mtrr = l1d & F_MTRR,
		.mce = l1d & F_MCE,
		.smap = l7b & F_SMAP,
		.lm = l81d & F_LM,
		.xgetbv1 = ld1 & F_XGETBV1,
		.xsaves = ld1 & F_XSAVES,
		/* A guest's table cannot make the address space wider than the architecture's. */
		.phys_bits = phys_bits >= 36 && phys_bits <= 52 ? phys_bits : 36,
	};
}

/*
 * SDM CPUID: a basic or extended leaf above the highest one answers as the
 * highest basic leaf; other leaves without data answer zeros. Each 256 leaves of
 * the hypervisor's range are a class of their own.
 */
static const struct cpuid_entry *find_out_of_range(const struct cpu *cpu, uint32_t leaf,
						   uint32_t subleaf)
{
	uint32_t max_basic = feature_reg(cpu->cpuid, 0, 0, CPUID_EAX);
	uint32_t max = max_basic;

	if (leaf >> 16 == 0x8000)
		max = feature_reg(cpu->cpuid, 0x80000000, 0, CPUID_EAX);
	else if (leaf >> 16 == 0x4000)
		max = feature_reg(cpu->cpuid, leaf & 0xffffff00, 0, CPUID_EAX);
	if (leaf <= max)
		return NULL;
	return cpuid_find(cpu->cpuid, max_basic, subleaf);
}

/* Bits that follow the state of the processor that executes CPUID. */
static void put_dynamic(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t *regs)
{
	uint64_t cr4 = cpu->state.cr4;

	if (leaf == 1) {
		regs[CPUID_ECX] &= ~F_OSXSAVE;
		if ((regs[CPUID_ECX] & F_XSAVE) && (cr4 & X86_CR4_OSXSAVE))
			regs[CPUID_ECX] |= F_OSXSAVE;
	} else if (leaf == 0xd && subleaf == 0) {
		regs[CPUID_EBX] = cpuid_xsave_size(cpu->cpuid, cpu->state.xcr0, false);
	} else if (leaf == 0xd && subleaf == 1 && (regs[CPUID_EAX] & (F_XSAVEC | F_XSAVES))) {
		regs[CPUID_EBX] =
			cpuid_xsave_size(cpu->cpuid, cpu->state.xcr0 | cpu->msr.xss, true);
	}
}

/* SDM: in leaves 0xB and 0x1F, EDX and the sub-leaf's own number stand beyond the last level. */
static void put_topology_end(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t *regs)
{
	if (leaf != 0xb && leaf != 0x1f)
		return;
	if (!cpuid_find(cpu->cpuid, leaf, 0))
		return;
	regs[CPUID_ECX] = subleaf & 0xff;
	regs[CPUID_EDX] = feature_reg(cpu->cpuid, leaf, 0, CPUID_EDX);
}

enum cpu_result cpu_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf,
			  uint32_t regs[CPUID_NR_REGS])
{
	const struct cpuid_entry *e;

	if ((cpu->msr.misc_features_enables & MSR_MISC_FEATURES_ENABLES_CPUID_FAULT) &&
	    cpu->state.cpl != 0 && !cpu->state.smm)
		return fault_gp(cpu);
	memset(regs, 0, CPUID_NR_REGS * sizeof(regs[0]));
	e = cpuid_find(cpu->cpuid, leaf, subleaf);
	if (!e) {
		e = find_out_of_range(cpu, leaf, subleaf);
		if (!e)
			put_topology_end(cpu, leaf, subleaf, regs);
		else
			leaf = e->leaf;
	}
	if (e) {
		memcpy(regs, e->regs, CPUID_NR_REGS * sizeof(regs[0]));
		put_dynamic(cpu, leaf, subleaf, regs);
	}
	if (cpu->ops->cpuid_fixup)
		cpu->ops->cpuid_fixup(cpu, leaf, subleaf, regs);
	return CPU_OK;
}
