// SPDX-License-Identifier: GPL-2.0-or-later
/* The access family. */
#include <errno.h>
#include <fcntl.h>

#include "preload/export.h"
#include "preload/node.h"
#include "preload/real.h"

static int node_access_errno(const struct node *node, int mode)
{
	int ret = node_access(node, mode);

	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

DOOR int door_access(const char *path, int mode)
{
	const struct node *node = node_find(path);

	return node ? node_access_errno(node, mode) : REAL(access)(path, mode);
}

DOOR int door_euidaccess(const char *path, int mode)
{
	const struct node *node = node_find(path);

	return node ? node_access_errno(node, mode) : REAL(euidaccess)(path, mode);
}

DOOR int door_faccessat(int dirfd, const char *path, int mode, int flags)
{
	const struct node *node = node_find(path);

	return node ? node_access_errno(node, mode) : REAL(faccessat)(dirfd, path, mode, flags);
}

EXPORT(door_access, access);
EXPORT(door_euidaccess, euidaccess);
EXPORT(door_euidaccess, eaccess);
EXPORT(door_faccessat, faccessat);
