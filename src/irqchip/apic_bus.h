/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What joins the local APICs of a VM. The list only grows, by one thread at a time; its
 * length is published last, so messages need no lock but the receivers' own.
 */
#ifndef EXCLAVE_IRQCHIP_APIC_BUS_H
#define EXCLAVE_IRQCHIP_APIC_BUS_H

#include "irqchip/lapic.h"

struct apic_bus {
	struct lapic **lapic;
	unsigned int room;
	_Atomic unsigned int count;
	_Atomic unsigned int turn; /* of the lowest-priority choice among equals */
	/* KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK: a device's FFH is no broadcast to x2APICs. */
	_Atomic bool narrow_broadcast_off;
};

/* Return: 0, or -ENOMEM. @room: the most there can be. */
int apic_bus_init(struct apic_bus *bus, unsigned int room);
void apic_bus_destroy(struct apic_bus *bus);
void apic_bus_add(struct apic_bus *bus, struct lapic *l);

/* @source: NULL for a device. Return: how many have taken it, or -1 when it was for nobody. */
int apic_bus_send(struct apic_bus *bus, const struct apic_message *message, struct lapic *source);
/*
 * To the APICs whose IDs are in a set of two words of @width bits, which begins with @first.
 * Return: how many have taken it.
 */
int apic_bus_send_set(struct apic_bus *bus, const struct apic_message *message, uint32_t first,
		      const uint64_t set[2], unsigned int width);
/* SDM "Message Address Register Format". @wide_ids: bits 8 to 31 of the ID are in the upper half. */
struct apic_message apic_message_of_msi(uint64_t address, uint32_t data, bool wide_ids);
/* The 8259s have something for whoever passes it on. */
void apic_bus_wake_extint(struct apic_bus *bus);

#endif
