/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counted base of what has a descriptor, and how a class of them answers ioctls. */
#ifndef EXCLAVE_KVM_OBJECT_H
#define EXCLAVE_KVM_OBJECT_H

#include "kvm/kvm.h"
#include "lib/bits.h"
#include "lib/x86.h" /* before <linux/kvm.h>, whose macros have the names of vectors */

#include <errno.h>
#include <linux/kvm.h>
#include <stdatomic.h>
#include <stdint.h>

struct kvm_object_class {
	enum kvm_kind kind;
	long (*ioctl)(struct kvm_object *obj, uint32_t request, unsigned long arg);
	/* The last reference is gone. */
	void (*release)(struct kvm_object *obj);
};

struct kvm_object {
	const struct kvm_object_class *class;
	_Atomic unsigned int refs;
	uint64_t creator; /* address_space_id(); ioctls from other memory are -EIO */
};

/* With one reference, which is the caller's. */
void object_init(struct kvm_object *obj, const struct kvm_object_class *class);

/* Gives @obj a descriptor, which takes over the caller's reference; -errno: it stays the caller's. */
int object_new_fd(struct kvm_object *obj, const char *name);

/* Is the VMM's @fd an open /dev/sgx_provision? */
bool object_is_provision(int fd);

/* One request. Exactly one of the functions is set. */
struct ioctl_entry {
	unsigned long request;
	/* @arg as it came. */
	long (*plain)(struct kvm_object *obj, unsigned long arg);
	/*
	 * @data is a copy of the structure that the request's number tells the size
	 * and the direction of, zero where nothing is read; it goes back only when the
	 * result is not an error.
	 */
	long (*data)(struct kvm_object *obj, void *data);
};

#define IOCTL_MAX_DATA 4096

/* @unknown is the result of a request that is not in @table. */
long ioctl_dispatch(struct kvm_object *obj, const struct ioctl_entry *table, size_t count,
		    uint32_t request, unsigned long arg, long unknown);

#endif
