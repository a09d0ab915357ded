// SPDX-License-Identifier: GPL-2.0-or-later
/* Control and debug registers, XCR0, HLT, PAUSE, hypercalls. */
#include "cpu/control.h"
#include "cpu/debug.h"
#include "engine/operand.h"

#include <sched.h>

/* Bit 1 of the opcode says that the system register is the destination. */
static bool writes_system_register(const struct insn *insn)
{
	return insn_opcode(insn) & 2;
}

/* The operand size of MOV with CRn and DRn is fixed. */
static unsigned int native_size(const struct engine_vcpu *v)
{
	return x86_is_64bit(&v->cpu.state) ? 8 : 4;
}

enum cpu_result exec_mov_control(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int n = insn_modrm_reg(insn), reg = insn_modrm_rm(insn);
	unsigned int size = native_size(v);
	uint64_t value = exec_get_gpr(v, reg, size);

	if (writes_system_register(insn))
		return exec_finish(v, insn, cpu_mov_to_cr(&v->cpu, n, value));
	CPU_TRY(cpu_mov_from_cr(&v->cpu, n, &value));
	exec_set_gpr(v, reg, size, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_mov_debug(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int n = insn_modrm_reg(insn), reg = insn_modrm_rm(insn);
	unsigned int size = native_size(v);
	uint64_t value = exec_get_gpr(v, reg, size);

	if (writes_system_register(insn))
		return exec_finish(v, insn, cpu_mov_to_dr(&v->cpu, n, value));
	CPU_TRY(cpu_mov_from_dr(&v->cpu, n, &value));
	exec_set_gpr(v, reg, size, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_lmsw(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t value;

	CPU_TRY(need_cpl0(v));
	CPU_TRY(operand_read_rm(v, insn, 2, &value));
	return exec_finish(v, insn, cpu_lmsw(&v->cpu, (uint16_t)value));
}

enum cpu_result exec_smsw(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t value;

	CPU_TRY(cpu_smsw(&v->cpu, &value));
	return exec_finish(v, insn, operand_store_word(v, insn, value));
}

enum cpu_result exec_clts(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_clts(&v->cpu));
}

enum cpu_result exec_xgetbv(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t value;

	CPU_TRY(cpu_xgetbv(&v->cpu, (uint32_t)v->cpu.state.gpr[X86_RCX], &value));
	exec_set_edx_eax(v, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_xsetbv(struct engine_vcpu *v, const struct insn *insn)
{
	uint32_t index = (uint32_t)v->cpu.state.gpr[X86_RCX];

	return exec_finish(v, insn, cpu_xsetbv(&v->cpu, index, exec_get_edx_eax(v)));
}

enum cpu_result exec_hlt(struct engine_vcpu *v, const struct insn *insn)
{
	CPU_TRY(need_cpl0(v));
	exec_done(v, insn);
	v->exit.reason = ENGINE_EXIT_HLT;
	return CPU_AGAIN;
}

/* PAUSEs of a kernel before others may have the processor: longer than a lock is held. */
#define PAUSES_IN_A_ROW 64u

/* Who spins may wait for a vCPU that has no processor of the host, for want of this one. */
enum cpu_result exec_pause(struct engine_vcpu *v, const struct insn *insn)
{
	v->pauses = 256 - PAUSES_IN_A_ROW;
	sched_yield();
	return exec_finish(v, insn, CPU_OK);
}

/* SDM "VMCALL": a hypervisor gets to see it at any privilege level. VMMCALL is AMD's name. */
enum cpu_result exec_vmcall(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, engine_hypercall(v));
}
