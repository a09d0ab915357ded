// SPDX-License-Identifier: GPL-2.0-or-later
/* Model-specific registers and what reads like one: CPUID, time, random numbers. */
#include "cpu/cpuid.h"
#include "cpu/msr.h"
#include "engine/operand.h"

#include <sys/random.h>

#define CPUID_1_ECX_RDRAND 30
#define CPUID_7_EBX_RDSEED 18
#define RDSEED_MODRM_DIGIT 7
#define RANDOM_FLAGS_ZEROED \
	(X86_EFLAGS_OF | X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_AF | X86_EFLAGS_PF)

enum cpu_result exec_cpuid(struct engine_vcpu *v, const struct insn *insn)
{
	uint32_t regs[CPUID_NR_REGS];

	CPU_TRY(cpu_cpuid(&v->cpu, (uint32_t)v->cpu.state.gpr[X86_RAX],
			  (uint32_t)v->cpu.state.gpr[X86_RCX], regs));
	exec_set_gpr(v, X86_RAX, 4, regs[CPUID_EAX]);
	exec_set_gpr(v, X86_RBX, 4, regs[CPUID_EBX]);
	exec_set_gpr(v, X86_RCX, 4, regs[CPUID_ECX]);
	exec_set_gpr(v, X86_RDX, 4, regs[CPUID_EDX]);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_rdmsr(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t value;

	CPU_TRY(need_cpl0(v));
	CPU_TRY(engine_rdmsr(v, (uint32_t)v->cpu.state.gpr[X86_RCX], &value));
	exec_set_edx_eax(v, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_wrmsr(struct engine_vcpu *v, const struct insn *insn)
{
	uint32_t index = (uint32_t)v->cpu.state.gpr[X86_RCX];

	CPU_TRY(need_cpl0(v));
	return exec_finish(v, insn, engine_wrmsr(v, index, exec_get_edx_eax(v)));
}

enum cpu_result exec_rdtsc(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t value;

	CPU_TRY(cpu_rdtsc(&v->cpu, &value));
	exec_set_edx_eax(v, value);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_rdtscp(struct engine_vcpu *v, const struct insn *insn)
{
	if (!v->cpu.features.rdtscp)
		return fault_ud(&v->cpu);
	CPU_TRY(exec_rdtsc(v, insn));
	exec_set_gpr(v, X86_RCX, 4, v->cpu.msr.tsc_aux);
	return CPU_OK;
}

enum cpu_result exec_rdpid(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int size = x86_is_64bit(&v->cpu.state) ? 8 : 4;

	if (!v->cpu.features.rdtscp)
		return fault_ud(&v->cpu);
	exec_set_gpr(v, insn_modrm_rm(insn), size, (uint32_t)v->cpu.msr.tsc_aux);
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_rdpmc(struct engine_vcpu *v, const struct insn *insn)
{
	return exec_finish(v, insn, cpu_rdpmc(&v->cpu));
}

/* RDRAND and RDSEED: the host kernel's generator, which never runs dry after boot. */
enum cpu_result exec_rdrand(struct engine_vcpu *v, const struct insn *insn)
{
	bool is_seed = insn_modrm_digit(insn) == RDSEED_MODRM_DIGIT;
	uint64_t value = 0;
	bool valid;

	if (is_seed ? !exec_offers(v, 7, CPUID_EBX, CPUID_7_EBX_RDSEED)
		    : !exec_offers(v, 1, CPUID_ECX, CPUID_1_ECX_RDRAND))
		return fault_ud(&v->cpu);
	/* SDM RDRAND: a failure clears CF and the destination; software tries again. */
	vcpu_save_xstate(v);
	valid = getrandom(&value, sizeof(value), GRND_NONBLOCK) == sizeof(value);
	exec_set_gpr(v, insn_modrm_rm(insn), insn->operand_size, valid ? value : 0);
	exec_set_flag(v, RANDOM_FLAGS_ZEROED, false);
	exec_set_flag(v, X86_EFLAGS_CF, valid);
	return exec_finish(v, insn, CPU_OK);
}
