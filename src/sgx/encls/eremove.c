// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EREMOVE". */
#include "sgx/leaf.h"
#include "sgx/track.h"

/*
 * A processor may enter between the test and the removal and read the EPCM
 * entry at a TLB fill. So the page goes first, then the test is made again: who
 * is not counted by then finds the page gone (access.c waits for our lock).
 */
static bool __remove_unless_active(struct epcm_entry *e, const struct epcm_entry *secs)
{
	uint64_t state = epcm_state(e);

	if (track_is_active(secs))
		return false;
	atomic_store(&e->state, 0);
	if (track_is_active(secs)) {
		atomic_store(&e->state, state);
		return false;
	}
	epcm_make_invalid(e);
	return true;
}

static struct leaf_result __remove(struct sgx_cpu *cpu, struct epcm_entry *e)
{
	uint64_t state = epcm_state(e);

	if (!epcm_is_valid(state))
		return leaf_code(SGX_SUCCESS);
	switch (epcm_pt(state)) {
	case SGX_PAGE_TYPE_SECS:
		CHECK(!atomic_load(&e->children), leaf_code(SGX_CHILD_PRESENT));
		epcm_make_invalid(e);
		break;
	case SGX_PAGE_TYPE_VA:
		epcm_make_invalid(e);
		break;
	case SGX_PAGE_TYPE_TRIM:
		/* Accepted by the enclave: nobody has a translation any more. */
		if (!(state & EPCM_MODIFIED)) {
			epcm_make_invalid(e);
			break;
		}
		__attribute__((fallthrough));
	case SGX_PAGE_TYPE_TCS:
	case SGX_PAGE_TYPE_REG:
	case SGX_PAGE_TYPE_SS_FIRST:
	case SGX_PAGE_TYPE_SS_REST:
		CHECK(__remove_unless_active(e, epcm_secs(e)), leaf_code(SGX_ENCLAVE_ACT));
		break;
	}
	return leaf_code(SGX_SUCCESS);
}

/* RCX = EPC page. */
struct leaf_result sgx_eremove(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct epcm_entry *e;
	struct leaf_result res;
	gva_t gva;

	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	CHECK(epcm_lock(e, EPCM_EXCLUSIVE), leaf_gp());
	res = __remove(cpu, e);
	epcm_unlock(e, EPCM_EXCLUSIVE);
	if (leaf_succeeded(res))
		leaf_page_changed(cpu, e);
	return res;
}
