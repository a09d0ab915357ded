// SPDX-License-Identifier: GPL-2.0-or-later
/* A KVM that keeps the contract of kvm/kvm.h and does nothing else. */
#define _GNU_SOURCE /* memfd_create */
#include "fake_kvm.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kvm/kvm.h"

struct kvm_object {
	enum kvm_kind kind;
	atomic_uint refs;
	pid_t creator;
	int run_fd; /* -1: none */
	struct kvm_run *run;
};

static const struct kvm_host_ops *host;
static atomic_long live;

void kvm_set_host_ops(const struct kvm_host_ops *ops)
{
	host = ops;
}

static __thread bool cpuid_shown;

void kvm_cpuid_show_sgx(void)
{
	cpuid_shown = true;
}

void kvm_cpuid_hide_sgx(void)
{
	cpuid_shown = false;
}

static struct kvm_object *object_make(enum kvm_kind kind)
{
	struct kvm_object *obj = calloc(1, sizeof(*obj));

	if (!obj)
		abort();
	obj->kind = kind;
	atomic_init(&obj->refs, 1);
	obj->creator = getpid();
	obj->run_fd = -1;
	atomic_fetch_add(&live, 1);
	return obj;
}

int kvm_system_open(struct kvm_object **obj)
{
	*obj = object_make(KVM_KIND_SYSTEM);
	return 0;
}

void kvm_object_get(struct kvm_object *obj)
{
	atomic_fetch_add(&obj->refs, 1);
}

void kvm_object_put(struct kvm_object *obj)
{
	if (atomic_fetch_sub(&obj->refs, 1) != 1)
		return;
	/* A child has a copy of the memory, not the object. */
	if (obj->creator != getpid())
		abort();
	/* What the last close must not hand on. */
	errno = ENOTRECOVERABLE;
	if (obj->run)
		munmap(obj->run, FAKE_RUN_SIZE);
	if (obj->run_fd >= 0)
		syscall(SYS_close, obj->run_fd); /* ThreadSanitizer did not see it made */
	free(obj);
	atomic_fetch_sub(&live, 1);
}

enum kvm_kind kvm_object_kind(const struct kvm_object *obj)
{
	return obj->kind;
}

int kvm_mmap_fd(struct kvm_object *obj, size_t *size)
{
	*size = FAKE_RUN_SIZE;
	return obj->run_fd >= 0 ? obj->run_fd : -ENODEV;
}

static long new_object(enum kvm_kind kind, const char *name)
{
	struct kvm_object *obj = object_make(kind);
	int fd;

	if (kind == KVM_KIND_VCPU) {
		obj->run_fd = memfd_create("run", MFD_CLOEXEC);
		if (obj->run_fd < 0 || ftruncate(obj->run_fd, FAKE_RUN_SIZE)) {
			kvm_object_put(obj);
			return -EMFILE;
		}
		obj->run = mmap(NULL, FAKE_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				obj->run_fd, 0);
	}
	fd = host->new_fd(obj, name);
	if (fd < 0)
		kvm_object_put(obj);
	return fd;
}

static long kind_of(int fd)
{
	struct kvm_object *obj = host->fd_object(fd);
	long kind;

	if (!obj)
		return -ENOENT;
	kind = obj->kind;
	kvm_object_put(obj);
	return kind;
}

static long run(struct kvm_object *obj)
{
	if (obj->kind != KVM_KIND_VCPU)
		return -EINVAL;
	obj->run->exit_reason++;
	return 0;
}

static long linger(struct kvm_object *obj, unsigned long usecs)
{
	enum kvm_kind kind = obj->kind;

	usleep((useconds_t)usecs);
	return obj->kind == kind && atomic_load(&obj->refs) ? 0 : -ESTALE;
}

static long fake_request(struct kvm_object *obj, unsigned long request, unsigned long arg)
{
	switch (request) {
	case FAKE_LIVE:
		return atomic_load(&live);
	case FAKE_FAIL:
		return -(long)arg;
	case FAKE_KIND_OF:
		return kind_of((int)arg);
	case FAKE_IS_PROVISION:
		return host->is_provision((int)arg);
	case FAKE_CPUID_SHOWN:
		return cpuid_shown;
	case FAKE_KIND:
		return obj->kind;
	case FAKE_LINGER:
		return linger(obj, arg);
	case FAKE_READ_BACK:
		*(unsigned int *)arg += 1;
		return 0;
	}
	return -ENOTTY;
}

long kvm_ioctl(struct kvm_object *obj, unsigned long request, unsigned long arg)
{
	if (obj->creator != getpid())
		return -EIO;
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CREATE_VM:
		return new_object(KVM_KIND_VM, "kvm-vm");
	case KVM_CREATE_VCPU:
		return new_object(KVM_KIND_VCPU, "kvm-vcpu:0");
	case KVM_GET_VCPU_MMAP_SIZE:
		return FAKE_RUN_SIZE;
	case KVM_RUN:
		return run(obj);
	}
	return fake_request(obj, request, arg);
}
