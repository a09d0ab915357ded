// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/child.h"

enum {
	CLAIM_TARGET,
	CLAIM_SECS,
	NR_CLAIMS,
};

static void make_claims(const struct child_operands *op, struct epcm_claim claims[NR_CLAIMS])
{
	claims[CLAIM_TARGET] = (struct epcm_claim){op->target, EPCM_EXCLUSIVE};
	claims[CLAIM_SECS] = (struct epcm_claim){op->secs, EPCM_SHARED};
}

/* A target in use already ranks before the busy SECS. */
static struct leaf_result secs_conflict(struct sgx_cpu *cpu, const struct child_operands *op)
{
	TRY(target_check_free(cpu, op->target, op->target_gva));
	return leaf_gp();
}

struct leaf_result child_lock(struct sgx_cpu *cpu, const struct child_operands *op)
{
	struct epcm_claim claims[NR_CLAIMS];
	int conflict;

	make_claims(op, claims);
	conflict = epcm_lock_set(claims, NR_CLAIMS);
	CHECK(conflict != CLAIM_TARGET, leaf_gp());
	CHECK(conflict != CLAIM_SECS, secs_conflict(cpu, op));
	return leaf_ok();
}

void child_unlock(const struct child_operands *op)
{
	struct epcm_claim claims[NR_CLAIMS];

	make_claims(op, claims);
	epcm_unlock_set(claims, NR_CLAIMS);
}

struct leaf_result __child_check(struct sgx_cpu *cpu, const struct child_operands *op)
{
	CHECK(!epcm_is_valid(epcm_state(op->target)), leaf_pf(op->target_gva, ENCLS_WRITE));
	CHECK(epcm_is(epcm_state(op->secs), SGX_PAGE_TYPE_SECS),
	      leaf_pf(op->secs_gva, ENCLS_WRITE));
	return leaf_ok();
}

struct leaf_result child_check(struct sgx_cpu *cpu, const struct child_operands *op)
{
	struct epcm_claim claims[NR_CLAIMS];
	struct leaf_result res;

	make_claims(op, claims);
	if (likely(epcm_set_is_free(claims, NR_CLAIMS))) {
		res = __child_check(cpu, op);
		if (likely(res.kind == LEAF_OK))
			return res;
	}
	TRY(child_lock(cpu, op));
	res = __child_check(cpu, op);
	child_unlock(op);
	return res;
}
