// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "APIC Timer": one-shot, periodic and TSC-deadline mode, on a clock of 1 GHz. */
#include "fixture.h"

#define VECTOR 0xec

static struct lapic *start(void **state, uint32_t mode, uint32_t count, uint32_t divide)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_TIMER_DCR, divide);
	lapic_store(f, 0, LAPIC_LVT_TIMER, mode | VECTOR);
	lapic_store(f, 0, LAPIC_TIMER_ICR, count);
	return &f->lapic[0];
}

static void one_shot_expires_once(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_ONE_SHOT, 1000000, 0xb);

	assert_int_equal(lapic_deadline(l), fake_now + 1000000);
	fake_now += 400000;
	lapic_expire(l);
	assert_int_equal(lapic_pending(l), 0);
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 600000);
	fake_now += 600000;
	lapic_expire(l);
	assert_int_equal(lapic_take(l), VECTOR);
	assert_int_equal(lapic_deadline(l), 0);
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 0);
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_ICR), 1000000);
}

static void divisors_are_the_manuals(void **state)
{
	static const struct {
		uint32_t dcr, by;
	} divisors[] = {{0, 2}, {1, 4}, {2, 8}, {3, 16}, {8, 32}, {9, 64}, {10, 128}, {11, 1}};

	for (unsigned int i = 0; i < ARRAY_SIZE(divisors); i++) {
		struct lapic *l = start(state, LAPIC_LVT_TIMER_ONE_SHOT, 1000, divisors[i].dcr);

		assert_int_equal(lapic_deadline(l), fake_now + 1000 * divisors[i].by);
		assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 1000);
	}
}

static void new_divisor_goes_on_with_the_count(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_ONE_SHOT, 1000000, 0xb);

	fake_now += 400000;
	lapic_store(*state, 0, LAPIC_TIMER_DCR, 0);
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 600000);
	assert_int_equal(lapic_deadline(l), fake_now + 1200000);
}

/* Ticks that were missed while nobody looked make one interrupt, and the phase stays. */
static void periodic_keeps_its_phase(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_PERIODIC, 1000000, 0xb);
	uint64_t started = fake_now;

	fake_now += 1000100;
	lapic_expire(l);
	assert_int_equal(lapic_take(l), VECTOR);
	assert_int_equal(lapic_deadline(l), started + 2000000);
	fake_now = started + 5300000;
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 700000);
	lapic_expire(l);
	assert_int_equal(lapic_deadline(l), started + 6000000);
}

static void very_short_period_is_bounded(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_PERIODIC, 10, 0xb);

	fake_now += 10;
	lapic_expire(l);
	assert_int_equal(lapic_deadline(l), fake_now + 200000);
}

static void zero_stops(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_PERIODIC, 1000000, 0xb);

	lapic_store(*state, 0, LAPIC_TIMER_ICR, 0);
	assert_int_equal(lapic_deadline(l), 0);
}

static void masked_timer_expires_silently(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_ONE_SHOT | LAPIC_LVT_MASKED, 1000000, 0xb);

	fake_now += 1000000;
	lapic_expire(l);
	assert_int_equal(lapic_pending(l), 0);
	assert_int_equal(lapic_deadline(l), 0);
}

static void tsc_deadline_expires_at_the_guests_tsc(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_DEADLINE, 1000, 0xb);

	assert_int_equal(lapic_deadline(l), 0); /* the count is ignored */
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_ICR), 0);
	lapic_set_tsc_deadline(l, fake_tsc() + 2000000);
	assert_in_range(lapic_deadline(l), fake_now + 1000000, fake_now + 1000001);
	assert_int_equal(lapic_tsc_deadline(l), fake_tsc() + 2000000);
	assert_int_equal(lapic_mmio_read(l, LAPIC_TIMER_CCR), 0);
	fake_now = lapic_deadline(l);
	lapic_expire(l);
	assert_int_equal(lapic_take(l), VECTOR);
	assert_int_equal(lapic_tsc_deadline(l), 0);
	lapic_set_tsc_deadline(l, 1);
	assert_int_equal(lapic_deadline(l), fake_now);
	lapic_set_tsc_deadline(l, 0);
	assert_int_equal(lapic_deadline(l), 0);
}

static void far_tsc_deadline_does_not_wrap(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_DEADLINE, 0, 0xb);

	lapic_set_tsc_deadline(l, UINT64_MAX);
	assert_true(lapic_deadline(l) > fake_now);
}

static void tsc_set_back_delays_the_deadline(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_DEADLINE, 0, 0xb);

	lapic_set_tsc_deadline(l, fake_tsc() + 2000000);
	fake_now = lapic_deadline(l);
	fake_tsc_offset -= 1000000;
	lapic_expire(l);
	assert_int_equal(lapic_pending(l), 0);
	assert_in_range(lapic_deadline(l), fake_now + 499000, fake_now + 500001);
}

static void modes_disarm_each_other(void **state)
{
	struct lapic *l = start(state, LAPIC_LVT_TIMER_ONE_SHOT, 1000000, 0xb);

	lapic_set_tsc_deadline(l, fake_tsc() + 10); /* ignored in this mode */
	assert_int_equal(lapic_tsc_deadline(l), 0);
	assert_int_equal(lapic_deadline(l), fake_now + 1000000);
	lapic_store(*state, 0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_DEADLINE | VECTOR);
	assert_int_equal(lapic_deadline(l), 0);
	lapic_set_tsc_deadline(l, fake_tsc() + 1000);
	lapic_store(*state, 0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | VECTOR);
	assert_int_equal(lapic_deadline(l), 0);
	assert_int_equal(lapic_tsc_deadline(l), 0);
}

const struct CMUnitTest lapic_timer_tests[] = {
	CASE(one_shot_expires_once),
	CASE(divisors_are_the_manuals),
	CASE(new_divisor_goes_on_with_the_count),
	CASE(periodic_keeps_its_phase),
	CASE(very_short_period_is_bounded),
	CASE(zero_stops),
	CASE(masked_timer_expires_silently),
	CASE(tsc_deadline_expires_at_the_guests_tsc),
	CASE(far_tsc_deadline_does_not_wrap),
	CASE(tsc_set_back_delays_the_deadline),
	CASE(modes_disarm_each_other),
};
const size_t lapic_timer_test_count = ARRAY_SIZE(lapic_timer_tests);
