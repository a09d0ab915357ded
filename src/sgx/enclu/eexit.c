// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EEXIT". */
#include "sgx/enclu/entry.h"

/* RBX = target; RCX := AEP. */
struct leaf_result sgx_eexit(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct x86_state *state = cpu->state;

	TRY(check_branch_target(cpu, rbx));
	state->rip = rbx;
	state->gpr[X86_RCX] = active_tcs(cpu)->aep;
	enclave_leave(cpu);
	return leaf_jump();
}
