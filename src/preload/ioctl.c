// SPDX-License-Identifier: GPL-2.0-or-later
/* What a descriptor is asked: ioctl, mmap, lseek. */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "preload/export.h"
#include "preload/mapping.h"
#include "preload/real.h"
#include "preload/table.h"

/* Requests that Linux answers for any file, before the driver sees them. */
static bool is_of_every_file(uint32_t request)
{
	return request == FIOCLEX || request == FIONCLEX || request == FIONBIO ||
	       request == FIOASYNC;
}

/* KVM_RUN is frequent, and no other file has it: not worth a question to the kernel. */
static struct file *ioctl_file(int fd, uint32_t request)
{
	if (table_is_empty(fd) || is_of_every_file(request))
		return NULL;
	return request == KVM_RUN ? table_get(fd) : table_lookup(fd);
}

static long result_errno(long ret)
{
	if (ret >= 0)
		return ret;
	errno = (int)-ret;
	return -1;
}

DOOR int door_ioctl(int fd, unsigned long request, ...)
{
	struct file *file;
	unsigned long arg;
	va_list arguments;
	long ret;

	va_start(arguments, request);
	arg = va_arg(arguments, unsigned long);
	va_end(arguments);

	/* The kernel takes 32 bits of it; callers with an int extend its sign. */
	file = ioctl_file(fd, (uint32_t)request);
	if (!file)
		return REAL(ioctl)(fd, request, arg);
	ret = file->ops->ioctl(file->object, (uint32_t)request, arg);
	file_put(file);
	return (int)result_errno(ret);
}

DOOR void *door_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	const struct file_mmap request = {addr, len, prot, flags, off};
	struct file *file = NULL;
	void *mapped = MAP_FAILED;

	if ((flags & MAP_FIXED) == MAP_FIXED)
		mappings_forget(addr, len);
	if (!(flags & MAP_ANONYMOUS) && !table_is_empty(fd))
		file = table_lookup(fd);
	if (!file)
		return REAL(mmap64)(addr, len, prot, flags, fd, off);
	if (result_errno(file->ops->mmap(file->object, file->access_mode, &request, &mapped)))
		mapped = MAP_FAILED;
	file_put(file);
	return mapped;
}

DOOR off_t door_lseek(int fd, off_t offset, int whence)
{
	struct file *file = table_is_empty(fd) ? NULL : table_lookup(fd);
	long ret;

	if (!file)
		return REAL(lseek64)(fd, offset, whence);
	ret = file->ops->lseek(file->object, offset, whence);
	file_put(file);
	return result_errno(ret);
}

EXPORT(door_ioctl, ioctl);
EXPORT(door_mmap, mmap);
EXPORT(door_mmap, mmap64);
EXPORT(door_lseek, lseek);
EXPORT(door_lseek, lseek64);
