// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EACCEPT". */
#include "sgx/leaf.h"
#include "sgx/tcs.h"
#include "sgx/track.h"

#include <string.h>

struct eaccept {
	struct sgx_secinfo secinfo;
	struct epcm_entry *target;
	gva_t gva;
};

/* PR is not compared: it only says why the page is accepted. */
#define EPCM_COMPARED (EPCM_RWX | EPCM_PENDING | EPCM_MODIFIED | EPCM_PT_MASK)

/* Is this the end of an EAUG, EMODPR or EMODT? */
static bool is_request(uint64_t flags)
{
	uint64_t state = flags & SGX_SECINFO_STATE;
	uint64_t pt = flags & SGX_SECINFO_PT_MASK;

	if (pt == EPCM_PT(SGX_PAGE_TYPE_REG))
		return state && !(state & SGX_SECINFO_MODIFIED);
	return (pt == EPCM_PT(SGX_PAGE_TYPE_TCS) || pt == EPCM_PT(SGX_PAGE_TYPE_TRIM)) &&
	       state == SGX_SECINFO_MODIFIED;
}

static struct leaf_result read_operands(struct sgx_cpu *cpu, struct eaccept *op, uint64_t rbx,
					uint64_t rcx)
{
	struct sgx_secinfo *secinfo = &op->secinfo;
	struct epcm_entry *e;
	void *p;

	CHECK(is_aligned(rbx, sizeof(*secinfo)), leaf_gp());
	TRY(operand_enclave(cpu, rbx, sizeof(*secinfo), ENCLU_READ, &e, &p));
	/* Copied once: other threads of the enclave may change it meanwhile. */
	memcpy(secinfo, p, sizeof(*secinfo));
	CHECK(secinfo_has_only(secinfo, EPCM_SECINFO), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_elrange(cpu, rcx, 1, ENCLU_READ, &op->gva));
	TRY(operand_epc(cpu, op->gva, ENCLU_READ, &op->target));
	CHECK(is_request(secinfo->flags), leaf_gp());
	return leaf_ok();
}

static bool is_own_page(const struct epcm_view *view, const struct epcm_entry *secs)
{
	uint64_t state = view->state;

	return (epcm_is(state, SGX_PAGE_TYPE_REG) || epcm_is(state, SGX_PAGE_TYPE_TCS) ||
		epcm_is(state, SGX_PAGE_TYPE_TRIM)) &&
	       !(state & EPCM_BLOCKED) && view->secs == secs;
}

static struct leaf_result check_target(struct sgx_cpu *cpu, const struct eaccept *op,
				       const struct epcm_view *view)
{
	CHECK(is_own_page(view, cpu->enclave.secs), leaf_pf(op->gva, ENCLU_READ));
	return leaf_ok();
}

/* A fresh page has no translations that could be stale. */
static bool is_tracked(const struct epcm_entry *secs, uint64_t state)
{
	return !(state & (EPCM_MODIFIED | EPCM_PR)) || track_is_complete(secs, epcm_epoch(state));
}

/*
 * What the enclave wrote into a page before it became a TCS. Nobody can write it
 * any more: it is tracked, and it is MODIFIED, which even EDBGWR respects.
 */
static struct leaf_result __check_tcs(struct sgx_cpu *cpu, const struct sgx_tcs *tcs)
{
	bool mode64 = secs_attributes(secs_of(cpu->enclave.secs)) & SGX_ATTR_MODE64BIT;
	uint64_t flags = tcs_known_flags(cpu) & ~SGX_TCS_DBGOPTIN;

	CHECK(tcs_reserved_is_zero(tcs), leaf_gp());
	CHECK(!(tcs->flags & ~flags), leaf_gp());
	CHECK(tcs->cssa < tcs->nssa, leaf_gp());
	CHECK(!tcs->aep, leaf_gp());
	CHECK(tcs->state == SGX_TCS_INACTIVE, leaf_gp());
	CHECK(tcs_limits_are_legal(tcs, mode64), leaf_gp());
	return leaf_ok();
}

static struct leaf_result __accept(struct sgx_cpu *cpu, struct eaccept *op)
{
	struct epcm_view view = epcm_view(op->target);
	bool same = view.linaddr == op->gva && !((view.state ^ op->secinfo.flags) & EPCM_COMPARED);

	TRY(check_target(cpu, op, &view));
	CHECK(same, leaf_code(SGX_PAGE_ATTRIBUTES_MISMATCH));
	CHECK(is_tracked(cpu->enclave.secs, view.state), leaf_code(SGX_NOT_TRACKED));
	if (epcm_pt(view.state) == SGX_PAGE_TYPE_TCS)
		TRY(__check_tcs(cpu, epcm_page(op->target)));
	/* EBLOCK may have come meanwhile: its bit stays. */
	epcm_change_flags(op->target, EPCM_PENDING | EPCM_MODIFIED | EPCM_PR, 0);
	return leaf_code(SGX_SUCCESS);
}

/* RBX = SECINFO, RCX = EPC page, both in the enclave. */
struct leaf_result sgx_eaccept(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eaccept op;
	struct epcm_view view;
	struct leaf_result res;

	TRY(read_operands(cpu, &op, rbx, rcx));
	/* Ranks before the conflict, and no page of another enclave is ever locked. */
	view = epcm_view(op.target);
	TRY(check_target(cpu, &op, &view));
	CHECK(epcm_lock_sgx2(op.target), leaf_gp());
	res = __accept(cpu, &op);
	epcm_unlock_sgx2(op.target);
	return res;
}
