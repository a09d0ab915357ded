// SPDX-License-Identifier: GPL-2.0-or-later
/* The open family. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

#include "preload/export.h"
#include "preload/node.h"
#include "preload/real.h"

static int node_open_errno(const struct node *node, int flags)
{
	int err = errno;
	int fd = node_open(node, flags);

	errno = fd < 0 ? -fd : err;
	return fd < 0 ? -1 : fd;
}

DOOR int door_open(const char *path, int flags, ...)
{
	const struct node *node = node_find(path);
	va_list arguments;
	mode_t mode;

	if (node)
		return node_open_errno(node, flags);
	/* Without a file to make, no mode was passed, and nobody looks at what this reads. */
	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return REAL(open64)(path, flags, mode);
}

DOOR int door_openat(int dirfd, const char *path, int flags, ...)
{
	const struct node *node = node_find(path);
	va_list arguments;
	mode_t mode;

	if (node)
		return node_open_errno(node, flags);
	/* Without a file to make, no mode was passed, and nobody looks at what this reads. */
	va_start(arguments, flags);
	mode = va_arg(arguments, mode_t);
	va_end(arguments);
	return REAL(openat64)(dirfd, path, flags, mode);
}

DOOR int door_open_2(const char *path, int flags)
{
	const struct node *node = node_find(path);

	return node ? node_open_errno(node, flags) : REAL(__open64_2)(path, flags);
}

DOOR int door_openat_2(int dirfd, const char *path, int flags)
{
	const struct node *node = node_find(path);

	return node ? node_open_errno(node, flags) : REAL(__openat64_2)(dirfd, path, flags);
}

EXPORT(door_open, open);
EXPORT(door_open, open64);
EXPORT(door_openat, openat);
EXPORT(door_openat, openat64);
EXPORT(door_open_2, __open_2);
EXPORT(door_open_2, __open64_2);
EXPORT(door_openat_2, __openat_2);
EXPORT(door_openat_2, __openat64_2);
