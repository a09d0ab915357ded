// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/fault.h"
#include "cpu/segment.h"
#include "cpu/transfer.h"

/* SYSCALL, SYSENTER and their returns read no descriptor: flat segments by definition. */
static void load_flat_code(struct cpu *cpu, uint16_t selector, unsigned int cpl, bool is_64bit)
{
	cpu->state.seg[X86_SEG_CS] = (struct x86_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = X86_SEG_TYPE_CODE | X86_SEG_TYPE_WRITABLE | X86_SEG_TYPE_ACCESSED,
		.s = true,
		.dpl = (uint8_t)cpl,
		.present = true,
		.l = is_64bit,
		.db = !is_64bit,
		.g = true,
	};
	cpu->state.cpl = (uint8_t)cpl;
}

static void load_flat_stack(struct cpu *cpu, uint16_t selector, unsigned int cpl)
{
	cpu->state.seg[X86_SEG_SS] = (struct x86_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = X86_SEG_TYPE_WRITABLE | X86_SEG_TYPE_ACCESSED,
		.s = true,
		.dpl = (uint8_t)cpl,
		.present = true,
		.db = true,
		.g = true,
	};
}

static bool syscall_is_enabled(const struct cpu *cpu)
{
	return x86_is_64bit(&cpu->state) && (cpu->state.efer & EFER_SCE);
}

enum cpu_result cpu_syscall(struct cpu *cpu, uint64_t next_rip)
{
	uint16_t cs = (uint16_t)(cpu->msr.star >> 32);

	if (!syscall_is_enabled(cpu))
		return fault_ud(cpu);
	cpu->state.gpr[X86_RCX] = next_rip;
	cpu->state.gpr[X86_R8 + 3] = cpu->state.rflags & ~X86_EFLAGS_RF;
	cpu->state.rip = cpu->msr.lstar;
	cpu->state.rflags &= ~(cpu->msr.sfmask | X86_EFLAGS_RF);
	cpu->state.rflags |= X86_EFLAGS_FIXED;
	load_flat_code(cpu, cs & 0xfffc, 0, true);
	load_flat_stack(cpu, (uint16_t)(cs + 8), 0);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result cpu_sysret(struct cpu *cpu, bool is_64bit)
{
	uint64_t rip = cpu->state.gpr[X86_RCX];
	uint16_t base = (uint16_t)(cpu->msr.star >> 48);

	if (!syscall_is_enabled(cpu))
		return fault_ud(cpu);
	if (cpu->state.cpl != 0)
		return fault_gp(cpu);
	/* Intel checks while still at CPL 0, on the stack that the user chose. */
	if (is_64bit && !x86_is_canonical(&cpu->state, rip))
		return fault_gp(cpu);

	cpu->state.rip = is_64bit ? rip : (uint32_t)rip;
	cpu->state.rflags = (cpu->state.gpr[X86_R8 + 3] & 0x3c7fd7) | X86_EFLAGS_FIXED;
	load_flat_code(cpu, (uint16_t)((base + (is_64bit ? 16 : 0)) | 3), 3, is_64bit);
	load_flat_stack(cpu, (uint16_t)((base + 8) | 3), 3);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result cpu_sysenter(struct cpu *cpu)
{
	uint16_t cs = (uint16_t)cpu->msr.sysenter_cs & 0xfffc;
	bool is_long = cpu_in_long_mode(cpu);

	if (!cpu_in_protected_mode(cpu) || cs == 0)
		return fault_gp(cpu);
	cpu->state.rflags &= ~(X86_EFLAGS_IF | X86_EFLAGS_VM | X86_EFLAGS_RF);
	cpu->state.gpr[X86_RSP] = is_long ? cpu->msr.sysenter_esp : (uint32_t)cpu->msr.sysenter_esp;
	cpu->state.rip = is_long ? cpu->msr.sysenter_eip : (uint32_t)cpu->msr.sysenter_eip;
	load_flat_code(cpu, cs, 0, is_long);
	load_flat_stack(cpu, (uint16_t)(cs + 8), 0);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result cpu_sysexit(struct cpu *cpu, bool is_64bit)
{
	uint16_t base = (uint16_t)cpu->msr.sysenter_cs & 0xfffc;
	uint64_t rip = cpu->state.gpr[X86_RDX];
	uint64_t rsp = cpu->state.gpr[X86_RCX];
	uint16_t cs = (uint16_t)((base + (is_64bit ? 32 : 16)) | 3);

	if (!cpu_in_protected_mode(cpu) || cpu->state.cpl != 0 || base == 0)
		return fault_gp(cpu);
	if (is_64bit &&
	    (!x86_is_canonical(&cpu->state, rip) || !x86_is_canonical(&cpu->state, rsp)))
		return fault_gp(cpu);

	cpu->state.gpr[X86_RSP] = is_64bit ? rsp : (uint32_t)rsp;
	cpu->state.rip = is_64bit ? rip : (uint32_t)rip;
	load_flat_code(cpu, cs, 3, is_64bit);
	load_flat_stack(cpu, (uint16_t)(cs + 8), 3);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}
