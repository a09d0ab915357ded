// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "APIC Timer". It counts nanoseconds, as KVM's does; TSC deadlines are turned into them. */
#include "irqchip/lapic_core.h"

#include "lib/bits.h"

/*
 * A guest that asks for more than 5,000 ticks a second has the host do nothing else:
 * Linux' own limit (min_timer_period_us) for periodic timers.
 */
#define MIN_PERIOD 200000

#define DCR_BITS 0xbu

/* SDM "Divide Configuration Register": 2, 4, ... 128, 1 by bits 0, 1 and 3. */
static uint32_t divisor(const struct lapic *l)
{
	uint32_t dcr = lapic_get(l, LAPIC_TIMER_DCR);
	uint32_t shift = ((dcr & 3) | (dcr >> 1 & 4)) + 1;

	return BIT32(shift & 7);
}

static uint32_t timer_mode(const struct lapic *l)
{
	return lapic_get(l, LAPIC_LVT_TIMER) & LAPIC_LVT_TIMER_MODE;
}

static uint64_t now(const struct lapic *l)
{
	return l->ops->now(l->owner);
}

void __lapic_timer_stop(struct lapic *l)
{
	atomic_store(&l->deadline, 0);
	l->period = 0;
	l->tsc_deadline = 0;
}

/* For the first expiry in @count steps of a timer that is set to @initial. */
static void __start(struct lapic *l, uint32_t count, uint32_t initial)
{
	uint64_t step = divisor(l);

	__lapic_timer_stop(l);
	if (!count || !initial)
		return;
	if (timer_mode(l) == LAPIC_LVT_TIMER_PERIODIC) {
		l->period = initial * step;
		if (l->period < MIN_PERIOD)
			l->period = MIN_PERIOD;
	}
	atomic_store(&l->deadline, now(l) + count * step);
}

void __lapic_timer_start(struct lapic *l)
{
	uint32_t count = lapic_get(l, LAPIC_TIMER_ICR);

	__start(l, count, count);
}

void __lapic_timer_resume(struct lapic *l, uint32_t count)
{
	if (timer_mode(l) != LAPIC_LVT_TIMER_DEADLINE)
		__start(l, count, lapic_get(l, LAPIC_TIMER_ICR));
}

uint32_t __lapic_timer_count(const struct lapic *l)
{
	uint64_t deadline = lapic_deadline(l), at = now(l), left;

	if (!deadline || timer_mode(l) == LAPIC_LVT_TIMER_DEADLINE)
		return 0;
	if (at < deadline)
		left = deadline - at;
	else if (l->period)
		left = l->period - (at - deadline) % l->period;
	else
		left = 0;
	return (uint32_t)(left / divisor(l));
}

void __lapic_timer_set_divide(struct lapic *l, uint32_t divide)
{
	uint32_t left = __lapic_timer_count(l);
	bool runs = lapic_deadline(l) && timer_mode(l) != LAPIC_LVT_TIMER_DEADLINE;

	lapic_put(l, LAPIC_TIMER_DCR, divide & DCR_BITS);
	if (runs)
		__start(l, left, lapic_get(l, LAPIC_TIMER_ICR));
}

/* SDM "TSC-Deadline Mode": changing to it or from it disarms the timer. */
void __lapic_timer_set_lvt(struct lapic *l, uint32_t lvt)
{
	bool was_deadline = timer_mode(l) == LAPIC_LVT_TIMER_DEADLINE;

	lapic_put(l, LAPIC_LVT_TIMER, lvt);
	if (was_deadline == (timer_mode(l) == LAPIC_LVT_TIMER_DEADLINE))
		return;
	lapic_put(l, LAPIC_TIMER_ICR, 0);
	__lapic_timer_stop(l);
}

uint64_t lapic_tsc_deadline(struct lapic *l)
{
	uint64_t value;

	lapic_lock(l);
	value = l->tsc_deadline;
	lapic_unlock(l);
	return value;
}

/* Rounded up, so that the guest's TSC has got there. */
static uint64_t deadline_of_tsc(const struct lapic *l)
{
	uint64_t tsc = l->ops->tsc(l->owner), at = now(l);
	uint32_t khz = l->ops->tsc_khz(l->owner);

	if (l->tsc_deadline <= tsc)
		return at;
	return at + (uint64_t)((unsigned __int128)(l->tsc_deadline - tsc) * 1000000 / khz) + 1;
}

void lapic_set_tsc_deadline(struct lapic *l, uint64_t value)
{
	lapic_lock(l);
	/* SDM: "in other timer modes ... writes ... are ignored" */
	if (timer_mode(l) == LAPIC_LVT_TIMER_DEADLINE) {
		__lapic_timer_stop(l);
		l->tsc_deadline = value;
		if (value)
			atomic_store(&l->deadline, deadline_of_tsc(l));
	}
	lapic_unlock(l);
}

static void __expire(struct lapic *l)
{
	uint64_t deadline = lapic_deadline(l), at = now(l);

	if (!deadline || at < deadline)
		return;
	/* The guest may have set its counter back since. */
	if (timer_mode(l) == LAPIC_LVT_TIMER_DEADLINE && l->ops->tsc(l->owner) < l->tsc_deadline) {
		atomic_store(&l->deadline, deadline_of_tsc(l));
		return;
	}
	if (l->period)
		atomic_store(&l->deadline, at + l->period - (at - deadline) % l->period);
	else
		__lapic_timer_stop(l);
	__lapic_deliver_local(l, LAPIC_LVT_TIMER);
}

void lapic_expire(struct lapic *l)
{
	lapic_lock(l);
	__expire(l);
	lapic_unlock(l);
}
