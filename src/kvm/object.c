// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/object.h"

#include "kvm/user.h"
#include "lib/address_space.h"

#include <string.h>
#include <sys/ioctl.h>

static const struct kvm_host_ops *host_ops;

void kvm_set_host_ops(const struct kvm_host_ops *ops)
{
	host_ops = ops;
}

void object_init(struct kvm_object *obj, const struct kvm_object_class *class)
{
	obj->class = class;
	obj->creator = address_space_id();
	atomic_init(&obj->refs, 1);
}

int object_new_fd(struct kvm_object *obj, const char *name)
{
	return host_ops ? host_ops->new_fd(obj, name) : -ENODEV;
}

bool object_is_provision(int fd)
{
	return host_ops && host_ops->is_provision && host_ops->is_provision(fd);
}

enum kvm_kind kvm_object_kind(const struct kvm_object *obj)
{
	return obj->class->kind;
}

void kvm_object_get(struct kvm_object *obj)
{
	atomic_fetch_add_explicit(&obj->refs, 1, memory_order_relaxed);
}

void kvm_object_put(struct kvm_object *obj)
{
	if (atomic_fetch_sub_explicit(&obj->refs, 1, memory_order_acq_rel) == 1)
		obj->class->release(obj);
}

long kvm_ioctl(struct kvm_object *obj, unsigned long request, unsigned long arg)
{
	int saved = errno;
	long ret;

	if (obj->class->kind != KVM_KIND_SYSTEM && address_space_id() != obj->creator)
		return -EIO;
	/* Linux takes 32 bits; QEMU passes requests through an int, which extends the sign. */
	ret = obj->class->ioctl(obj, (uint32_t)request, arg);
	errno = saved;
	return ret;
}

static long with_data(struct kvm_object *obj, const struct ioctl_entry *entry, unsigned long arg)
{
	_Alignas(64) uint8_t data[IOCTL_MAX_DATA];
	size_t size = _IOC_SIZE(entry->request);
	long ret;

	if (!(_IOC_DIR(entry->request) & _IOC_WRITE))
		memset(data, 0, size);
	else if (user_read(data, arg, size))
		return -EFAULT;
	ret = entry->data(obj, data);
	if (ret < 0 || !(_IOC_DIR(entry->request) & _IOC_READ))
		return ret;
	return user_write(arg, data, size) ? -EFAULT : ret;
}

long ioctl_dispatch(struct kvm_object *obj, const struct ioctl_entry *table, size_t count,
		    uint32_t request, unsigned long arg, long unknown)
{
	for (size_t i = 0; i < count; i++) {
		if (table[i].request != request)
			continue;
		return table[i].plain ? table[i].plain(obj, arg) : with_data(obj, &table[i], arg);
	}
	return unknown;
}
