// SPDX-License-Identifier: GPL-2.0-or-later
/* 82093AA data sheet: registers, trigger modes, Remote IRR, the EOI message. */
#include "fixture.h"

#include <string.h>

#define MASKED  BIT32(16)
#define LEVEL   BIT32(15)
#define REMOTE  BIT32(14)
#define LOGICAL BIT32(11)

static void set_reg(struct fixture *f, uint32_t reg, uint32_t value)
{
	ioapic_write(&f->ioapic, 0x00, reg);
	ioapic_write(&f->ioapic, 0x10, value);
}

static uint32_t reg(struct fixture *f, uint32_t which)
{
	ioapic_write(&f->ioapic, 0x00, which);
	return ioapic_read(&f->ioapic, 0x10);
}

static void set_entry(struct fixture *f, unsigned int pin, uint32_t low, uint32_t dest)
{
	set_reg(f, 0x11 + 2 * pin, dest << 24);
	set_reg(f, 0x10 + 2 * pin, low);
}

static int raise(struct fixture *f, unsigned int pin)
{
	return ioapic_set_pin(&f->ioapic, pin, IRQ_SOURCE_VMM, true);
}

static int lower(struct fixture *f, unsigned int pin)
{
	return ioapic_set_pin(&f->ioapic, pin, IRQ_SOURCE_VMM, false);
}

static void registers_read_as_the_chips(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reg(f, 1), 0x00170011);
	set_reg(f, 0, 0xff000000);
	assert_int_equal(reg(f, 0), 0x0f000000);
	assert_int_equal(reg(f, 2), 0x0f000000);
	set_reg(f, 1, 0);
	assert_int_equal(reg(f, 1), 0x00170011);
	for (unsigned int i = 0; i < 48; i += 2)
		assert_int_equal(reg(f, 0x10 + i), MASKED);
	assert_int_equal(reg(f, 0x40), 0);
	assert_int_equal(reg(f, 5), 0);
	assert_int_equal(ioapic_read(&f->ioapic, 0x20), 0);
	set_entry(f, 23, 0xffffffff, 0xff);
	assert_int_equal(reg(f, 0x3e), 0x0001afff);
	assert_int_equal(reg(f, 0x3f), 0xff000000);
}

static void edge_is_sent_once(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 4, 0x41, 1);
	assert_int_equal(raise(f, 4), 1);
	assert_int_equal(lapic_take(&f->lapic[1]), 0x41);
	assert_int_equal(raise(f, 4), 0);
	assert_int_equal(lapic_pending(&f->lapic[1]), 0);
	lower(f, 4);
	assert_int_equal(raise(f, 4), 1);
}

static void masked_edge_is_lost(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 4, MASKED | 0x41, 1);
	assert_int_equal(raise(f, 4), -1);
	set_entry(f, 4, 0x41, 1);
	assert_int_equal(lapic_pending(&f->lapic[1]), 0);
}

static void level_waits_for_eoi_and_comes_again(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 9, LEVEL | 0x51, 2);
	assert_int_equal(raise(f, 9), 1);
	assert_true(reg(f, 0x22) & REMOTE);
	assert_int_equal(lapic_take(&f->lapic[2]), 0x51);
	assert_int_equal(raise(f, 9), 0);
	lapic_store(f, 2, LAPIC_EOI, 0);
	assert_int_equal(lapic_take(&f->lapic[2]), 0x51);
	lower(f, 9);
	lapic_store(f, 2, LAPIC_EOI, 0);
	assert_int_equal(lapic_pending(&f->lapic[2]), 0);
	assert_false(reg(f, 0x22) & REMOTE);
}

static void masked_level_comes_when_unmasked(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 9, MASKED | LEVEL | 0x51, 0);
	assert_int_equal(raise(f, 9), -1);
	set_reg(f, 0x22, LEVEL | 0x51);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x51);
}

/* Read-only bits survive a write; an edge clears Remote IRR, by which old kernels do an EOI. */
static void remote_irr_is_read_only_but_for_edges(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 9, LEVEL | 0x51, 0);
	raise(f, 9);
	set_reg(f, 0x22, LEVEL | MASKED | 0x51);
	assert_true(reg(f, 0x22) & REMOTE);
	set_reg(f, 0x22, MASKED | 0x51);
	assert_false(reg(f, 0x22) & REMOTE);
	set_reg(f, 0x22, LEVEL | REMOTE | MASKED | 0x51);
	assert_false(reg(f, 0x22) & REMOTE);
}

static void sources_are_ored(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 10, LEVEL | 0x61, 0);
	ioapic_set_pin(&f->ioapic, 10, IRQ_SOURCE_RESAMPLE, true);
	lapic_take(&f->lapic[0]);
	lower(f, 10);
	lapic_store(f, 0, LAPIC_EOI, 0);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x61);
}

static void logical_destination_reaches_all_named(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_LDR, 0x01000000);
	lapic_store(f, 1, LAPIC_LDR, 0x02000000);
	lapic_store(f, 2, LAPIC_LDR, 0x04000000);
	set_entry(f, 3, LOGICAL | 0x71, 0x05);
	assert_int_equal(raise(f, 3), 2);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x71);
	assert_int_equal(lapic_pending(&f->lapic[1]), 0);
	assert_int_equal(lapic_pending(&f->lapic[2]), 0x71);
}

static void nobody_at_the_destination(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 3, LEVEL | 0x71, 9);
	assert_int_equal(raise(f, 3), -1);
	assert_false(reg(f, 0x16) & REMOTE);
}

static void watched_pins_tell_of_edges(void **state)
{
	struct fixture *f = *state;

	set_entry(f, 2, 0x30, 0);
	assert_false(ioapic_is_watched(&f->ioapic, 0x30));
	ioapic_watch(&f->ioapic, BIT32(2));
	assert_true(ioapic_is_watched(&f->ioapic, 0x30));
	assert_int_equal(ioapic_pins_of(&f->ioapic, 0x30), BIT32(2));
	set_entry(f, 2, 0x31, 0);
	assert_false(ioapic_is_watched(&f->ioapic, 0x30));
	assert_true(ioapic_is_watched(&f->ioapic, 0x31));
}

static void state_comes_back_and_waiting_levels_too(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state saved, again;

	set_entry(f, 4, 0x41, 1);
	set_entry(f, 9, LEVEL | 0x51, 2);
	raise(f, 4);
	raise(f, 9);
	lapic_take(&f->lapic[2]);
	ioapic_get_state(&f->ioapic, &saved);
	assert_int_equal(saved.base_address, 0xfec00000);
	assert_int_equal(saved.irr, BIT32(9)); /* the edge is history */
	assert_true(saved.redirtbl[9].fields.remote_irr);
	ioapic_set_state(&f->ioapic, &saved);
	ioapic_get_state(&f->ioapic, &again);
	assert_memory_equal(&again, &saved, sizeof(saved));
	saved.redirtbl[9].fields.remote_irr = 0;
	ioapic_set_state(&f->ioapic, &saved);
	lapic_store(f, 2, LAPIC_EOI, 0);
	assert_int_equal(lapic_pending(&f->lapic[2]), 0x51);
}

const struct CMUnitTest ioapic_tests[] = {
	CASE(registers_read_as_the_chips),
	CASE(edge_is_sent_once),
	CASE(masked_edge_is_lost),
	CASE(level_waits_for_eoi_and_comes_again),
	CASE(masked_level_comes_when_unmasked),
	CASE(remote_irr_is_read_only_but_for_edges),
	CASE(sources_are_ored),
	CASE(logical_destination_reaches_all_named),
	CASE(nobody_at_the_destination),
	CASE(watched_pins_tell_of_edges),
	CASE(state_comes_back_and_waiting_levels_too),
};
const size_t ioapic_test_count = ARRAY_SIZE(ioapic_tests);
