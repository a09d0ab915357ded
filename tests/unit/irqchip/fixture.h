/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Three local APICs on a bus with an I/O APIC, and a clock that the test turns. */
#ifndef EXCLAVE_TESTS_UNIT_IRQCHIP_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_IRQCHIP_FIXTURE_H

#include "irqchip/apic_bus.h"
#include "irqchip/i8254.h"
#include "irqchip/i8259.h"
#include "irqchip/ioapic.h"
#include "lib/bits.h"
#include "lib/x86.h"

#include "tests.h"

#include <linux/kvm.h>

#define CPUS 3

struct fixture {
	struct lapic lapic[CPUS];
	unsigned int woken[CPUS];
	struct apic_bus bus;
	struct ioapic ioapic;
	struct pic pic;
	struct pit pit;
};

/* Nanoseconds; the guest's TSC counts twice as fast from an origin of its own. */
extern uint64_t fake_now;
extern uint64_t fake_tsc_offset;
#define FAKE_TSC_KHZ 2000000

uint64_t fake_clock(void);
uint64_t fake_tsc(void);

/* The local APICs are enabled by software, in xAPIC mode. */
int setup(void **state);
int teardown(void **state);

/* A write to the register page whose effect reaches the others, as an owner sees to it. */
void lapic_store(struct fixture *f, unsigned int cpu, uint32_t offset, uint32_t value);
void send_fixed(struct fixture *f, unsigned int cpu, uint8_t vector, bool level);
void to_x2apic(struct fixture *f, unsigned int cpu);

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
