// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EMODPR". */
#include "sgx/leaf.h"
#include "sgx/track.h"

/* Alone among SGX2 leaves; only EBLOCK may change the entry meanwhile. */
static struct leaf_result __restrict_rights(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva,
					    uint64_t rights)
{
	uint64_t state = epcm_state(e);

	CHECK(!(state & (EPCM_PENDING | EPCM_MODIFIED)), leaf_code(SGX_PAGE_NOT_MODIFIABLE));
	CHECK(epcm_pt(state) == SGX_PAGE_TYPE_REG, leaf_pf(gva, ENCLS_WRITE));
	CHECK(secs_is_initialised(secs_of(epcm_secs(e))), leaf_gp());
	track_mark_page(e, epcm_secs(e), EPCM_RWX & ~rights, EPCM_PR);
	return leaf_code(SGX_SUCCESS);
}

static struct leaf_result __modify(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva,
				   uint64_t rights)
{
	struct leaf_result res;

	CHECK(epcm_is_valid(epcm_state(e)), leaf_pf(gva, ENCLS_WRITE));
	CHECK(epcm_bit_lock(e, EPCM_LOCK_SGX2), leaf_code(SGX_EPC_PAGE_CONFLICT));
	res = __restrict_rights(cpu, e, gva, rights);
	epcm_bit_unlock(e, EPCM_LOCK_SGX2);
	return res;
}

/* RBX = SECINFO, RCX = EPC page. */
struct leaf_result sgx_emodpr(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	const uint64_t rw = SGX_SECINFO_R | SGX_SECINFO_W;
	struct sgx_secinfo secinfo;
	struct epcm_entry *e;
	struct leaf_result res;
	gva_t gva;

	CHECK(is_aligned(rbx, sizeof(secinfo)), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	TRY(operand_read(cpu, rbx, ENCLS_READ, &secinfo, sizeof(secinfo)));
	/* The page type is not looked at: Linux leaves it 0. */
	CHECK(secinfo_has_only(&secinfo, SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK), leaf_gp());
	CHECK((secinfo.flags & rw) != SGX_SECINFO_W, leaf_gp());
	CHECK(epcm_lock(e, EPCM_SHARED), leaf_gp());
	res = __modify(cpu, e, gva, secinfo.flags & SGX_SECINFO_RWX);
	epcm_unlock(e, EPCM_SHARED);
	return res;
}
