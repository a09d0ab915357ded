// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/flags.h"

#include "cpu/fault.h"

#define FLAGS_LOW16 UINT64_C(0xffff)

static uint64_t merge(uint64_t old, uint64_t image, uint64_t mask)
{
	return (old & ~mask) | (image & mask) | X86_EFLAGS_FIXED;
}

/* IOPL belongs to CPL 0, IF to whom IOPL lets. Real-address mode counts as CPL 0. */
static uint64_t privileged_mask(const struct cpu *cpu)
{
	uint64_t mask = 0;

	if (cpu->state.cpl == 0)
		mask |= X86_EFLAGS_IOPL;
	if (cpu->state.cpl <= cpu_iopl(cpu))
		mask |= X86_EFLAGS_IF;
	return mask;
}

uint64_t flags_after_popf(const struct cpu *cpu, uint64_t image, unsigned int width)
{
	uint64_t mask = FLAGS_FREE | privileged_mask(cpu);
	uint64_t old = cpu->state.rflags;

	if (width == 2)
		return merge(old, image, mask & FLAGS_LOW16);
	return merge(old & ~X86_EFLAGS_RF, image, mask | X86_EFLAGS_AC | X86_EFLAGS_ID);
}

uint64_t flags_after_iret(const struct cpu *cpu, uint64_t image, unsigned int width)
{
	uint64_t mask = FLAGS_FREE | privileged_mask(cpu);

	if (width == 2)
		return merge(cpu->state.rflags, image, mask);
	mask |= X86_EFLAGS_RF | X86_EFLAGS_AC | X86_EFLAGS_ID;
	/* SDM IRET, real-address mode: VIF and VIP are kept there. */
	if (cpu_in_protected_mode(cpu) && cpu->state.cpl == 0)
		mask |= X86_EFLAGS_VIF | X86_EFLAGS_VIP;
	return merge(cpu->state.rflags, image, mask);
}

uint64_t flags_for_pushf(const struct cpu *cpu)
{
	return cpu->state.rflags & ~(X86_EFLAGS_RF | X86_EFLAGS_VM);
}

/* SDM "Protected-Mode Virtual Interrupts": at CPL 3 alone, below IOPL. */
static bool uses_vif(const struct cpu *cpu)
{
	return (cpu->state.cr4 & X86_CR4_PVI) && cpu->state.cpl == 3;
}

enum cpu_result cpu_cli(struct cpu *cpu)
{
	if (cpu->state.cpl <= cpu_iopl(cpu)) {
		cpu->state.rflags &= ~X86_EFLAGS_IF;
		return CPU_OK;
	}
	if (!uses_vif(cpu))
		return fault_gp(cpu);
	cpu->state.rflags &= ~X86_EFLAGS_VIF;
	return CPU_OK;
}

enum cpu_result cpu_sti(struct cpu *cpu)
{
	uint64_t *rflags = &cpu->state.rflags;

	if (cpu->state.cpl <= cpu_iopl(cpu)) {
		/* An STI in the shadow of an STI does not prolong it. */
		if (!(*rflags & X86_EFLAGS_IF))
			cpu->events.shadow |= CPU_SHADOW_STI;
		*rflags |= X86_EFLAGS_IF;
		return CPU_OK;
	}
	if (!uses_vif(cpu) || (*rflags & X86_EFLAGS_VIP))
		return fault_gp(cpu);
	*rflags |= X86_EFLAGS_VIF;
	return CPU_OK;
}

enum cpu_result cpu_set_ac(struct cpu *cpu, bool ac)
{
	if (!cpu->features.smap || cpu->state.cpl != 0)
		return fault_ud(cpu);
	if (ac)
		cpu->state.rflags |= X86_EFLAGS_AC;
	else
		cpu->state.rflags &= ~X86_EFLAGS_AC;
	return CPU_OK;
}
