// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_IOEVENTFD. The checks and their order are Linux'. */
#include "kvm/eventfd.h"
#include "kvm/vm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALID_FLAGS                                                                            \
	(KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN | \
	 KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY)

static bool collides(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->pio != b->pio || a->addr != b->addr)
		return false;
	if (!a->len || !b->len)
		return true;
	return a->len == b->len && (a->wildcard || b->wildcard || a->datamatch == b->datamatch);
}

static struct ioeventfd from_args(const struct kvm_ioeventfd *args)
{
	return (struct ioeventfd){
		.pio = args->flags & KVM_IOEVENTFD_FLAG_PIO,
		.addr = args->addr,
		.len = args->len,
		.wildcard = !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH),
		.datamatch = args->datamatch,
		.fd = -1,
		.vmm_fd = args->fd,
	};
}

static int __assign(struct io_bus *bus, const struct ioeventfd *new)
{
	struct ioeventfd *grown;

	for (unsigned int i = 0; i < bus->eventfd_count; i++)
		if (collides(&bus->eventfd[i], new))
			return -EEXIST;
	if (bus->eventfd_count == IO_BUS_MAX_EVENTFDS)
		return -ENOSPC;
	grown = realloc(bus->eventfd, (bus->eventfd_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	bus->eventfd = grown;
	bus->eventfd[bus->eventfd_count++] = *new;
	return 0;
}

static long assign(struct io_bus *bus, const struct kvm_ioeventfd *args)
{
	struct ioeventfd new = from_args(args);
	long ret;

	if (args->len > 8 || (args->len && !is_power_of_2(args->len)))
		return -EINVAL;
	if (args->addr + args->len < args->addr || (args->flags & ~(uint32_t)VALID_FLAGS))
		return -EINVAL;
	if (!args->len && !new.wildcard)
		return -EINVAL;
	new.fd = eventfd_take(args->fd);
	if (new.fd < 0)
		return new.fd;
	io_bus_lock(bus);
	ret = __assign(bus, &new);
	io_bus_unlock(bus);
	if (ret)
		close(new.fd);
	return ret;
}

static bool is_named(const struct ioeventfd *e, const struct ioeventfd *by)
{
	return e->pio == by->pio && e->addr == by->addr && e->len == by->len &&
	       e->wildcard == by->wildcard && (e->wildcard || e->datamatch == by->datamatch) &&
	       eventfd_is_same(e->fd, e->vmm_fd, by->vmm_fd);
}

static long deassign(struct io_bus *bus, const struct kvm_ioeventfd *args)
{
	struct ioeventfd by = from_args(args);
	int fd = -1, ret = eventfd_check(args->fd);

	if (ret)
		return ret;
	io_bus_lock(bus);
	for (unsigned int i = 0; i < bus->eventfd_count; i++) {
		if (!is_named(&bus->eventfd[i], &by))
			continue;
		fd = bus->eventfd[i].fd;
		bus->eventfd[i] = bus->eventfd[--bus->eventfd_count];
		break;
	}
	io_bus_unlock(bus);
	if (fd < 0)
		return -ENOENT;
	close(fd);
	return 0;
}

long vm_ioc_ioeventfd(struct kvm_object *obj, void *data)
{
	struct io_bus *bus = &vm_of_object(obj)->bus;
	const struct kvm_ioeventfd *args = data;

	return args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN ? deassign(bus, args) : assign(bus, args);
}

bool __ioeventfd_write(struct io_bus *bus, bool pio, uint64_t addr, const void *data, uint32_t len)
{
	uint64_t value = 0;

	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	for (unsigned int i = 0; i < bus->eventfd_count; i++) {
		const struct ioeventfd *e = &bus->eventfd[i];

		if (e->pio != pio || e->addr != addr || (e->len && e->len != len))
			continue;
		if (!e->wildcard && e->datamatch != value)
			continue;
		eventfd_signal(e->fd);
		return true;
	}
	return false;
}
