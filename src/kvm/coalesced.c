// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes that may wait in a ring until the VMM has another reason to look. */
#include "kvm/vm.h"

#include <stdlib.h>
#include <string.h>

/* KVM_COALESCED_MMIO_MAX, whose PAGE_SIZE is the kernel's. */
#define RING_ENTRIES \
	((4096 - sizeof(struct kvm_coalesced_mmio_ring)) / sizeof(struct kvm_coalesced_mmio))

static bool is_inside(const struct kvm_coalesced_mmio_zone *zone, uint64_t addr, uint64_t len)
{
	return addr + len >= addr && addr >= zone->addr &&
	       addr + len <= (uint64_t)zone->addr + zone->size;
}

static long __register(struct io_bus *bus, const struct kvm_coalesced_mmio_zone *zone)
{
	struct kvm_coalesced_mmio_zone *grown;

	if (bus->zone_count == IO_BUS_MAX_ZONES)
		return -ENOSPC;
	grown = realloc(bus->zone, (bus->zone_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	bus->zone = grown;
	bus->zone[bus->zone_count++] = *zone;
	return 0;
}

long vm_ioc_register_coalesced_mmio(struct kvm_object *obj, void *data)
{
	struct io_bus *bus = &vm_of_object(obj)->bus;
	const struct kvm_coalesced_mmio_zone *zone = data;
	long ret;

	if (zone->pio > 1)
		return -EINVAL;
	io_bus_lock(bus);
	ret = __register(bus, zone);
	io_bus_unlock(bus);
	return ret;
}

/* Every zone that contains @zone goes, and that there was none is no error. */
long vm_ioc_unregister_coalesced_mmio(struct kvm_object *obj, void *data)
{
	struct io_bus *bus = &vm_of_object(obj)->bus;
	const struct kvm_coalesced_mmio_zone *zone = data;

	if (zone->pio > 1)
		return -EINVAL;
	io_bus_lock(bus);
	for (unsigned int i = 0; i < bus->zone_count;) {
		if (bus->zone[i].pio == zone->pio &&
		    is_inside(&bus->zone[i], zone->addr, zone->size))
			bus->zone[i] = bus->zone[--bus->zone_count];
		else
			i++;
	}
	io_bus_unlock(bus);
	return 0;
}

/* The VMM moves `first` and may write anything anywhere: what is read here is checked. */
static bool __ring_add(struct kvm_coalesced_mmio_ring *ring, const struct kvm_coalesced_mmio *entry)
{
	uint32_t last = __atomic_load_n(&ring->last, __ATOMIC_RELAXED);
	uint32_t first = __atomic_load_n(&ring->first, __ATOMIC_ACQUIRE);

	if (last >= RING_ENTRIES || (last + 1) % RING_ENTRIES == first)
		return false;
	ring->coalesced_mmio[last] = *entry;
	__atomic_store_n(&ring->last, (uint32_t)((last + 1) % RING_ENTRIES), __ATOMIC_RELEASE);
	return true;
}

bool __coalesced_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len)
{
	struct kvm_coalesced_mmio entry = {.phys_addr = addr, .len = len, .pio = pio};

	if (!bus->ring || len > sizeof(entry.data))
		return false;
	for (unsigned int i = 0; i < bus->zone_count; i++) {
		if (bus->zone[i].pio != pio || !is_inside(&bus->zone[i], addr, len))
			continue;
		memcpy(entry.data, data, len);
		return __ring_add(bus->ring, &entry);
	}
	return false;
}
