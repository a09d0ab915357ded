/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What travels to local APICs: interrupts of devices and of other processors. */
#ifndef EXCLAVE_IRQCHIP_APIC_MESSAGE_H
#define EXCLAVE_IRQCHIP_APIC_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

/* SDM "Interrupt Command Register (ICR)": delivery mode. */
enum apic_mode {
	APIC_MODE_FIXED = 0,
	APIC_MODE_LOWEST = 1,
	APIC_MODE_SMI = 2,
	APIC_MODE_RESERVED = 3,
	APIC_MODE_NMI = 4,
	APIC_MODE_INIT = 5,
	APIC_MODE_STARTUP = 6,
	APIC_MODE_EXTINT = 7,
};

enum apic_shorthand {
	APIC_TO_DESTINATION = 0,
	APIC_TO_SELF = 1,
	APIC_TO_ALL = 2,
	APIC_TO_OTHERS = 3,
};

struct apic_message {
	enum apic_mode mode;
	enum apic_shorthand shorthand;
	uint8_t vector;
	bool logical;
	bool level;     /* trigger mode */
	bool deassert;  /* of a level: means something for INIT alone */
	bool is_ipi;    /* a device's names an xAPIC's destination even where x2APICs listen */
	bool to_lowest; /* a message's redirection hint */
	uint32_t dest;
};

#endif
