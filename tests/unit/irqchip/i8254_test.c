// SPDX-License-Identifier: GPL-2.0-or-later
/* 8254 data sheet: modes, latches, and when channel 0 interrupts. */
#include "fixture.h"

#include <string.h>

#define MS UINT64_C(1000000)

static struct pit *pit_of(void **state)
{
	return &((struct fixture *)*state)->pit;
}

static void program(struct pit *pit, unsigned int channel, unsigned int mode, uint16_t count)
{
	pit_write(pit, 3, (uint8_t)(channel << 6 | 0x30 | mode << 1));
	pit_write(pit, channel, (uint8_t)count);
	pit_write(pit, channel, (uint8_t)(count >> 8));
}

static uint16_t read_count(struct pit *pit, unsigned int channel)
{
	uint8_t low = pit_read(pit, channel);

	return (uint16_t)(low | pit_read(pit, channel) << 8);
}

/* The nanoseconds of so many counts, rounded up. */
static void pass_counts(uint64_t counts)
{
	fake_now += (counts * 1000000000 + PIT_HZ - 1) / PIT_HZ;
}

static void new_timer_counts_from_the_greatest(void **state)
{
	assert_int_equal(pit_of(state)->channel[0].count, 0x10000);
	assert_int_equal(pit_deadline(pit_of(state)), 0);
	assert_false(pit_expire(pit_of(state)));
}

static void mode_0_interrupts_once(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 0, 0, 1193);
	assert_in_range(pit_deadline(pit) - fake_now, MS - 1000, MS);
	assert_false(pit_expire(pit));
	fake_now += MS;
	assert_true(pit_expire(pit));
	assert_int_equal(pit_deadline(pit), 0);
}

static void mode_2_counts_and_interrupts_periodically(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 0, 2, 11932);
	pass_counts(11000);
	assert_int_equal(read_count(pit, 0), 932);
	pass_counts(1000);
	assert_true(pit_expire(pit));
	assert_int_equal(read_count(pit, 0), 11932 - 68);
	assert_in_range(pit_deadline(pit), fake_now, fake_now + 10 * MS);
	assert_false(pit_end_of_interrupt(pit));
}

static void mode_3_counts_twice_as_fast(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 2, 3, 1000);
	pass_counts(100);
	assert_int_equal(read_count(pit, 2), 800);
	pass_counts(500);
	assert_int_equal(read_count(pit, 2), 800);
}

/* A tick that finds the last one not served is caught up on at its end. */
static void lost_ticks_are_reinjected(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 0, 2, 1193);
	fake_now += MS;
	assert_true(pit_expire(pit));
	fake_now += 2 * MS;
	assert_false(pit_expire(pit));
	assert_true(pit_end_of_interrupt(pit));
	assert_true(pit_end_of_interrupt(pit));
	assert_false(pit_end_of_interrupt(pit));
	fake_now += MS;
	assert_true(pit_expire(pit));
}

static void lost_ticks_are_dropped_without_reinjection(void **state)
{
	struct pit *pit = pit_of(state);

	pit_set_reinject(pit, false);
	program(pit, 0, 2, 1193);
	fake_now += MS;
	assert_true(pit_expire(pit));
	fake_now += 5 * MS;
	assert_true(pit_expire(pit));
	assert_false(pit_end_of_interrupt(pit));
}

static void tick_that_nobody_takes_is_forgotten(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 0, 2, 1193);
	fake_now += MS;
	assert_true(pit_expire(pit));
	pit_not_taken(pit);
	fake_now += MS;
	assert_true(pit_expire(pit));
}

static void very_short_period_is_bounded(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 0, 2, 1);
	assert_int_equal(pit_deadline(pit), fake_now + 200000);
}

static void latched_count_stays(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 2, 0, 50000);
	pass_counts(1000);
	pit_write(pit, 3, 0x80);
	pass_counts(1000);
	assert_int_equal(read_count(pit, 2), 49000);
	assert_int_equal(read_count(pit, 2), 48000);
}

static void read_back_gives_status_then_count(void **state)
{
	struct pit *pit = pit_of(state);

	program(pit, 2, 0, 1000);
	pass_counts(10);
	pit_write(pit, 3, 0xc8);
	assert_int_equal(pit_read(pit, 2), 0x30);
	assert_int_equal(read_count(pit, 2), 990);
	pass_counts(1000);
	pit_write(pit, 3, 0xe8);
	assert_int_equal(pit_read(pit, 2), 0xb0); /* OUT is high */
}

static void single_bytes_are_read_and_written(void **state)
{
	struct pit *pit = pit_of(state);

	pit_write(pit, 3, 0x90); /* channel 2, low byte, mode 0 */
	pit_write(pit, 2, 0xff);
	assert_int_equal(pit->channel[2].count, 0xff);
	pit_write(pit, 3, 0xa0);
	pit_write(pit, 2, 0x12);
	assert_int_equal(pit->channel[2].count, 0x1200);
	assert_int_equal(pit_read(pit, 2), 0x12);
}

static void speaker_port_has_gate_and_output(void **state)
{
	struct pit *pit = pit_of(state);
	uint8_t before;

	pit_speaker_write(pit, 0x03);
	program(pit, 2, 0, 1000);
	assert_int_equal(pit_speaker_read(pit) & 0x2f, 0x03);
	pass_counts(1001);
	assert_int_equal(pit_speaker_read(pit) & 0x2f, 0x23);
	before = pit_speaker_read(pit);
	fake_now += 15085;
	assert_int_equal((pit_speaker_read(pit) ^ before) & 0x10, 0x10);
	pit_speaker_write(pit, 0);
	assert_int_equal(pit_speaker_read(pit) & 0x03, 0);
}

static void hpet_takes_the_interrupt(void **state)
{
	struct pit *pit = pit_of(state);
	struct kvm_pit_state2 saved;

	program(pit, 0, 2, 1193);
	pit_get_state(pit, &saved);
	saved.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	pit_set_state(pit, &saved);
	assert_int_equal(pit_deadline(pit), 0);
	pit_get_state(pit, &saved);
	assert_int_equal(saved.flags, KVM_PIT_FLAGS_HPET_LEGACY);
}

static void state_comes_back(void **state)
{
	struct pit *pit = pit_of(state), other;
	struct kvm_pit_state2 saved, again;

	program(pit, 0, 2, 11932);
	program(pit, 2, 3, 777);
	pit_speaker_write(pit, 3);
	pit_get_state(pit, &saved);
	pit_init(&other, fake_clock);
	pit_set_state(&other, &saved);
	pit_get_state(&other, &again);
	assert_memory_equal(&again, &saved, sizeof(saved));
	assert_int_equal(pit_deadline(&other), pit_deadline(pit));
	pit_destroy(&other);
}

static void wild_state_is_harmless(void **state)
{
	struct pit *pit = pit_of(state);
	struct kvm_pit_state2 wild;

	memset(&wild, 0xff, sizeof(wild));
	pit_set_state(pit, &wild);
	for (unsigned int i = 0; i < 4; i++) {
		pit_read(pit, i);
		pit_write(pit, i, 0xff);
	}
	pit_speaker_read(pit);
	memset(&wild, 0, sizeof(wild));
	wild.channels[0].mode = wild.channels[2].mode = 2;
	pit_set_state(pit, &wild);
	read_count(pit, 2);
}

const struct CMUnitTest i8254_tests[] = {
	CASE(new_timer_counts_from_the_greatest),
	CASE(mode_0_interrupts_once),
	CASE(mode_2_counts_and_interrupts_periodically),
	CASE(mode_3_counts_twice_as_fast),
	CASE(lost_ticks_are_reinjected),
	CASE(lost_ticks_are_dropped_without_reinjection),
	CASE(tick_that_nobody_takes_is_forgotten),
	CASE(very_short_period_is_bounded),
	CASE(latched_count_stays),
	CASE(read_back_gives_status_then_count),
	CASE(single_bytes_are_read_and_written),
	CASE(speaker_port_has_gate_and_output),
	CASE(hpet_takes_the_interrupt),
	CASE(state_comes_back),
	CASE(wild_state_is_harmless),
};
const size_t i8254_test_count = ARRAY_SIZE(i8254_tests);
