// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ETRACK". */
#include "sgx/leaf.h"
#include "sgx/track.h"

static struct leaf_result __start_cycle(struct sgx_cpu *cpu, struct epcm_entry *secs, gva_t gva)
{
	CHECK(epcm_is(epcm_state(secs), SGX_PAGE_TYPE_SECS), leaf_pf(gva, ENCLS_WRITE));
	CHECK(track_new_epoch(secs), leaf_code(SGX_PREV_TRK_INCMPL));
	return leaf_code(SGX_SUCCESS);
}

/* The tracking facility ranks before the page's type, so it is taken of whatever page this is. */
static struct leaf_result __track(struct sgx_cpu *cpu, struct epcm_entry *secs, gva_t gva)
{
	struct leaf_result res;

	CHECK(epcm_bit_lock(secs, EPCM_LOCK_TRACK), leaf_gp());
	res = __start_cycle(cpu, secs, gva);
	epcm_bit_unlock(secs, EPCM_LOCK_TRACK);
	return res;
}

/* RCX = SECS. */
struct leaf_result sgx_etrack(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct epcm_entry *secs;
	struct leaf_result res;
	gva_t gva;

	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &secs));
	CHECK(epcm_lock(secs, EPCM_SHARED), leaf_gp());
	res = __track(cpu, secs, gva);
	epcm_unlock(secs, EPCM_SHARED);
	return res;
}
