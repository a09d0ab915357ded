// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A program with an allocator of its own, which maps memory through the door: the look-up
 * of the function behind the door must not wait for itself, whoever allocates first.
 *
 * usage: allocator_test LIBRARY
 */
#define _GNU_SOURCE /* dlvsym */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kvm.h>

#define HEADER 16

/* One mapping for each allocation, its size before it. */
void *malloc(size_t size)
{
	size_t *p = mmap(NULL, size + HEADER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* What allocators ask the system at their start. */
	close(open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC));
	*p = size;
	return (char *)p + HEADER;
}

void free(void *p)
{
	size_t *head = (size_t *)((char *)p - HEADER);

	if (p)
		munmap(head, *head + HEADER);
}

void *calloc(size_t count, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(count, size, &total) ? NULL : malloc(total);
}

void *realloc(void *p, size_t size)
{
	void *q = malloc(size);
	size_t old = p ? *(size_t *)((char *)p - HEADER) : 0;

	if (q && p) {
		memcpy(q, p, old < size ? old : size);
		free(p);
	}
	return q;
}

/* Before glibc 2.34 it allocated; this one is the library's, by export_dynamic. */
void *dlsym(void *handle, const char *name)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);

	free(malloc(strlen(name)));
	return dlvsym(libc, name, "GLIBC_2.2.5");
}

static int check(void)
{
	struct stat st;
	int kvm = open("/dev/kvm", O_RDWR);
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);

	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION || vcpu < 0)
		return 1;
	if (fstat(kvm, &st) || !S_ISCHR(st.st_mode))
		return 1;
	return close(vcpu) || close(vm) || close(kvm);
}

int main(int argc, char **argv)
{
	if (getenv("LD_PRELOAD"))
		return check();
	if (argc < 2 || setenv("LD_PRELOAD", argv[1], 1))
		return 2;
	execv("/proc/self/exe", argv);
	return 2;
}
