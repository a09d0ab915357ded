/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as its callers see it: objects that answer ioctls. Descriptors are not known
 * here: whoever hands objects to a program registers kvm_host_ops and keeps the
 * numbers. An object lives while references to it exist; every function may be called
 * by any thread.
 */
#ifndef EXCLAVE_KVM_KVM_H
#define EXCLAVE_KVM_KVM_H

#include <stddef.h>

enum kvm_kind {
	KVM_KIND_SYSTEM,
	KVM_KIND_VM,
	KVM_KIND_VCPU,
	KVM_KIND_DEVICE,
};

struct kvm_object;

struct kvm_host_ops {
	/*
	 * Makes a descriptor of @obj, with close-on-exec as Linux does it for VMs and vCPUs. It
	 * takes a reference of its own: the caller's stays the caller's. @name is what stands in
	 * /proc/self/fd, for example "exclave:kvm-vm".
	 * Return: the descriptor, or a negative errno.
	 */
	int (*new_fd)(struct kvm_object *obj, const char *name);
	/* Return: the object of @fd with a reference for the caller, or NULL. */
	struct kvm_object *(*fd_object)(int fd);
};

/* Before the first object is made; @ops stays valid. */
void kvm_set_host_ops(const struct kvm_host_ops *ops);

/*
 * What opening /dev/kvm gives; the caller owns the one reference.
 * Return: 0 or a negative errno.
 */
int kvm_system_open(struct kvm_object **obj);

void kvm_object_get(struct kvm_object *obj);
void kvm_object_put(struct kvm_object *obj);

/* Return: the ioctl's result, at least 0, or a negative errno. */
long kvm_ioctl(struct kvm_object *obj, unsigned long request, unsigned long arg);

/*
 * The memory that mmap() of @obj shows, as a descriptor that stays the object's.
 * Return: the descriptor with its size in @size, or -ENODEV when there is none.
 */
int kvm_mmap_fd(struct kvm_object *obj, size_t *size);

#endif
