// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EAUG". */
#include "sgx/leaf.h"

#include <string.h>

struct eaug {
	struct sgx_pageinfo pageinfo;
	struct epcm_entry *target;
	struct epcm_entry *secs;
	gva_t target_gva;
	gva_t secs_gva;
};

enum {
	CLAIM_TARGET,
	CLAIM_SECS,
};

/* A target in use already ranks before the busy SECS. */
static struct leaf_result secs_conflict(struct sgx_cpu *cpu, const struct eaug *op)
{
	TRY(target_check_free(cpu, op->target, op->target_gva));
	return leaf_gp();
}

static struct leaf_result lock_pages(struct sgx_cpu *cpu, const struct eaug *op,
				     const struct epcm_claim *claims)
{
	int conflict = epcm_lock_set(claims, 2);

	CHECK(conflict != CLAIM_TARGET, leaf_gp());
	CHECK(conflict != CLAIM_SECS, secs_conflict(cpu, op));
	return leaf_ok();
}

/* Whatever it says: what counts is that it can be read. */
static struct leaf_result read_secinfo(struct sgx_cpu *cpu, const struct eaug *op)
{
	struct sgx_secinfo secinfo;

	TRY(target_check_free(cpu, op->target, op->target_gva));
	return operand_read(cpu, op->pageinfo.secinfo, ENCLS_READ, &secinfo, sizeof(secinfo));
}

static struct leaf_result read_operands(struct sgx_cpu *cpu, struct eaug *op, uint64_t rbx,
					uint64_t rcx)
{
	struct sgx_pageinfo *pageinfo = &op->pageinfo;

	CHECK(is_aligned(rbx, sizeof(*pageinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &op->target_gva, &op->target));
	TRY(operand_read(cpu, rbx, ENCLS_READ, pageinfo, sizeof(*pageinfo)));
	CHECK(is_aligned(pageinfo->secinfo, sizeof(struct sgx_secinfo)), leaf_gp());
	CHECK(is_aligned(pageinfo->secs, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(pageinfo->linaddr, SGX_PAGE_SIZE), leaf_gp());
	CHECK(!pageinfo->srcpge, leaf_gp());
	TRY(operand_epc_page(cpu, pageinfo->secs, ENCLS_WRITE, &op->secs_gva, &op->secs));
	if (pageinfo->secinfo)
		TRY(read_secinfo(cpu, op));
	/* A SECINFO asks for a shadow-stack page. That takes CET, which is not offered. */
	CHECK(!pageinfo->secinfo, leaf_gp());
	return leaf_ok();
}

static struct leaf_result __commit(struct sgx_cpu *cpu, const struct eaug *op)
{
	const struct sgx_secs *secs = secs_of(op->secs);
	gva_t linaddr = op->pageinfo.linaddr;

	CHECK(!epcm_is_valid(epcm_state(op->target)), leaf_pf(op->target_gva, ENCLS_WRITE));
	CHECK(epcm_is(epcm_state(op->secs), SGX_PAGE_TYPE_SECS),
	      leaf_pf(op->secs_gva, ENCLS_WRITE));
	CHECK(secs_is_initialised(secs), leaf_gp());
	CHECK(secs_in_elrange(secs, linaddr), leaf_gp());
	memset(epcm_page(op->target), 0, SGX_PAGE_SIZE);
	epcm_make_valid(op->target,
			EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W | EPCM_PENDING,
			linaddr, op->secs);
	return leaf_ok();
}

/* RBX = PAGEINFO, RCX = EPC page. */
struct leaf_result sgx_eaug(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct eaug op;
	struct epcm_claim claims[2];
	struct leaf_result res;

	TRY(read_operands(cpu, &op, rbx, rcx));
	claims[CLAIM_TARGET] = (struct epcm_claim){op.target, EPCM_EXCLUSIVE};
	claims[CLAIM_SECS] = (struct epcm_claim){op.secs, EPCM_SHARED};
	TRY(lock_pages(cpu, &op, claims));
	res = __commit(cpu, &op);
	epcm_unlock_set(claims, 2);
	TRY(res);
	leaf_page_changed(cpu, op.target);
	return leaf_ok();
}
