// SPDX-License-Identifier: GPL-2.0-or-later
/* Duplicates: one file, several numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>

#include "preload/direct.h"
#include "preload/export.h"
#include "preload/real.h"
#include "preload/table.h"

/* What may get a second number. A child's duplicates of its parent's files are nobody's. */
static struct file *file_to_share(int fd)
{
	return table_is_empty(fd) ? NULL : table_lookup_own(fd);
}

/* @fd is a new number of @file, whose reference goes to the table; -1 when there is none. */
static int finish(int fd, struct file *file)
{
	if (!file)
		return fd;
	if (fd < 0) {
		file_put(file);
		return fd;
	}
	if (!table_install(fd, file))
		return fd;
	direct_close(fd);
	file_put(file);
	errno = EMFILE;
	return -1;
}

DOOR int door_dup(int fd)
{
	struct file *file = file_to_share(fd);

	return finish(REAL(dup)(fd), file);
}

/* What @to stood for is gone when the kernel says so, and stays otherwise. */
static int finish_at(int to, int ret, struct file *file, struct file *replaced)
{
	if (replaced && (ret >= 0 || table_install(to, replaced)))
		file_put(replaced);
	return finish(ret, file);
}

DOOR int door_dup2(int fd, int to)
{
	struct file *file, *replaced;

	if (fd == to || (table_is_empty(fd) && table_is_empty(to)))
		return REAL(dup2)(fd, to);
	file = file_to_share(fd);
	replaced = table_take(to);
	return finish_at(to, REAL(dup2)(fd, to), file, replaced);
}

DOOR int door_dup3(int fd, int to, int flags)
{
	struct file *file, *replaced;

	if (fd == to || (table_is_empty(fd) && table_is_empty(to)))
		return REAL(dup3)(fd, to, flags);
	file = file_to_share(fd);
	replaced = table_take(to);
	return finish_at(to, REAL(dup3)(fd, to, flags), file, replaced);
}

/* The memfd is always open for both; say what open() was asked for. */
static int status_flags(int fd)
{
	int flags = REAL(fcntl64)(fd, F_GETFL, 0);
	struct file *file = table_is_empty(fd) ? NULL : table_lookup(fd);

	if (!file)
		return flags;
	if (flags >= 0)
		flags = (flags & ~O_ACCMODE) | file->access_mode;
	file_put(file);
	return flags;
}

DOOR int door_fcntl(int fd, int cmd, ...)
{
	struct file *file;
	unsigned long arg;
	va_list arguments;

	va_start(arguments, cmd);
	arg = va_arg(arguments, unsigned long);
	va_end(arguments);

	if (cmd == F_GETFL)
		return status_flags(fd);
	if (cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC)
		return REAL(fcntl64)(fd, cmd, arg);
	file = file_to_share(fd);
	return finish(REAL(fcntl64)(fd, cmd, arg), file);
}

EXPORT(door_dup, dup);
EXPORT(door_dup2, dup2);
EXPORT(door_dup3, dup3);
EXPORT(door_fcntl, fcntl);
EXPORT(door_fcntl, fcntl64);
