// SPDX-License-Identifier: GPL-2.0-or-later
/* The stat family, of the nodes' paths and of descriptors. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "preload/export.h"
#include "preload/node.h"
#include "preload/real.h"
#include "preload/table.h"

/* What Linux says of an anonymous inode: no type at all. */
#define ANONYMOUS_MODE 0600

static bool is_path_stat(const char *path, struct stat *st)
{
	const struct node *node = node_find(path);

	if (node)
		node_stat(node, st);
	return node != NULL;
}

static struct file *file_to_stat(int fd)
{
	return table_is_empty(fd) ? NULL : table_lookup(fd);
}

/* Corrects what the kernel said of the memfd behind @fd. */
static int fd_stat(int fd, int ret, struct stat *st)
{
	struct file *file = ret ? NULL : file_to_stat(fd);

	if (!file)
		return ret;
	if (file->node)
		node_stat(file->node, st);
	else
		st->st_mode = ANONYMOUS_MODE;
	file_put(file);
	return 0;
}

/* Does @path name the descriptor beside it? */
static bool is_empty_path(const char *path, int flags)
{
	return flags & AT_EMPTY_PATH && path && !path[0];
}

DOOR int door_stat(const char *path, struct stat *st)
{
	return is_path_stat(path, st) ? 0 : REAL(stat64)(path, st);
}

DOOR int door_lstat(const char *path, struct stat *st)
{
	return is_path_stat(path, st) ? 0 : REAL(lstat64)(path, st);
}

DOOR int door_fstat(int fd, struct stat *st)
{
	return fd_stat(fd, REAL(fstat64)(fd, st), st);
}

DOOR int door_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	int ret;

	if (is_path_stat(path, st))
		return 0;
	ret = REAL(fstatat64)(dirfd, path, st, flags);
	return is_empty_path(path, flags) ? fd_stat(dirfd, ret, st) : ret;
}

DOOR int door_xstat(int version, const char *path, struct stat *st)
{
	return is_path_stat(path, st) ? 0 : REAL(__xstat64)(version, path, st);
}

DOOR int door_lxstat(int version, const char *path, struct stat *st)
{
	return is_path_stat(path, st) ? 0 : REAL(__lxstat64)(version, path, st);
}

DOOR int door_fxstat(int version, int fd, struct stat *st)
{
	return fd_stat(fd, REAL(__fxstat64)(version, fd, st), st);
}

DOOR int door_fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	int ret;

	if (is_path_stat(path, st))
		return 0;
	ret = REAL(__fxstatat64)(version, dirfd, path, st, flags);
	return is_empty_path(path, flags) ? fd_stat(dirfd, ret, st) : ret;
}

DOOR int door_statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *st)
{
	const struct node *node = node_find(path);
	struct file *file = NULL;
	int ret = 0;

	if (!node) {
		ret = REAL(statx)(dirfd, path, flags, mask, st);
		if (!ret && is_empty_path(path, flags))
			file = file_to_stat(dirfd);
		node = file ? file->node : NULL;
	}
	if (node)
		node_statx(node, st);
	else if (file)
		st->stx_mode = ANONYMOUS_MODE;
	if (file)
		file_put(file);
	return ret;
}

EXPORT(door_stat, stat);
EXPORT(door_stat, stat64);
EXPORT(door_lstat, lstat);
EXPORT(door_lstat, lstat64);
EXPORT(door_fstat, fstat);
EXPORT(door_fstat, fstat64);
EXPORT(door_fstatat, fstatat);
EXPORT(door_fstatat, fstatat64);
EXPORT(door_xstat, __xstat);
EXPORT(door_xstat, __xstat64);
EXPORT(door_lxstat, __lxstat);
EXPORT(door_lxstat, __lxstat64);
EXPORT(door_fxstat, __fxstat);
EXPORT(door_fxstat, __fxstat64);
EXPORT(door_fxstatat, __fxstatat);
EXPORT(door_fxstatat, __fxstatat64);
EXPORT(door_statx, statx);
