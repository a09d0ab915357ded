// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/io_bus.h"

#include "lib/lock.h"

#include <stdlib.h>
#include <unistd.h>

void io_bus_lock(struct io_bus *bus)
{
	lock_rank_acquire(LOCK_IO_BUS);
	pthread_mutex_lock(&bus->lock);
}

void io_bus_unlock(struct io_bus *bus)
{
	pthread_mutex_unlock(&bus->lock);
	lock_rank_release(LOCK_IO_BUS);
}

void io_bus_init(struct io_bus *bus)
{
	*bus = (struct io_bus){0};
	pthread_mutex_init(&bus->lock, NULL);
}

void io_bus_destroy(struct io_bus *bus)
{
	for (unsigned int i = 0; i < bus->eventfd_count; i++)
		close(bus->eventfd[i].fd);
	free(bus->eventfd);
	free(bus->zone);
	pthread_mutex_destroy(&bus->lock);
}

void io_bus_set_ring(struct io_bus *bus, void *page)
{
	io_bus_lock(bus);
	bus->ring = page;
	io_bus_unlock(bus);
}

bool io_bus_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len)
{
	bool taken;

	io_bus_lock(bus);
	taken = __ioeventfd_write(bus, pio, addr, data, len) ||
		__coalesced_write(bus, pio, addr, data, len);
	io_bus_unlock(bus);
	return taken;
}
