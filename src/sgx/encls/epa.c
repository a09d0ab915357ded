// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EPA". */
#include "sgx/leaf.h"

#include <string.h>

/* RBX = PT_VA, RCX = EPC page. */
struct leaf_result sgx_epa(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct epcm_entry *e;
	gva_t gva;

	CHECK(rbx == SGX_PAGE_TYPE_VA, leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	TRY(target_lock_free(cpu, e, gva));
	memset(epcm_page(e), 0, SGX_PAGE_SIZE);
	epcm_make_valid(e, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA), 0, NULL);
	epcm_unlock(e, EPCM_EXCLUSIVE);
	leaf_page_changed(cpu, e);
	return leaf_ok();
}
