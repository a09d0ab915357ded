// SPDX-License-Identifier: GPL-2.0-or-later
#include "irqchip/apic_bus.h"

#include "irqchip/lapic_core.h"
#include "lib/bits.h"

#include <errno.h>
#include <stdlib.h>

#define BROADCAST_XAPIC  0xffu
#define BROADCAST_X2APIC UINT32_C(0xffffffff)

int apic_bus_init(struct apic_bus *bus, unsigned int room)
{
	*bus = (struct apic_bus){.room = room, .lapic = calloc(room, sizeof(struct lapic *))};
	return bus->lapic ? 0 : -ENOMEM;
}

void apic_bus_destroy(struct apic_bus *bus)
{
	free(bus->lapic);
}

void apic_bus_add(struct apic_bus *bus, struct lapic *l)
{
	unsigned int count = atomic_load(&bus->count);

	bus->lapic[count] = l;
	atomic_store(&bus->count, count + 1);
}

/* SDM "Logical Destination Mode" of xAPICs: the flat and the cluster model. */
static bool matches_logical(const struct lapic *l, uint32_t dest)
{
	uint32_t ldr = lapic_get(l, LAPIC_LDR) >> 24;

	if (dest == BROADCAST_XAPIC)
		return true;
	if (lapic_get(l, LAPIC_DFR) >> 28 == 0xf)
		return ldr & dest;
	return (ldr >> 4) == (dest >> 4) && (ldr & dest & 0xf);
}

/* SDM "Logical Destination Mode in x2APIC Mode". */
static bool matches_x2apic(const struct lapic *l, const struct apic_message *message)
{
	uint32_t ldr = lapic_get(l, LAPIC_LDR), dest = message->dest;

	if (dest == BROADCAST_X2APIC)
		return true;
	if (!message->logical)
		return dest == l->id;
	return (ldr >> 16) == (dest >> 16) && (ldr & dest & 0xffff);
}

bool lapic_matches(struct lapic *l, const struct apic_message *message)
{
	if (!(lapic_base(l) & LAPIC_BASE_ENABLE))
		return false;
	if (lapic_is_x2apic(l))
		return matches_x2apic(l, message);
	/* An x2APIC's broadcast reaches all. */
	if (message->dest == BROADCAST_X2APIC)
		return true;
	if (message->dest > BROADCAST_XAPIC)
		return false;
	if (message->logical)
		return matches_logical(l, message->dest);
	return message->dest == BROADCAST_XAPIC || message->dest == l->id;
}

static bool is_for(struct lapic *l, const struct apic_message *message, struct lapic *source)
{
	switch (message->shorthand) {
	case APIC_TO_DESTINATION:
		return lapic_matches(l, message);
	case APIC_TO_SELF:
		return l == source;
	case APIC_TO_ALL:
		return true;
	case APIC_TO_OTHERS:
		return l != source;
	}
	return false;
}

/* Processors of equal priority take turns, which real ones need not but KVM's do. */
static int send_lowest(struct apic_bus *bus, const struct apic_message *message,
		       struct lapic *source)
{
	unsigned int count = atomic_load(&bus->count);
	unsigned int turn = atomic_fetch_add_explicit(&bus->turn, 1, memory_order_relaxed);
	struct lapic *best = NULL;
	uint32_t best_priority = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct lapic *l = bus->lapic[(turn + i) % count];
		uint32_t priority = lapic_get(l, LAPIC_TPR) & 0xf0;

		if (!is_for(l, message, source) || !lapic_is_enabled(l))
			continue;
		if (!best || priority < best_priority) {
			best = l;
			best_priority = priority;
		}
	}
	return best ? lapic_accept(best, message) : -1;
}

/* What a device writes has no room for a broadcast of 32 bits. */
static uint32_t widen(const struct apic_bus *bus, const struct apic_message *message)
{
	if (message->is_ipi || message->dest != BROADCAST_XAPIC || bus->narrow_broadcast_off)
		return message->dest;
	return BROADCAST_X2APIC;
}

static int send_all(struct apic_bus *bus, const struct apic_message *message, struct lapic *source)
{
	unsigned int count = atomic_load(&bus->count);
	int taken = -1;

	for (unsigned int i = 0; i < count; i++) {
		struct lapic *l = bus->lapic[i];

		if (!is_for(l, message, source))
			continue;
		if (taken < 0)
			taken = 0;
		taken += lapic_accept(l, message);
	}
	return taken;
}

int apic_bus_send(struct apic_bus *bus, const struct apic_message *message, struct lapic *source)
{
	struct apic_message wide = *message;

	wide.dest = widen(bus, message);
	if (wide.mode == APIC_MODE_LOWEST || wide.to_lowest)
		return send_lowest(bus, &wide, source);
	return send_all(bus, &wide, source);
}

int apic_bus_send_set(struct apic_bus *bus, const struct apic_message *message, uint32_t first,
		      const uint64_t set[2], unsigned int width)
{
	unsigned int count = atomic_load(&bus->count);
	int taken = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct lapic *l = bus->lapic[i];
		uint32_t n = l->id - first;

		if (l->id < first || n >= 2 * width || !(lapic_base(l) & LAPIC_BASE_ENABLE))
			continue;
		if (set[n / width] & BIT64(n % width))
			taken += lapic_accept(l, message);
	}
	return taken;
}

struct apic_message apic_message_of_msi(uint64_t address, uint32_t data, bool wide_ids)
{
	struct apic_message message = {
		.mode = (enum apic_mode)(data >> 8 & 7),
		.vector = (uint8_t)data,
		.level = data & BIT32(15),
		.logical = address & BIT64(2),
		.to_lowest = (address & BIT64(3)) && (address & BIT64(2)),
		.dest = (uint32_t)(address >> 12) & 0xff,
	};

	if (wide_ids)
		message.dest |= (uint32_t)(address >> 32) & ~UINT32_C(0xff);
	return message;
}

void apic_bus_wake_extint(struct apic_bus *bus)
{
	unsigned int count = atomic_load(&bus->count);

	for (unsigned int i = 0; i < count; i++)
		if (lapic_takes_extint(bus->lapic[i]))
			bus->lapic[i]->ops->wake(bus->lapic[i]->owner);
}
