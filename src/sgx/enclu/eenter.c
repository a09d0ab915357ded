// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EENTER". */
#include "sgx/enclu/entry.h"

static struct leaf_result enter(struct sgx_cpu *cpu, struct enclave_entry *op)
{
	TRY(entry_check_offsets(cpu, op));
	entry_set_segments(op);
	TRY(entry_check_segments(cpu, op));
	TRY(entry_check_enclave(cpu, op));
	CHECK(op->cssa < op->tcs->nssa, leaf_gp());
	TRY(ssa_open(cpu, op->secs_entry, op->tcs, op->cssa, &op->frame));
	op->rip = op->secs->base + op->tcs->oentry;
	TRY(check_branch_target(cpu, op->rip));
	TRY(entry_activate(cpu, op));

	entry_call(cpu, op);
	entry_commit(cpu, op);
	return leaf_jump();
}

/* RBX = TCS, RCX = AEP. */
struct leaf_result sgx_eenter(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct enclave_entry op;
	struct leaf_result res;

	TRY(entry_begin(cpu, &op, rbx, rcx));
	res = enter(cpu, &op);
	if (res.kind != LEAF_JUMP)
		entry_abandon(&op);
	return res;
}
