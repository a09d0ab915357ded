// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EBLOCK". */
#include "sgx/leaf.h"
#include "sgx/track.h"

static struct leaf_result __block(struct sgx_cpu *cpu, struct epcm_entry *e)
{
	struct epcm_entry *secs = epcm_secs(e);
	uint64_t state = epcm_state(e);

	CHECK(epcm_is_valid(state), leaf_code(SGX_PG_INVLD));
	CHECK(!epcm_is(state, SGX_PAGE_TYPE_SECS), leaf_info(SGX_PG_IS_SECS));
	CHECK(!epcm_is(state, SGX_PAGE_TYPE_VA), leaf_info(SGX_NOTBLOCKABLE));
	CHECK(epcm_bit_wait(secs, EPCM_LOCK_TRACK), leaf_code(SGX_ENTRYEPOCH_LOCKED));
	CHECK(!(epcm_state(e) & EPCM_BLOCKED), leaf_info(SGX_BLKSTATE));
	/*
	 * Two EBLOCKs at once may both come here. The page then has the later
	 * epoch of the two, which can only ask for one more ETRACK.
	 */
	track_mark_page(e, secs, 0, EPCM_BLOCKED);
	return leaf_code(SGX_SUCCESS);
}

/* RCX = EPC page. */
struct leaf_result sgx_eblock(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct epcm_entry *e;
	struct leaf_result res;
	gva_t gva;

	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	CHECK(epcm_lock(e, EPCM_SHARED), leaf_code(SGX_EPC_PAGE_CONFLICT));
	res = __block(cpu, e);
	epcm_unlock(e, EPCM_SHARED);
	return res;
}
