/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What takes a guest's writes to ports and device memory before the VMM hears of
 * them: ioeventfds and coalesced zones. `lock` (LOCK_IO_BUS) protects all of it; it
 * is held while an eventfd is written to, so that one which has been taken away is
 * not signalled afterwards.
 */
#ifndef EXCLAVE_KVM_IO_BUS_H
#define EXCLAVE_KVM_IO_BUS_H

#include "kvm/object.h"
#include "lib/x86.h"

#include <pthread.h>
#include <stdbool.h>

struct ioeventfd {
	bool pio;
	uint64_t addr;
	uint32_t len; /* 0: any */
	bool wildcard;
	uint64_t datamatch;
	int fd;     /* our own descriptor of the eventfd: the VMM may close its own */
	int vmm_fd; /* its number there, where the host cannot compare files */
};

struct io_bus {
	pthread_mutex_t lock;
	struct ioeventfd *eventfd;
	unsigned int eventfd_count;
	struct kvm_coalesced_mmio_zone *zone;
	unsigned int zone_count;
	/* One ring for the VM, in the pages of its first vCPU; NULL before there is one. */
	struct kvm_coalesced_mmio_ring *ring;
};

/* Devices on a bus beside ioeventfds: NR_IOBUS_DEVS of Linux. */
#define IO_BUS_MAX_ZONES 1000
/* Linux is bounded by the VMM's open files. */
#define IO_BUS_MAX_EVENTFDS 65536

void io_bus_init(struct io_bus *bus);
void io_bus_destroy(struct io_bus *bus);
void io_bus_lock(struct io_bus *bus);
void io_bus_unlock(struct io_bus *bus);
void io_bus_set_ring(struct io_bus *bus, void *page);

/* Has the bus taken the write of @len bytes? Else the VMM gets it. */
bool io_bus_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len);

/* ioeventfd.c */
long vm_ioc_ioeventfd(struct kvm_object *obj, void *data);
/* With the lock held. */
bool __ioeventfd_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len);

/* coalesced.c */
long vm_ioc_register_coalesced_mmio(struct kvm_object *obj, void *data);
long vm_ioc_unregister_coalesced_mmio(struct kvm_object *obj, void *data);
bool __coalesced_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len);

#endif
