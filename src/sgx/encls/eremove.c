// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EREMOVE". */
#include "sgx/leaf.h"
#include "sgx/track.h"

#include <errno.h>

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

/* Return: SGX_SUCCESS with the page invalid, or why it must stay. */
static enum sgx_return_code __remove(struct epcm_entry *e)
{
	uint64_t state = epcm_state(e);

	if (!epcm_is_valid(state))
		return SGX_SUCCESS;
	switch (epcm_pt(state)) {
	case SGX_PAGE_TYPE_SECS:
		if (atomic_load(&e->children))
			return SGX_CHILD_PRESENT;
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
		if (!__remove_unless_active(e, epcm_secs(e)))
			return SGX_ENCLAVE_ACT;
		break;
	}
	return SGX_SUCCESS;
}

/* RCX = EPC page. */
struct leaf_result sgx_eremove(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	enum sgx_return_code code;
	struct epcm_entry *e;
	gva_t gva;

	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	CHECK(epcm_lock(e, EPCM_EXCLUSIVE), leaf_gp());
	code = __remove(e);
	epcm_unlock(e, EPCM_EXCLUSIVE);
	CHECK(code != SGX_CHILD_PRESENT, leaf_code(code));
	CHECK(code != SGX_ENCLAVE_ACT, leaf_code(code));
	leaf_page_changed(cpu, e);
	return leaf_code(SGX_SUCCESS);
}

struct leaf_result sgx_remove_page(struct sgx_platform *platform, hpa_t hpa)
{
	struct epcm_entry *e = epc_lookup(&platform->epc, hpa);
	enum sgx_return_code code;

	if (!e)
		return leaf_host_error(-EINVAL);
	if (!epcm_lock(e, EPCM_EXCLUSIVE))
		return leaf_gp();
	code = __remove(e);
	epcm_unlock(e, EPCM_EXCLUSIVE);
	if (code == SGX_SUCCESS)
		announce_page_changed(platform, e);
	return leaf_code(code);
}
