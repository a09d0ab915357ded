// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/kvm_node.h"

#include <fcntl.h>
#include <pthread.h>

#include "kvm/kvm.h"
#include "preload/table.h"

static long file_ioctl(void *object, unsigned long request, unsigned long arg)
{
	return kvm_ioctl(object, request, arg);
}

static int file_mmap_fd(void *object)
{
	size_t size;

	return kvm_mmap_fd(object, &size);
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
	.mmap_fd = file_mmap_fd,
	.lseek = file_lseek,
	.release = file_release,
};

static int object_open(struct kvm_object *obj, const char *name, const struct node *node, int flags)
{
	int fd;

	kvm_object_get(obj);
	fd = file_open(name, node, flags, &kvm_file_ops, obj);
	if (fd < 0)
		kvm_object_put(obj);
	return fd;
}

static int new_fd(struct kvm_object *obj, const char *name)
{
	return object_open(obj, name, NULL, O_RDWR | O_CLOEXEC);
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
	static const struct kvm_host_ops ops = {.new_fd = new_fd, .fd_object = fd_object};

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
	ret = object_open(obj, "exclave:kvm", node, flags);
	kvm_object_put(obj);
	return ret;
}
