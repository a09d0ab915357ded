// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EMODPE". */
#include "sgx/leaf.h"

#include <string.h>

struct emodpe {
	struct sgx_secinfo secinfo;
	struct epcm_entry *target;
	gva_t gva;
};

/* PENDING, MODIFIED, PR and PT are ignored: real enclaves pass them. */
static struct leaf_result read_operands(struct sgx_cpu *cpu, struct emodpe *op, uint64_t rbx,
					uint64_t rcx)
{
	struct sgx_secinfo *secinfo = &op->secinfo;
	struct epcm_entry *e;
	gva_t gva;

	CHECK(is_aligned(rbx, sizeof(*secinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_elrange(cpu, rbx, sizeof(*secinfo), ENCLU_READ, &gva));
	TRY(operand_elrange(cpu, rcx, 1, ENCLU_READ, &op->gva));
	TRY(operand_epc(cpu, gva, ENCLU_READ, &e));
	TRY(operand_epc(cpu, op->gva, ENCLU_READ, &op->target));
	TRY(operand_check_rights(cpu, gva, ENCLU_READ, EPCM_R, cpu->enclave.secs, e));
	/* Copied once: other threads of the enclave may change it meanwhile. */
	memcpy(secinfo, (uint8_t *)epcm_page(e) + gva % SGX_PAGE_SIZE, sizeof(*secinfo));
	CHECK(secinfo_has_only(secinfo, EPCM_SECINFO), leaf_gp());
	return leaf_ok();
}

static struct leaf_result check_target(struct sgx_cpu *cpu, const struct emodpe *op,
				       const struct epcm_view *view)
{
	const uint64_t no_access = EPCM_BLOCKED | EPCM_PENDING | EPCM_MODIFIED;

	CHECK(epcm_is(view->state, SGX_PAGE_TYPE_REG) && !(view->state & no_access) &&
		      view->secs == cpu->enclave.secs,
	      leaf_pf(op->gva, ENCLU_READ));
	return leaf_ok();
}

static struct leaf_result __extend(struct sgx_cpu *cpu, struct emodpe *op)
{
	struct epcm_view view = epcm_view(op->target);
	uint64_t rights = op->secinfo.flags & SGX_SECINFO_RWX;

	TRY(check_target(cpu, op, &view));
	CHECK(view.linaddr == op->gva, leaf_pf(op->gva, ENCLU_READ));
	CHECK(((view.state | rights) & EPCM_R) || !(rights & EPCM_W), leaf_gp());
	epcm_change_flags(op->target, 0, rights);
	return leaf_ok();
}

/*
 * RBX = SECINFO, RCX = EPC page, both in the enclave.
 *
 * SDM "Concurrency Restrictions": the target is shared even with leaves that
 * hold it exclusively. Those are waited for all the same: EREMOVE takes an
 * entry away for the moment in which it asks whether the enclave is active.
 */
struct leaf_result sgx_emodpe(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct emodpe op;
	struct epcm_view view;
	struct leaf_result res;

	TRY(read_operands(cpu, &op, rbx, rcx));
	view = epcm_view(op.target);
	TRY(check_target(cpu, &op, &view));
	CHECK(epcm_lock_sgx2(op.target), leaf_gp());
	res = __extend(cpu, &op);
	epcm_unlock_sgx2(op.target);
	return res;
}
