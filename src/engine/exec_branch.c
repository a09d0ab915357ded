// SPDX-License-Identifier: GPL-2.0-or-later
/* Branches on RCX whose address size is not the one that the host would use. */
#include "engine/operand.h"

#include <Zydis/Zydis.h>

/* The target must be good before anything changes: the count, too. */
static enum cpu_result branch_target(struct engine_vcpu *v, const struct insn *insn, uint64_t *rip)
{
	const struct x86_state *state = &v->cpu.state;

	*rip = exec_next_rip(v, insn) + (uint64_t)insn->imm;
	if (x86_is_64bit(state))
		return x86_is_canonical(state, *rip) ? CPU_OK : fault_gp(&v->cpu);
	*rip = insn->operand_size == 2 ? (uint16_t)*rip : (uint32_t)*rip;
	return *rip <= state->seg[X86_SEG_CS].limit ? CPU_OK : fault_gp(&v->cpu);
}

static bool loop_goes_on(const struct engine_vcpu *v, const struct insn *insn, uint64_t count)
{
	bool zf = v->cpu.state.rflags & X86_EFLAGS_ZF;

	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_LOOPE:
		return count && zf;
	case ZYDIS_MNEMONIC_LOOPNE:
		return count && !zf;
	default:
		return count;
	}
}

enum cpu_result exec_loop(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t count = exec_get_gpr(v, X86_RCX, insn->address_size) - 1;
	uint64_t rip = exec_next_rip(v, insn);

	if (insn->address_size < 8)
		count &= BIT64(8 * insn->address_size) - 1;
	if (loop_goes_on(v, insn, count))
		CPU_TRY(branch_target(v, insn, &rip));
	exec_set_gpr(v, X86_RCX, insn->address_size, count);
	v->cpu.state.rip = rip;
	return CPU_OK;
}

enum cpu_result exec_jcxz(struct engine_vcpu *v, const struct insn *insn)
{
	uint64_t rip = exec_next_rip(v, insn);

	if (exec_get_gpr(v, X86_RCX, insn->address_size) == 0)
		CPU_TRY(branch_target(v, insn, &rip));
	v->cpu.state.rip = rip;
	return CPU_OK;
}
