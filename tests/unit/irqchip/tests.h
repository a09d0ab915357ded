/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the unit tests of interrupt controllers: irqchip_main.c runs each line. */
#ifndef EXCLAVE_TESTS_UNIT_IRQCHIP_TESTS_H
#define EXCLAVE_TESTS_UNIT_IRQCHIP_TESTS_H

#include "suites.h"

#define IRQCHIP_TEST_SUITES(X) \
	X(i8259)               \
	X(i8254)               \
	X(ioapic)              \
	X(lapic)               \
	X(lapic_timer)         \
	X(lapic_state)         \
	X(apic_bus)            \
	X(race)

IRQCHIP_TEST_SUITES(DECLARE_SUITE)

#endif
