// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/enclu/entry.h"

#include "sgx/tcs.h"
#include "sgx/track.h"

/* SDM "EENTER", segments outside 64-bit mode; DS itself is a matter of ENCLU. */
static struct leaf_result check_flat_segments(struct sgx_cpu *cpu)
{
	const struct x86_segment *seg = cpu->state->seg;
	const struct x86_segment *es = &seg[X86_SEG_ES], *ss = &seg[X86_SEG_SS];

	if (likely(x86_is_64bit(cpu->state)))
		return leaf_ok();
	CHECK(!seg[X86_SEG_CS].base, leaf_gp());
	CHECK(!seg[X86_SEG_DS].base, leaf_gp());
	CHECK(es->unusable || !es->base, leaf_gp());
	CHECK(ss->unusable || !ss->base, leaf_gp());
	CHECK(ss->unusable || ss->db, leaf_gp());
	return leaf_ok();
}

static struct leaf_result __check_tcs_page(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	const struct epcm_entry *e = op->tcs_entry;
	const gva_t gva = op->tcs_linaddr;
	const uint64_t state = epcm_state(e);

	CHECK(!(state & EPCM_BLOCKED), leaf_pf(gva, ENCLU_WRITE));
	CHECK(!(state & (EPCM_PENDING | EPCM_MODIFIED)), leaf_pf(gva, ENCLU_WRITE));
	CHECK(epcm_linaddr(e) == gva, leaf_pf(gva, ENCLU_WRITE));
	CHECK(epcm_pt(state) == SGX_PAGE_TYPE_TCS, leaf_pf(gva, ENCLU_WRITE));
	return leaf_ok();
}

/*
 * EBLOCK shares the page with us, and ETRACK needs no lock on it. So the processor
 * is counted before it looks: when it has not seen BLOCKED, EBLOCK's epoch is its own
 * or a later one, and EWB waits for it to leave.
 */
static struct leaf_result __count_in(struct sgx_cpu *cpu, struct enclave_entry *op)
{
	const uint64_t state = epcm_state(op->tcs_entry);
	struct leaf_result res;

	CHECK(epcm_is_valid(state), leaf_pf(op->tcs_linaddr, ENCLU_WRITE));
	CHECK(epcm_has_parent(state), leaf_pf(op->tcs_linaddr, ENCLU_WRITE));
	op->secs_entry = epcm_secs(op->tcs_entry);
	/* More processors than can be counted: as if the TCS were in use. */
	CHECK(track_enter(op->secs_entry, &op->epoch), leaf_gp());
	res = __check_tcs_page(cpu, op);
	if (res.kind != LEAF_OK)
		entry_abandon(op);
	return res;
}

/* `activations` before STATE, both before CSSA: see entry_activate(). */
static void read_tcs(struct enclave_entry *op)
{
	op->tcs = epcm_page(op->tcs_entry);
	op->secs = secs_of(op->secs_entry);
	op->activations = atomic_load(&op->tcs_entry->activations);
	op->was_active = __atomic_load_n(&op->tcs->state, __ATOMIC_ACQUIRE) != SGX_TCS_INACTIVE;
	op->flags = __atomic_load_n(&op->tcs->flags, __ATOMIC_RELAXED);
	op->cssa = __atomic_load_n(&op->tcs->cssa, __ATOMIC_RELAXED);
}

struct leaf_result entry_begin(struct sgx_cpu *cpu, struct enclave_entry *op, uint64_t rbx,
			       uint64_t rcx)
{
	const struct x86_state *state = cpu->state;
	struct leaf_result res;

	TRY(check_flat_segments(cpu));
	CHECK(is_aligned(rbx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rbx, ENCLU_WRITE, &op->tcs_linaddr, &op->tcs_entry));
	CHECK(!x86_is_64bit(state) || x86_is_canonical(state, rcx), leaf_gp());
	op->aep = rcx;
	CHECK(epcm_lock(op->tcs_entry, EPCM_SHARED), leaf_gp());
	res = __count_in(cpu, op);
	epcm_unlock(op->tcs_entry, EPCM_SHARED);
	TRY(res);
	read_tcs(op);
	return leaf_ok();
}

void entry_abandon(struct enclave_entry *op)
{
	track_leave(op->secs_entry, op->epoch);
}

struct leaf_result entry_check_offsets(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	CHECK(is_aligned(op->tcs->ossa, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(op->tcs->ofs_base, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(op->tcs->ogs_base, SGX_PAGE_SIZE), leaf_gp());
	return leaf_ok();
}

static struct leaf_result check_xfrm(struct sgx_cpu *cpu, uint64_t xfrm)
{
	const struct x86_state *state = cpu->state;
	const uint64_t base = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;

	if (state->cr4 & X86_CR4_OSXSAVE)
		CHECK((xfrm & state->xcr0) == xfrm, leaf_gp());
	else
		CHECK(xfrm == base, leaf_gp());
	return leaf_ok();
}

struct leaf_result entry_check_enclave(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	const struct x86_state *state = cpu->state;
	const uint64_t attributes = secs_attributes(op->secs);
	const bool mode64 = attributes & SGX_ATTR_MODE64BIT;
	const bool notify = op->flags & SGX_TCS_AEXNOTIFY;

	CHECK(!(op->flags & ~tcs_known_flags(cpu)), leaf_gp());
	CHECK(attributes & SGX_ATTR_INIT, leaf_gp());
	CHECK(x86_is_64bit(state) == mode64, leaf_gp());
	CHECK(state->cr4 & X86_CR4_OSFXSR, leaf_gp());
	TRY(check_xfrm(cpu, op->secs->xfrm));
	CHECK((op->flags & SGX_TCS_DBGOPTIN) || notify == !!(attributes & SGX_ATTR_AEXNOTIFY),
	      leaf_gp());
	return leaf_ok();
}

void entry_set_segments(struct enclave_entry *op)
{
	op->fs_base = op->secs->base + op->tcs->ofs_base;
	op->gs_base = op->secs->base + op->tcs->ogs_base;
}

/* A segment that wraps around needs a data segment without an end. */
static bool ds_contains(const struct x86_segment *ds, uint64_t base, uint32_t limit)
{
	uint32_t start = (uint32_t)base;
	uint32_t end = start + limit;

	return end < start ? ds->limit == UINT32_MAX : end <= ds->limit;
}

struct leaf_result entry_check_segments(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	const struct x86_state *state = cpu->state;
	const struct x86_segment *ds = &state->seg[X86_SEG_DS];

	if (likely(x86_is_64bit(state))) {
		CHECK(x86_is_canonical(state, op->fs_base), leaf_gp());
		CHECK(x86_is_canonical(state, op->gs_base), leaf_gp());
	} else {
		CHECK(ds_contains(ds, op->fs_base, op->tcs->fs_limit), leaf_gp());
		CHECK(ds_contains(ds, op->gs_base, op->tcs->gs_limit), leaf_gp());
	}
	return leaf_ok();
}

struct leaf_result check_branch_target(struct sgx_cpu *cpu, uint64_t rip)
{
	const struct x86_state *state = cpu->state;

	if (likely(x86_is_64bit(state)))
		CHECK(x86_is_canonical(state, rip), leaf_gp());
	else
		CHECK(rip <= state->seg[X86_SEG_CS].limit, leaf_gp());
	return leaf_ok();
}

void entry_deactivate(const struct enclave_entry *op)
{
	__atomic_store_n(&op->tcs->state, SGX_TCS_INACTIVE, __ATOMIC_RELEASE);
}

/*
 * Nobody may have been active since the TCS was read: neither then, nor now, nor
 * in between, for the one that is active counts itself before it ends.
 */
static bool activate(const struct enclave_entry *op)
{
	uint64_t expected = SGX_TCS_INACTIVE;

	if (op->was_active ||
	    !__atomic_compare_exchange_n(&op->tcs->state, &expected, SGX_TCS_ACTIVE, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	if (likely(atomic_load(&op->tcs_entry->activations) == op->activations))
		return true;
	entry_deactivate(op);
	return false;
}

struct leaf_result entry_activate(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	CHECK(activate(op), leaf_gp());
	return leaf_ok();
}

void entry_call(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	struct x86_state *state = cpu->state;
	struct sgx_gprsgx *gprsgx = ssa_gprsgx(&op->frame);
	uint64_t next = state->rip + SGX_INSN_LENGTH;

	ssa_store64(&gprsgx->ursp, state->gpr[X86_RSP]);
	ssa_store64(&gprsgx->urbp, state->gpr[X86_RBP]);
	leaf_page_changed(cpu, op->frame.gpr);
	state->gpr[X86_RAX] = op->cssa;
	state->gpr[X86_RCX] = x86_is_64bit(state) ? next : (uint32_t)next;
}

/* Limit and rights are the enclave's or DS's, so that FS and GS tell nothing of outside. */
static void load_segment(struct x86_state *state, enum x86_seg seg, uint64_t base, uint32_t limit)
{
	const struct x86_segment *ds = &state->seg[X86_SEG_DS];

	state->seg[seg] = (struct x86_segment){
		.base = x86_is_64bit(state) ? base : (uint32_t)base,
		.limit = limit,
		.selector = SGX_SEGMENT_SELECTOR,
		.type = X86_SEG_TYPE_ACCESSED | (ds->type & X86_SEG_TYPE_WRITABLE),
		.s = true,
		.dpl = ds->dpl,
		.present = true,
		.avl = ds->avl,
		.l = ds->l,
		.db = true,
		.g = true,
	};
}

void entry_commit(struct sgx_cpu *cpu, const struct enclave_entry *op)
{
	struct x86_state *state = cpu->state;

	atomic_store_explicit(&op->tcs_entry->activations, op->activations + 1,
			      memory_order_relaxed);
	/* A debugger's EDBGRD may read it meanwhile. */
	__atomic_store_n(&op->tcs->aep, op->aep, __ATOMIC_RELAXED);
	cpu->enclave = (struct sgx_enclave_state){
		.active = true,
		.debug_optin = op->flags & SGX_TCS_DBGOPTIN,
		.secs = op->secs_entry,
		.tcs = op->tcs_entry,
		.tcs_linaddr = op->tcs_linaddr,
		.base = op->secs->base,
		.size = op->secs->size,
		.entry_epoch = op->epoch,
		.ssa = op->frame,
		.saved_fs = state->seg[X86_SEG_FS],
		.saved_gs = state->seg[X86_SEG_GS],
		.saved_xcr0 = state->xcr0,
		.saved_tf = state->rflags & X86_EFLAGS_TF,
	};
	load_segment(state, X86_SEG_FS, op->fs_base, op->tcs->fs_limit);
	load_segment(state, X86_SEG_GS, op->gs_base, op->tcs->gs_limit);
	if (state->cr4 & X86_CR4_OSXSAVE)
		state->xcr0 = op->secs->xfrm;
	if (!cpu->enclave.debug_optin)
		state->rflags &= ~(uint64_t)X86_EFLAGS_TF;
	state->rip = op->rip;
	cpu->ops->enclave_mode(cpu, true);
}

void enclave_leave(struct sgx_cpu *cpu)
{
	const struct sgx_enclave_state *enclave = &cpu->enclave;
	struct x86_state *state = cpu->state;

	state->seg[X86_SEG_FS] = enclave->saved_fs;
	state->seg[X86_SEG_GS] = enclave->saved_gs;
	state->xcr0 = enclave->saved_xcr0;
	if (!enclave->debug_optin) {
		state->rflags &= ~(uint64_t)X86_EFLAGS_TF;
		state->rflags |= enclave->saved_tf ? X86_EFLAGS_TF : 0;
	}
	sgx_cpu_reset(cpu);
	cpu->ops->enclave_mode(cpu, false);
}
