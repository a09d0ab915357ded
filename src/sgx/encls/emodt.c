// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EMODT". */
#include "sgx/leaf.h"
#include "sgx/track.h"

/* SDM EMODT: regular pages become TCS or TRIM, a TCS becomes TRIM. */
static bool may_become(uint64_t state, enum sgx_page_type requested)
{
	return epcm_is(state, SGX_PAGE_TYPE_REG) ||
	       (epcm_is(state, SGX_PAGE_TYPE_TCS) && requested == SGX_PAGE_TYPE_TRIM);
}

static struct leaf_result __modify(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva,
				   enum sgx_page_type requested)
{
	uint64_t state = epcm_state(e);

	CHECK(epcm_is_valid(state), leaf_pf(gva, ENCLS_WRITE));
	CHECK(may_become(state, requested), leaf_pf(gva, ENCLS_WRITE));
	CHECK(!(state & (EPCM_PENDING | EPCM_MODIFIED)), leaf_code(SGX_PAGE_NOT_MODIFIABLE));
	CHECK(secs_is_initialised(secs_of(epcm_secs(e))), leaf_gp());
	track_mark_page(e, epcm_secs(e), EPCM_RWX | EPCM_PR | EPCM_PT_MASK,
			EPCM_MODIFIED | EPCM_PT(requested));
	return leaf_code(SGX_SUCCESS);
}

/* RBX = SECINFO, RCX = EPC page. */
struct leaf_result sgx_emodt(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct sgx_secinfo secinfo;
	struct epcm_entry *e;
	struct leaf_result res;
	uint64_t pt;
	gva_t gva;

	CHECK(is_aligned(rbx, sizeof(secinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	TRY(operand_read(cpu, rbx, ENCLS_READ, &secinfo, sizeof(secinfo)));
	CHECK(secinfo_has_only(&secinfo, SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK), leaf_gp());
	pt = secinfo.flags & SGX_SECINFO_PT_MASK;
	CHECK(pt == EPCM_PT(SGX_PAGE_TYPE_TCS) || pt == EPCM_PT(SGX_PAGE_TYPE_TRIM), leaf_gp());
	/* Exclusive: every other user of the page conflicts, SGX2 leaves among them. */
	CHECK(epcm_lock(e, EPCM_EXCLUSIVE), leaf_code(SGX_EPC_PAGE_CONFLICT));
	res = __modify(cpu, e, gva, epcm_pt(pt));
	epcm_unlock(e, EPCM_EXCLUSIVE);
	if (leaf_succeeded(res))
		leaf_page_changed(cpu, e);
	return res;
}
