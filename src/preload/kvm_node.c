// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/kvm_node.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

#include "kvm/kvm.h"
#include "preload/real.h"
#include "preload/sgx_node.h"
#include "preload/table.h"

static long file_ioctl(void *object, unsigned long request, unsigned long arg)
{
	return kvm_ioctl(object, request, arg);
}

static int file_mmap(void *object, int access_mode, const struct file_mmap *request, void **mapped)
{
	size_t size;
	int fd = kvm_mmap_fd(object, &size);

	if (fd < 0)
		return fd;
	*mapped = REAL(mmap64)(request->addr, request->len, request->prot, request->flags, fd,
			       request->off);
	return *mapped == MAP_FAILED ? -errno : 0;
}

/* Linux: noop_llseek() of all of KVM's files; the position never leaves 0. */
static long file_lseek(void *object, off_t offset, int whence)
{
	return 0;
}

static void file_release(void *object)
{
	kvm_object_put(object);
}

static const struct file_ops kvm_file_ops = {
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.lseek = file_lseek,
	.release = file_release,
};

/* The name in /proc/self/fd. */
#define FILE_PREFIX "exclave:"

static int new_fd(struct kvm_object *obj, const char *name)
{
	char file_name[64];

	snprintf(file_name, sizeof(file_name), FILE_PREFIX "%s", name);
	return file_open(file_name, NULL, O_RDWR | O_CLOEXEC, &kvm_file_ops, obj);
}

static struct kvm_object *fd_object(int fd)
{
	struct file *file = table_lookup(fd);
	struct kvm_object *obj = NULL;

	if (!file)
		return NULL;
	if (file->ops == &kvm_file_ops) {
		obj = file->object;
		kvm_object_get(obj);
	}
	file_put(file);
	return obj;
}

static void introduce(void)
{
	static const struct kvm_host_ops ops = {
		.new_fd = new_fd,
		.fd_object = fd_object,
		.is_provision = provision_node_is_at,
	};

	kvm_set_host_ops(&ops);
}

int kvm_node_open(const struct node *node, int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct kvm_object *obj;
	int ret;

	pthread_once(&once, introduce);
	ret = kvm_system_open(&obj);
	if (ret)
		return ret;
	ret = file_open(FILE_PREFIX "kvm", node, flags, &kvm_file_ops, obj);
	if (ret < 0)
		kvm_object_put(obj);
	return ret;
}
