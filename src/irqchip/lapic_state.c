// SPDX-License-Identifier: GPL-2.0-or-later
/* struct kvm_lapic_state: the register page. */
#include "irqchip/lapic_core.h"

#include "lib/bits.h"
#include "lib/x86.h" /* before <linux/kvm.h>, whose macros have the names of vectors */

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

static void put(struct kvm_lapic_state *state, uint32_t offset, uint32_t value)
{
	memcpy(state->regs + offset, &value, sizeof(value));
}

static uint32_t get(const struct kvm_lapic_state *state, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, state->regs + offset, sizeof(value));
	return value;
}

/* An xAPIC's ID stands in the high byte, and an x2APIC's too unless the VMM knows better. */
static bool is_shifted(const struct lapic *l, bool wide_ids)
{
	return !lapic_is_x2apic(l) || !wide_ids;
}

void lapic_get_state(struct lapic *l, struct kvm_lapic_state *state, bool wide_ids)
{
	memset(state, 0, sizeof(*state));
	lapic_lock(l);
	for (uint32_t offset = 0; offset < sizeof(state->regs); offset += 16)
		put(state, offset, lapic_get(l, offset));
	put(state, LAPIC_ID, is_shifted(l, wide_ids) ? l->id << 24 : l->id);
	put(state, LAPIC_PPR, __lapic_ppr(l));
	put(state, LAPIC_TIMER_CCR, __lapic_timer_count(l));
	lapic_unlock(l);
}

int lapic_set_state(struct lapic *l, const struct kvm_lapic_state *state, bool wide_ids)
{
	uint32_t id = get(state, LAPIC_ID);
	uint64_t tsc_deadline;

	if (lapic_is_x2apic(l) && wide_ids && id != l->id)
		return -EINVAL;
	lapic_lock(l);
	tsc_deadline = l->tsc_deadline;
	for (uint32_t offset = 0; offset < sizeof(state->regs); offset += 16)
		if (offset != LAPIC_ID && offset != LAPIC_VERSION)
			lapic_put(l, offset, get(state, offset));
	__lapic_set_id(l);
	__lapic_timer_stop(l);
	__lapic_timer_resume(l, get(state, LAPIC_TIMER_CCR));
	__lapic_update(l);
	lapic_unlock(l);
	/* VMMs set the MSR before this or after it. */
	if (tsc_deadline)
		lapic_set_tsc_deadline(l, tsc_deadline);
	return 0;
}
