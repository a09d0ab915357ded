// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "ERESUME". With AEX-Notify the enclave is not resumed but called at OENTRY
 * on the next frame, as by EENTER.
 */
#include "sgx/enclu/entry.h"

#include <string.h>

struct eresume {
	struct enclave_entry entry;
	struct sgx_ssa_frame saved; /* the one to resume from */
	/* Copied once: another thread of the enclave may change it after our checks. */
	struct sgx_gprsgx gprsgx;
	bool notify;
};

/* The saved frame, whether the enclave wants to be notified, and the frame for the next AEX. */
static struct leaf_result open_frames(struct sgx_cpu *cpu, struct eresume *op)
{
	struct enclave_entry *entry = &op->entry;
	const struct epcm_entry *secs = entry->secs_entry;

	CHECK(entry->cssa, leaf_gp());
	TRY(ssa_open(cpu, secs, entry->tcs, entry->cssa - 1, &op->saved));
	ssa_load_gprsgx(&op->saved, &op->gprsgx);
	op->notify =
		(entry->flags & SGX_TCS_AEXNOTIFY) && (op->gprsgx.aexnotify & SGX_GPRSGX_AEXNOTIFY);
	if (!op->notify) {
		entry->frame = op->saved;
		return leaf_ok();
	}
	CHECK(entry->cssa < entry->tcs->nssa, leaf_gp());
	return ssa_open(cpu, secs, entry->tcs, entry->cssa, &entry->frame);
}

static void set_target(struct sgx_cpu *cpu, struct eresume *op)
{
	struct enclave_entry *entry = &op->entry;

	entry_set_segments(entry);
	entry->rip = entry->secs->base + entry->tcs->oentry;
	if (op->notify)
		return;
	entry->rip = op->gprsgx.rip;
	if (x86_is_64bit(cpu->state)) {
		entry->fs_base = op->gprsgx.fs_base;
		entry->gs_base = op->gprsgx.gs_base;
	}
}

static void load_registers(struct x86_state *state, const struct sgx_gprsgx *gprsgx)
{
	uint64_t flags = X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
			 X86_EFLAGS_SF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_NT |
			 X86_EFLAGS_AC | X86_EFLAGS_ID | X86_EFLAGS_RF;

	if (x86_is_64bit(state))
		memcpy(state->gpr, gprsgx->gpr, sizeof(state->gpr));
	else
		for (unsigned int i = 0; i < X86_R8; i++)
			state->gpr[i] = (uint32_t)gprsgx->gpr[i];
	if ((state->rflags & X86_EFLAGS_IOPL) == X86_EFLAGS_IOPL)
		flags |= X86_EFLAGS_IF;
	state->rflags = (state->rflags & ~flags) | (gprsgx->rflags & flags);
}

/* SDM "ERESUME": the one fault that comes after the TCS has become active. */
static struct leaf_result load_xstate(struct sgx_cpu *cpu, const struct eresume *op)
{
	struct leaf_result res = ssa_load_xstate(cpu, &op->saved, op->entry.secs->xfrm);

	if (res.kind != LEAF_OK)
		entry_deactivate(&op->entry);
	return res;
}

static struct leaf_result resume(struct sgx_cpu *cpu, struct eresume *op)
{
	struct enclave_entry *entry = &op->entry;

	TRY(entry_check_offsets(cpu, entry));
	TRY(entry_check_enclave(cpu, entry));
	TRY(open_frames(cpu, op));
	set_target(cpu, op);
	TRY(check_branch_target(cpu, entry->rip));
	TRY(entry_check_segments(cpu, entry));
	TRY(entry_activate(cpu, entry));
	if (op->notify) {
		entry_call(cpu, entry);
	} else {
		TRY(load_xstate(cpu, op));
		load_registers(cpu->state, &op->gprsgx);
		__atomic_store_n(&entry->tcs->cssa, entry->cssa - 1, __ATOMIC_RELAXED);
	}
	entry_commit(cpu, entry);
	return op->notify ? leaf_jump() : leaf_resume();
}

/* RBX = TCS, RCX = AEP. */
struct leaf_result sgx_eresume(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eresume op;
	struct leaf_result res;

	TRY(entry_begin(cpu, &op.entry, rbx, rcx));
	res = resume(cpu, &op);
	if (res.kind != LEAF_JUMP)
		entry_abandon(&op.entry);
	return res;
}
