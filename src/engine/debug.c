// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hardware breakpoints. While any is enabled, every block is one instruction,
 * and the pages of data breakpoints are in no TLB.
 */
#include "engine/core.h"

#include "cpu/debug.h"

uint64_t vcpu_watch(struct engine_vcpu *v, gva_t gva, size_t len, bool write)
{
	return v->cpu.dr7 & DR7_ENABLES ? debug_match_data(&v->cpu, gva, len, write) : 0;
}

bool vcpu_is_watched(const struct engine_vcpu *v, gva_t gva)
{
	if (!(v->cpu.dr7 & DR7_ENABLES))
		return false;
	for (unsigned int n = 0; n < 4; n++) {
		struct debug_breakpoint b = debug_decode(&v->cpu, n);

		if (b.enabled && (b.type == DEBUG_WRITE || b.type == DEBUG_ACCESS) &&
		    !((b.gva ^ gva) >> GUEST_PAGE_SHIFT))
			return true;
	}
	return false;
}
