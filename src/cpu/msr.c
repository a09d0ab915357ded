// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/msr.h"

#include "cpu/fault.h"
#include "cpu/msr_table.h"

#define PAT_RESET UINT64_C(0x0007040600070406)

/* SDM "IA32_MISC_ENABLE": fast strings on; neither BTS nor PEBS. */
#define MISC_ENABLE_RESET (BIT64(0) | BIT64(11) | BIT64(12))

#define SMBASE_RESET 0x30000

static const struct msr *msr_find(uint32_t index)
{
	unsigned int low = 0, high = msr_table_count;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct msr *m = &msr_table[mid];

		if (index < m->index)
			high = mid;
		else if (index - m->index >= m->count)
			low = mid + 1;
		else
			return m;
	}
	return NULL;
}

static const struct cpu_msr_range *range_find(const struct cpu *cpu, uint32_t index)
{
	for (unsigned int i = 0; i < cpu->ops->msr_range_count; i++) {
		const struct cpu_msr_range *range = &cpu->ops->msr_ranges[i];

		if (index >= range->first && index <= range->last)
			return range;
	}
	return NULL;
}

static uint64_t *msr_field(struct cpu *cpu, const struct msr *m, uint32_t index)
{
	return (uint64_t *)((char *)cpu + m->offset) + (index - m->index);
}

/* Banks beyond MCG_CAP's count do not exist, for the VMM neither. */
static bool msr_exists(const struct cpu *cpu, const struct msr *m, uint32_t index,
		       bool host_initiated)
{
	if (m->index == MSR_IA32_MC0_CTL &&
	    index - m->index >= 4 * (uint32_t)(cpu->msr.mcg_cap & 0xff))
		return false;
	if (m->index == MSR_IA32_MCG_CTL && !(cpu->msr.mcg_cap & MCG_CTL_P))
		return host_initiated;
	if (host_initiated)
		return true;
	return !(m->flags & MSR_F_HOST_ONLY) && (!m->offered || m->offered(cpu));
}

bool cpu_msr_get(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value)
{
	const struct msr *m = msr_find(index);

	if (!m) {
		const struct cpu_msr_range *range = range_find(cpu, index);

		return range && range->get(cpu, index, host_initiated, value);
	}
	if (!msr_exists(cpu, m, index, host_initiated))
		return false;
	if (!host_initiated && (m->flags & MSR_F_COMMAND))
		return false;
	*value = m->get ? m->get(cpu, index - m->index) : *msr_field(cpu, m, index);
	return true;
}

/* A constant may be written back by the VMM that has read it, and be nothing else. */
static bool is_unchanged(struct cpu *cpu, const struct msr *m, uint32_t index, uint64_t value)
{
	return m->get && value == m->get(cpu, index - m->index);
}

bool cpu_msr_set(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value)
{
	const struct msr *m = msr_find(index);
	uint32_t n;

	if (!m) {
		const struct cpu_msr_range *range = range_find(cpu, index);

		return range && range->set(cpu, index, host_initiated, value);
	}
	n = index - m->index;
	if (!msr_exists(cpu, m, index, host_initiated))
		return false;
	if (!host_initiated && (m->flags & MSR_F_READ_ONLY))
		return false;
	if (!host_initiated && (m->flags & MSR_F_IGNORE))
		return true;
	if ((m->flags & MSR_F_READ_ONLY) && m->set && !is_unchanged(cpu, m, index, value))
		return false;
	if (m->flags & MSR_F_LOW32)
		value = (uint32_t)value;
	if (m->mask && (value & ~m->mask))
		return false;
	if ((m->flags & MSR_F_CANONICAL) && !x86_is_canonical(&cpu->state, value))
		return false;
	if (m->valid && !m->valid(cpu, n, host_initiated, value))
		return false;
	if (m->set)
		return m->set(cpu, n, host_initiated, value);
	*msr_field(cpu, m, index) = value;
	return true;
}

enum cpu_result cpu_rdmsr(struct cpu *cpu, uint32_t index, uint64_t *value)
{
	if (cpu->state.cpl != 0 || !cpu_msr_get(cpu, index, false, value))
		return fault_gp(cpu);
	return CPU_OK;
}

enum cpu_result cpu_wrmsr(struct cpu *cpu, uint32_t index, uint64_t value)
{
	if (cpu->state.cpl != 0 || !cpu_msr_set(cpu, index, false, value))
		return fault_gp(cpu);
	return CPU_OK;
}

static unsigned int list_add(uint32_t *list, unsigned int max, unsigned int count, uint32_t first,
			     uint32_t last)
{
	for (uint32_t index = first; index <= last; index++, count++)
		if (count < max)
			list[count] = index;
	return count;
}

static unsigned int list_table(uint32_t flag, uint32_t *list, unsigned int max)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < msr_table_count; i++) {
		const struct msr *m = &msr_table[i];

		if (m->flags & flag)
			count = list_add(list, max, count, m->index, m->index + m->count - 1);
	}
	return count;
}

unsigned int cpu_msr_list(const struct cpu_ops *ops, uint32_t *list, unsigned int max)
{
	unsigned int count = list_table(MSR_F_LISTED, list, max);

	for (unsigned int i = 0; i < ops->msr_range_count; i++)
		if (ops->msr_ranges[i].listed)
			count = list_add(list, max, count, ops->msr_ranges[i].first,
					 ops->msr_ranges[i].last);
	return count;
}

unsigned int cpu_msr_feature_list(uint32_t *list, unsigned int max)
{
	return list_table(MSR_F_FEATURE, list, max);
}

void msr_reset(struct cpu *cpu)
{
	struct cpu_msrs old = cpu->msr;

	cpu->msr = (struct cpu_msrs){
		.pat = PAT_RESET,
		.misc_enable = MISC_ENABLE_RESET,
		.smbase = SMBASE_RESET,
		.platform_info = MSR_PLATFORM_INFO_CPUID_FAULT,
		/* The VMM's: features and the base of time. */
		.arch_capabilities = old.arch_capabilities,
		.ucode_rev = old.ucode_rev,
		.mcg_cap = old.mcg_cap,
		.tsc_offset = old.tsc_offset,
	};
}

enum cpu_result cpu_rdtsc(struct cpu *cpu, uint64_t *value)
{
	if ((cpu->state.cr4 & X86_CR4_TSD) && cpu->state.cpl != 0)
		return fault_gp(cpu);
	cpu_msr_get(cpu, MSR_IA32_TSC, true, value);
	return CPU_OK;
}

enum cpu_result cpu_rdpmc(struct cpu *cpu)
{
	return fault_gp(cpu);
}
