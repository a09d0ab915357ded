// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EDECCSSA": the next AEX writes the frame before the current one. */
#include "sgx/enclu/entry.h"

struct leaf_result sgx_edeccssa(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct sgx_tcs *tcs = active_tcs(cpu);
	struct sgx_ssa_frame frame;

	CHECK(tcs->cssa, leaf_gp());
	TRY(ssa_open(cpu, cpu->enclave.secs, tcs, tcs->cssa - 1, &frame));
	/* URSP and URBP of that frame stay those of its own entry, as with ERESUME. */
	cpu->enclave.ssa = frame;
	__atomic_store_n(&tcs->cssa, tcs->cssa - 1, __ATOMIC_RELAXED);
	return leaf_ok();
}
