// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ELDB/ELDU". */
#include "sgx/paging.h"
#include "sgx/track.h"

struct eld {
	struct paging_operands in;
	struct sgx_pageinfo pageinfo;
	struct sgx_pcmd pcmd;
	struct epcm_entry *secs; /* the parent of a child; NULL for SECS and VA pages */
	gva_t secs_gva;
	uint8_t *cipher;           /* private copy: the guest may change its own meanwhile */
	struct leaf_result source; /* how copying it ended */
};

enum {
	CLAIM_TARGET,
	CLAIM_VA,
	CLAIM_SECS,
};

/* The parent counts once it is known. Return: the number of claims. */
static unsigned int make_claims(const struct eld *op, struct epcm_claim *claims)
{
	claims[CLAIM_TARGET] = (struct epcm_claim){op->in.target, EPCM_EXCLUSIVE};
	claims[CLAIM_VA] = (struct epcm_claim){op->in.va, EPCM_SHARED};
	claims[CLAIM_SECS] = (struct epcm_claim){op->secs, EPCM_SHARED};
	return op->secs ? 3 : 2;
}

static struct leaf_result lock_pages(struct sgx_cpu *cpu, const struct epcm_claim *claims,
				     unsigned int count)
{
	int conflict = epcm_lock_set(claims, count);

	CHECK(conflict != CLAIM_TARGET && conflict != CLAIM_VA, leaf_gp());
	CHECK(conflict != CLAIM_SECS, leaf_gp());
	return leaf_ok();
}

static struct leaf_result __check_pages(struct sgx_cpu *cpu, const struct eld *op)
{
	const struct paging_operands *in = &op->in;

	CHECK(!epcm_is_valid(epcm_state(in->target)), leaf_pf(in->target_gva, ENCLS_WRITE));
	CHECK(epcm_is(epcm_state(in->va), SGX_PAGE_TYPE_VA), leaf_pf(in->slot_gva, ENCLS_WRITE));
	return leaf_ok();
}

static struct leaf_result check_pages(struct sgx_cpu *cpu, const struct eld *op)
{
	struct epcm_claim claims[EPCM_MAX_CLAIMS];
	unsigned int count = make_claims(op, claims);
	struct leaf_result res;

	if (likely(epcm_set_is_free(claims, count))) {
		res = __check_pages(cpu, op);
		if (likely(res.kind == LEAF_OK))
			return res;
	}
	TRY(lock_pages(cpu, claims, count));
	res = __check_pages(cpu, op);
	epcm_unlock_set(claims, count);
	return res;
}

/* A legal type without a parent. */
static bool is_orphan(uint64_t pt)
{
	return pt == EPCM_PT(SGX_PAGE_TYPE_SECS) || pt == EPCM_PT(SGX_PAGE_TYPE_VA);
}

/* From the page type that the guest claims; the MAC is to confirm it. */
static struct leaf_result find_parent(struct sgx_cpu *cpu, struct eld *op)
{
	uint64_t pt = op->pcmd.secinfo.flags & SGX_SECINFO_PT_MASK;

	if (is_orphan(pt) || pt > EPCM_PT(SGX_PAGE_TYPE_SS_REST))
		return leaf_ok();
	CHECK(is_aligned(op->pageinfo.secs, SGX_PAGE_SIZE), leaf_gp());
	return operand_epc_page(cpu, op->pageinfo.secs, ENCLS_WRITE, &op->secs_gva, &op->secs);
}

static struct leaf_result __check_type(struct sgx_cpu *cpu, const struct eld *op)
{
	uint64_t pt = op->pcmd.secinfo.flags & SGX_SECINFO_PT_MASK;

	if (op->secs) {
		CHECK(epcm_is(epcm_state(op->secs), SGX_PAGE_TYPE_SECS),
		      leaf_pf(op->secs_gva, ENCLS_WRITE));
		return leaf_ok();
	}
	CHECK(!is_orphan(pt) || !op->pageinfo.secs, leaf_gp());
	CHECK(is_orphan(pt), leaf_gp());
	return leaf_ok();
}

/*
 * Opens the blob into the page, which is invalid, then takes the version out of
 * its slot. Another ELD may have taken it since it was read: one blob is loaded
 * once.
 */
static bool __open_once(struct sgx_cpu *cpu, const struct eld *op)
{
	_Atomic uint64_t *slot = paging_slot(&op->in);
	uint64_t version = atomic_load(slot);
	const struct paging_binding binding = {
		.version = version,
		.eid = op->secs ? paging_eid(op->secs) : 0,
		.linaddr = op->pageinfo.linaddr,
	};

	return paging_open(cpu, &binding, &op->pcmd, op->cipher, epcm_page(op->in.target)) &&
	       atomic_compare_exchange_strong(slot, &version, 0);
}

/* The attributes are what EWB found in the EPCM: the MAC says so. */
static void __make_valid(struct sgx_cpu *cpu, const struct eld *op, bool block)
{
	struct epcm_entry *e = op->in.target;
	uint64_t state = EPCM_VALID | op->pcmd.secinfo.flags;

	if (op->secs && block)
		state = epcm_with_epoch(state | EPCM_BLOCKED, track_epoch(op->secs));
	else if (op->secs)
		state = epcm_with_epoch(state, track_epoch_complete(op->secs));
	if (epcm_is(state, SGX_PAGE_TYPE_SECS)) {
		atomic_store(&e->context, epc_hpa(&cpu->platform->epc, e));
		track_reset(e);
	}
	epcm_make_valid(e, state, op->pageinfo.linaddr, op->secs);
}

static struct leaf_result __load(struct sgx_cpu *cpu, const struct eld *op, bool block)
{
	TRY(__check_pages(cpu, op));
	TRY(__check_type(cpu, op));
	TRY(op->source);
	CHECK(__open_once(cpu, op), leaf_code(SGX_MAC_COMPARE_FAIL));
	__make_valid(cpu, op, block);
	return leaf_code(SGX_SUCCESS);
}

static struct leaf_result load(struct sgx_cpu *cpu, const struct eld *op, bool block)
{
	struct epcm_claim claims[EPCM_MAX_CLAIMS];
	unsigned int count = make_claims(op, claims);
	struct leaf_result res;

	TRY(lock_pages(cpu, claims, count));
	res = __load(cpu, op, block);
	epcm_unlock_set(claims, count);
	if (leaf_succeeded(res))
		leaf_page_changed(cpu, op->in.target);
	return res;
}

/* RBX = PAGEINFO, RCX = EPC page, RDX = VA slot. */
static struct leaf_result eld(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx,
			      bool block)
{
	struct eld op = {.cipher = cpu->scratch};
	struct sgx_pageinfo *pageinfo = &op.pageinfo;

	TRY(paging_operands(cpu, rbx, rcx, rdx, &op.in));
	TRY(operand_read(cpu, rbx, ENCLS_READ, pageinfo, sizeof(*pageinfo)));
	CHECK(is_aligned(pageinfo->secinfo, sizeof(op.pcmd)), leaf_gp());
	CHECK(is_aligned(pageinfo->srcpge, SGX_PAGE_SIZE), leaf_gp());
	TRY(check_pages(cpu, &op));
	TRY(operand_read(cpu, pageinfo->secinfo, ENCLS_READ, &op.pcmd, sizeof(op.pcmd)));
	TRY(find_parent(cpu, &op));
	/* A fault here ranks behind the checks of the parent, which need locks. */
	op.source = operand_read(cpu, pageinfo->srcpge, ENCLS_READ, op.cipher, SGX_PAGE_SIZE);
	return load(cpu, &op, block);
}

struct leaf_result sgx_eldb(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return eld(cpu, rbx, rcx, rdx, true);
}

struct leaf_result sgx_eldu(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return eld(cpu, rbx, rcx, rdx, false);
}
