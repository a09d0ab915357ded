// SPDX-License-Identifier: GPL-2.0-or-later
/* 8259A data sheet: the pair's priorities, ends of interrupts, trigger modes, state. */
#include "fixture.h"

#include <string.h>

/* As PC firmware does it: vectors 8 and 70H, all unmasked. */
static struct pic *initialized(void **state, uint8_t icw4)
{
	struct pic *pic = &((struct fixture *)*state)->pic;

	pic_write(pic, 0x20, 0x11);
	pic_write(pic, 0x21, 0x08);
	pic_write(pic, 0x21, 0x04);
	pic_write(pic, 0x21, icw4);
	pic_write(pic, 0xa0, 0x11);
	pic_write(pic, 0xa1, 0x70);
	pic_write(pic, 0xa1, 0x02);
	pic_write(pic, 0xa1, icw4);
	return pic;
}

static void raise(struct pic *pic, unsigned int pin)
{
	pic_set_pin(pic, pin, IRQ_SOURCE_VMM, true);
}

static void lower(struct pic *pic, unsigned int pin)
{
	pic_set_pin(pic, pin, IRQ_SOURCE_VMM, false);
}

static void pins_interrupt_with_their_vectors(void **state)
{
	struct pic *pic = initialized(state, 1);

	assert_false(pic_output(pic));
	raise(pic, 1);
	assert_true(pic_output(pic));
	assert_int_equal(pic_acknowledge(pic), 0x09);
	assert_false(pic_output(pic));
	pic_write(pic, 0x20, 0x20);
	raise(pic, 12);
	assert_int_equal(pic_acknowledge(pic), 0x74);
	pic_write(pic, 0x20, 0x0b);
	assert_int_equal(pic_read(pic, 0x20), 1 << PIC_CASCADE);
}

/* "Fully Nested Mode": 0 is the highest, 8 to 15 stand in the place of 2. */
static void higher_priority_interrupts_lower(void **state)
{
	struct pic *pic = initialized(state, 1);

	raise(pic, 5);
	assert_int_equal(pic_acknowledge(pic), 0x0d);
	raise(pic, 6);
	assert_false(pic_output(pic));
	raise(pic, 14);
	assert_int_equal(pic_acknowledge(pic), 0x76);
	raise(pic, 8);
	assert_false(pic_output(pic)); /* the master has its slave in service */
	raise(pic, 0);
	assert_int_equal(pic_acknowledge(pic), 0x08);
	pic_write(pic, 0x20, 0x20);
	pic_write(pic, 0xa0, 0x20);
	pic_write(pic, 0x20, 0x20);
	assert_int_equal(pic_acknowledge(pic), 0x70);
}

static void special_fully_nested_slave_interrupts_itself(void **state)
{
	struct pic *pic = initialized(state, 0x11);

	raise(pic, 14);
	assert_int_equal(pic_acknowledge(pic), 0x76);
	raise(pic, 8);
	assert_int_equal(pic_acknowledge(pic), 0x70);
}

static void masked_pin_waits(void **state)
{
	struct pic *pic = initialized(state, 1);

	pic_write(pic, 0x21, 0x10);
	assert_int_equal(pic_set_pin(pic, 4, IRQ_SOURCE_VMM, true), -1);
	assert_false(pic_output(pic));
	pic_write(pic, 0x21, 0);
	assert_true(pic_output(pic));
	assert_int_equal(pic_read(pic, 0x21), 0);
}

static void edge_counts_once_level_again(void **state)
{
	struct pic *pic = initialized(state, 1);

	raise(pic, 10);
	pic_acknowledge(pic);
	pic_write(pic, 0xa0, 0x20);
	pic_write(pic, 0x20, 0x20);
	assert_false(pic_output(pic));
	lower(pic, 10);
	pic_write(pic, 0x4d1, 0x04);
	assert_int_equal(pic_read(pic, 0x4d1), 0x04);
	raise(pic, 10);
	pic_acknowledge(pic);
	pic_write(pic, 0xa0, 0x20);
	pic_write(pic, 0x20, 0x20);
	assert_true(pic_output(pic));
	lower(pic, 10);
	assert_int_equal(pic_acknowledge(pic), 0x77); /* spurious: the slave's 7 */
}

static void elcr_leaves_fixed_pins_alone(void **state)
{
	struct pic *pic = initialized(state, 1);

	pic_write(pic, 0x4d0, 0xff);
	pic_write(pic, 0x4d1, 0xff);
	assert_int_equal(pic_read(pic, 0x4d0), 0xf8);
	assert_int_equal(pic_read(pic, 0x4d1), 0xde);
}

static void two_sources_hold_a_pin(void **state)
{
	struct pic *pic = initialized(state, 1);

	pic_write(pic, 0x4d0, 0x20);
	pic_set_pin(pic, 5, IRQ_SOURCE_VMM, true);
	pic_set_pin(pic, 5, IRQ_SOURCE_RESAMPLE, true);
	pic_set_pin(pic, 5, IRQ_SOURCE_VMM, false);
	assert_true(pic_output(pic));
	pic_set_pin(pic, 5, IRQ_SOURCE_RESAMPLE, false);
	assert_false(pic_output(pic));
}

static void spurious_without_a_pin(void **state)
{
	assert_int_equal(pic_acknowledge(initialized(state, 1)), 0x0f);
}

static void automatic_eoi_rotates(void **state)
{
	struct pic *pic = initialized(state, 3);

	pic_write(pic, 0x20, 0x80);
	raise(pic, 3);
	assert_int_equal(pic_acknowledge(pic), 0x0b);
	assert_int_equal(pic_take_ended(pic), BIT32(3));
	lower(pic, 3);
	raise(pic, 3);
	raise(pic, 4);
	assert_int_equal(pic_acknowledge(pic), 0x0c); /* 3 has become the lowest */
}

static void specific_eoi_and_rotation(void **state)
{
	struct pic *pic = initialized(state, 1);

	raise(pic, 6);
	pic_acknowledge(pic);
	raise(pic, 1);
	pic_acknowledge(pic);
	pic_write(pic, 0x20, 0x66); /* 6, though 1 is the highest */
	pic_write(pic, 0x20, 0x0b);
	assert_int_equal(pic_read(pic, 0x20), 0x02);
	assert_int_equal(pic_take_ended(pic), BIT32(6));
	assert_int_equal(pic_take_ended(pic), 0);
	pic_write(pic, 0x20, 0xe1); /* rotate on specific EOI */
	lower(pic, 1);
	raise(pic, 1);
	raise(pic, 7);
	assert_int_equal(pic_acknowledge(pic), 0x0f);
	pic_write(pic, 0x20, 0xa0); /* rotate on non-specific EOI: 7 is the lowest */
	pic_write(pic, 0x20, 0xc0); /* set priority: 0 is the lowest */
	lower(pic, 0);
	raise(pic, 0);
	assert_int_equal(pic_acknowledge(pic), 0x09);
}

static void special_mask_lets_lower_ones_through(void **state)
{
	struct pic *pic = initialized(state, 1);

	raise(pic, 3);
	pic_acknowledge(pic);
	raise(pic, 5);
	assert_false(pic_output(pic));
	pic_write(pic, 0x21, 0x08);
	pic_write(pic, 0x20, 0x68);
	assert_int_equal(pic_acknowledge(pic), 0x0d);
	pic_write(pic, 0x20, 0x48);
}

static void poll_acknowledges(void **state)
{
	struct pic *pic = initialized(state, 1);

	pic_write(pic, 0x20, 0x0c);
	assert_int_equal(pic_read(pic, 0x20), 7);
	raise(pic, 9);
	pic_write(pic, 0xa0, 0x0c);
	assert_int_equal(pic_read(pic, 0xa0), 0x81);
	pic_write(pic, 0xa0, 0x0b);
	assert_int_equal(pic_read(pic, 0xa0), 0x02);
	pic_write(pic, 0xa0, 0x0a);
	assert_int_equal(pic_read(pic, 0xa0), 0);
}

static void high_pin_is_no_edge_after_initialization(void **state)
{
	struct pic *pic = initialized(state, 1);

	raise(pic, 1);
	initialized(state, 1);
	raise(pic, 1);
	assert_false(pic_output(pic));
	lower(pic, 1);
	raise(pic, 1);
	assert_true(pic_output(pic));
}

static void state_comes_back(void **state)
{
	struct pic *pic = initialized(state, 3), other;
	struct kvm_pic_state saved[2], again;

	pic_write(pic, 0x21, 0x40);
	pic_write(pic, 0x4d1, 0x0c);
	raise(pic, 3);
	raise(pic, 10);
	pic_init(&other);
	for (unsigned int i = 0; i < 2; i++) {
		pic_get_state(pic, i, &saved[i]);
		pic_set_state(&other, i, &saved[i]);
		pic_get_state(&other, i, &again);
		assert_memory_equal(&again, &saved[i], sizeof(again));
	}
	assert_int_equal(saved[0].imr, 0x40);
	assert_int_equal(saved[1].irq_base, 0x70);
	assert_int_equal(saved[1].elcr_mask, 0xde);
	assert_int_equal(pic_acknowledge(&other), 0x72);
	pic_destroy(&other);
}

const struct CMUnitTest i8259_tests[] = {
	CASE(pins_interrupt_with_their_vectors),
	CASE(higher_priority_interrupts_lower),
	CASE(special_fully_nested_slave_interrupts_itself),
	CASE(masked_pin_waits),
	CASE(edge_counts_once_level_again),
	CASE(elcr_leaves_fixed_pins_alone),
	CASE(two_sources_hold_a_pin),
	CASE(spurious_without_a_pin),
	CASE(automatic_eoi_rotates),
	CASE(specific_eoi_and_rotation),
	CASE(special_mask_lets_lower_ones_through),
	CASE(poll_acknowledges),
	CASE(high_pin_is_no_edge_after_initialization),
	CASE(state_comes_back),
};
const size_t i8259_test_count = ARRAY_SIZE(i8259_tests);
