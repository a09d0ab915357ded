// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Determining IPI Destination" and "Message Signalled Interrupts": who gets a message. */
#include "fixture.h"

/* Which of the processors, a bit each, have @vector; they end it. */
static unsigned int receivers(struct fixture *f, uint8_t vector)
{
	unsigned int got = 0;

	for (unsigned int i = 0; i < CPUS; i++) {
		if (lapic_pending(&f->lapic[i]) != vector)
			continue;
		got |= BIT32(i);
		assert_int_equal(lapic_take(&f->lapic[i]), vector);
		lapic_eoi(&f->lapic[i], &(struct lapic_effect){0});
	}
	return got;
}

static unsigned int send_icr(struct fixture *f, uint32_t low, uint32_t dest)
{
	lapic_store(f, 0, LAPIC_ICR2, dest << 24);
	lapic_store(f, 0, LAPIC_ICR, low | 0x4055);
	return receivers(f, 0x55);
}

static void physical_destinations(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_icr(f, 0, 1), 2);
	assert_int_equal(send_icr(f, 0, 7), 0);
	assert_int_equal(send_icr(f, 0, 0xff), 7);
}

static void shorthands(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send_icr(f, 1 << 18, 9), 1);
	assert_int_equal(send_icr(f, 2 << 18, 9), 7);
	assert_int_equal(send_icr(f, 3 << 18, 9), 6);
}

static void flat_logical_destinations(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < CPUS; i++)
		lapic_store(f, i, LAPIC_LDR, 0x10000000u << i);
	assert_int_equal(send_icr(f, BIT32(11), 0x50), 5);
	assert_int_equal(send_icr(f, BIT32(11), 0xff), 7);
	assert_int_equal(send_icr(f, BIT32(11), 0x0f), 0);
}

static void cluster_logical_destinations(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < CPUS; i++) {
		lapic_store(f, i, LAPIC_DFR, 0x0fffffff);
		lapic_store(f, i, LAPIC_LDR, i < 2 ? 0x11000000u << i : 0x21000000u);
	}
	lapic_store(f, 1, LAPIC_LDR, 0x12000000);
	assert_int_equal(send_icr(f, BIT32(11), 0x13), 3);
	assert_int_equal(send_icr(f, BIT32(11), 0x21), 4);
	assert_int_equal(send_icr(f, BIT32(11), 0x31), 0);
}

static void x2apic_destinations(void **state)
{
	struct fixture *f = *state;
	struct apic_message message = {.vector = 0x55, .is_ipi = true, .dest = 2};

	for (unsigned int i = 0; i < CPUS; i++)
		to_x2apic(f, i);
	apic_bus_send(&f->bus, &message, &f->lapic[0]);
	assert_int_equal(receivers(f, 0x55), 4);
	message.dest = 0xff;
	assert_int_equal(apic_bus_send(&f->bus, &message, &f->lapic[0]), -1);
	message.dest = UINT32_MAX;
	assert_int_equal(apic_bus_send(&f->bus, &message, &f->lapic[0]), 3);
	assert_int_equal(receivers(f, 0x55), 7);
	message.logical = true;
	message.dest = 0x00000006;
	apic_bus_send(&f->bus, &message, &f->lapic[0]);
	assert_int_equal(receivers(f, 0x55), 6);
	message.dest = 0x00010006;
	assert_int_equal(apic_bus_send(&f->bus, &message, &f->lapic[0]), -1);
}

/* A device's FFH reaches x2APICs, unless the VMM says that it knows 32-bit IDs. */
static void broadcast_of_a_device(void **state)
{
	struct fixture *f = *state;
	struct apic_message message = {.vector = 0x55, .dest = 0xff};

	to_x2apic(f, 1);
	assert_int_equal(apic_bus_send(&f->bus, &message, NULL), 3);
	receivers(f, 0x55);
	f->bus.narrow_broadcast_off = true;
	assert_int_equal(apic_bus_send(&f->bus, &message, NULL), 2);
	assert_int_equal(receivers(f, 0x55), 5);
}

static void lowest_priority_takes_turns_and_spares_the_busy(void **state)
{
	struct fixture *f = *state;
	struct apic_message message = {.mode = APIC_MODE_LOWEST, .vector = 0x55, .dest = 0xff};
	unsigned int got = 0;

	lapic_store(f, 1, LAPIC_TPR, 0x20);
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int one;

		assert_int_equal(apic_bus_send(&f->bus, &message, NULL), 1);
		one = receivers(f, 0x55);
		assert_true(is_power_of_2(one));
		got |= one;
	}
	assert_int_equal(got, 5);
	lapic_store(f, 0, LAPIC_SVR, 0xff);
	lapic_store(f, 2, LAPIC_SVR, 0xff);
	assert_int_equal(apic_bus_send(&f->bus, &message, NULL), 1);
	assert_int_equal(receivers(f, 0x55), 2);
}

static void message_addresses(void **state)
{
	struct apic_message m = apic_message_of_msi(0xfee01000, 0x4031, false);

	assert_int_equal(m.dest, 1);
	assert_int_equal(m.vector, 0x31);
	assert_int_equal(m.mode, APIC_MODE_FIXED);
	assert_false(m.logical || m.level || m.to_lowest || m.is_ipi);
	m = apic_message_of_msi(UINT64_C(0x123400fee0500c), 0xc431, true);
	assert_int_equal(m.dest, 0x123405);
	assert_int_equal(m.mode, APIC_MODE_NMI);
	assert_true(m.logical && m.level && m.to_lowest);
}

static void disabled_processor_is_no_destination(void **state)
{
	struct fixture *f = *state;

	lapic_set_base(&f->lapic[1], LAPIC_DEFAULT_BASE);
	assert_int_equal(send_icr(f, 0, 1), 0);
}

static void extint_wakes_who_takes_it(void **state)
{
	struct fixture *f = *state;
	unsigned int before = f->woken[1];

	f->woken[0] = 0;
	lapic_store(f, 0, LAPIC_LVT_LINT0, APIC_MODE_EXTINT << 8);
	apic_bus_wake_extint(&f->bus);
	assert_int_equal(f->woken[0], 1);
	assert_int_equal(f->woken[1], before);
}

const struct CMUnitTest apic_bus_tests[] = {
	CASE(physical_destinations),
	CASE(shorthands),
	CASE(flat_logical_destinations),
	CASE(cluster_logical_destinations),
	CASE(x2apic_destinations),
	CASE(broadcast_of_a_device),
	CASE(lowest_priority_takes_turns_and_spares_the_busy),
	CASE(message_addresses),
	CASE(disabled_processor_is_no_destination),
	CASE(extint_wakes_who_takes_it),
};
const size_t apic_bus_test_count = ARRAY_SIZE(apic_bus_tests);
