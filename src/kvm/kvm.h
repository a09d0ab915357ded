/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The KVM uAPI without descriptors: objects that answer ioctls. Who owns the
 * descriptors (the door, src/preload) gives each object a number and brings every
 * ioctl on it here. docs/api.md lists what is answered.
 *
 * An object is counted. A descriptor holds one reference; a VM lives while a
 * descriptor of it or of one of its vCPUs does. All functions may be called by any
 * thread; the caller of kvm_ioctl() holds a reference meanwhile.
 */
#ifndef EXCLAVE_KVM_KVM_H
#define EXCLAVE_KVM_KVM_H

#include <stdbool.h>
#include <stddef.h>

enum kvm_kind {
	KVM_KIND_SYSTEM, /* /dev/kvm */
	KVM_KIND_VM,
	KVM_KIND_VCPU,
};

struct kvm_object;

/* What only the owner of the descriptors can do. Called without locks but a vCPU's own. */
struct kvm_host_ops {
	/*
	 * Makes a descriptor for @obj; @name is what Linux calls its file, "kvm-vm"
	 * or "kvm-vcpu:0". Return: the number, and the descriptor owns the caller's
	 * reference; or -errno, and the caller keeps it.
	 */
	int (*new_fd)(struct kvm_object *obj, const char *name);
	/* The object behind @fd, with a reference for the caller; NULL when there is none. */
	struct kvm_object *(*fd_object)(int fd);
	/* Is @fd an open /dev/sgx_provision? Optional. */
	bool (*is_provision)(int fd);
};

/* Before the first ioctl; @ops stays. */
void kvm_set_host_ops(const struct kvm_host_ops *ops);

/* An open of /dev/kvm. Return: 0 with @obj holding one reference, or -errno. */
int kvm_system_open(struct kvm_object **obj);

enum kvm_kind kvm_object_kind(const struct kvm_object *obj);
void kvm_object_get(struct kvm_object *obj);
/* Not by a thread that is inside kvm_ioctl() on @obj without a reference of its own. */
void kvm_object_put(struct kvm_object *obj);

/*
 * As ioctl(2): @arg is a pointer of the VMM's, good or bad, or a number. Never
 * touches errno. Return: >= 0, or -errno; -EIO for a VM or a vCPU of another process.
 */
long kvm_ioctl(struct kvm_object *obj, unsigned long request, unsigned long arg);

/*
 * The file that a mapping of a vCPU's descriptor shows: the run page, the page of
 * port I/O, the coalesced ring. Sealed in its size; it belongs to @obj. Mappings of it
 * stay valid when @obj is gone.
 * Return: the file with @size set, or -ENODEV when @obj cannot be mapped.
 */
int kvm_mmap_fd(struct kvm_object *obj, size_t *size);

/*
 * The calling thread, and threads that it makes, see the model's SGX when they execute CPUID;
 * not where the machine has no CPUID faulting, or EXCLAVE_CPUID_FAULTING is off.
 */
void kvm_cpuid_show_sgx(void);
/* The calling thread no longer does. */
void kvm_cpuid_hide_sgx(void);

#endif
