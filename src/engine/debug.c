// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hardware breakpoints. In a page with one on code, every block is one instruction, and
 * nothing but the run loop leads there. While one on data or ports is enabled, every block
 * is one instruction everywhere, and its page is in no TLB.
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

/* Is there an enabled breakpoint of @types (a mask of enum debug_type) in the page of @gva, or in any? */
static bool has_breakpoint(const struct engine_vcpu *v, unsigned int types, bool anywhere,
			   gva_t gva)
{
	for (unsigned int n = 0; n < 4; n++) {
		struct debug_breakpoint b = debug_decode(&v->cpu, n);

		if (b.enabled && (types >> b.type & 1) &&
		    (anywhere || !((b.gva ^ gva) >> GUEST_PAGE_SHIFT)))
			return true;
	}
	return false;
}

bool vcpu_watches_data(const struct engine_vcpu *v)
{
	return debug_is_watching(&v->cpu) && has_breakpoint(v, ~BIT32(DEBUG_EXECUTE), true, 0);
}

bool vcpu_watches_code_here(const struct engine_vcpu *v)
{
	return debug_is_watching(&v->cpu) &&
	       has_breakpoint(v, BIT32(DEBUG_EXECUTE), false, vcpu_linear_pc(v));
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
	return has_breakpoint(v, BIT32(DEBUG_WRITE) | BIT32(DEBUG_ACCESS), false, gva);
}
