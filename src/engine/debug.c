// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hardware breakpoints. While any is enabled, every block is one instruction,
 * and the pages of data breakpoints are in no TLB.
 */
#include "engine/core.h"

#include "cpu/debug.h"
#include "engine/operand.h"

/* SDM "Breakpoint Suppression": what an entry without opt-in hides. */
static bool is_suppressed(const struct engine_vcpu *v, gva_t gva)
{
	return exec_in_enclave(v) && sgx_in_elrange(v->sgx, gva) && !v->sgx->enclave.debug_optin;
}

uint64_t vcpu_watch(struct engine_vcpu *v, gva_t gva, size_t len, bool write)
{
	if (likely(!debug_is_watching(&v->cpu)) || is_suppressed(v, gva))
		return 0;
	return debug_match_data(&v->cpu, gva, len, write);
}

uint64_t vcpu_watch_code(const struct engine_vcpu *v)
{
	gva_t pc = vcpu_linear_pc(v);

	/* Enclave code that jumps out of its range meets its #GP, not a breakpoint there. */
	if (is_suppressed(v, pc) || (exec_in_enclave(v) && !sgx_in_elrange(v->sgx, pc)))
		return 0;
	return debug_match_execute(&v->cpu, pc);
}

bool vcpu_is_watched(const struct engine_vcpu *v, gva_t gva)
{
	if (!debug_is_watching(&v->cpu) || is_suppressed(v, gva))
		return false;
	for (unsigned int n = 0; n < 4; n++) {
		struct debug_breakpoint b = debug_decode(&v->cpu, n);

		if (b.enabled && (b.type == DEBUG_WRITE || b.type == DEBUG_ACCESS) &&
		    !((b.gva ^ gva) >> GUEST_PAGE_SHIFT))
			return true;
	}
	return false;
}
