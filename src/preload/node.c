// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/options.h"
#include "lib/bits.h"
#include "preload/direct.h"
#include "preload/kvm_node.h"
#include "preload/sgx_node.h"

#define NODE_MODE 0666

static const struct node nodes[] = {
#define NODE_ENTRY(path, major, minor, open, access) {path, major, minor, open, access},
	NODES(NODE_ENTRY)
#undef NODE_ENTRY
};

/* The process that has logged each, so that a child logs again. */
static _Atomic pid_t logged[ARRAY_SIZE(nodes)];

const struct node *node_find(const char *path)
{
	/* NULL is the kernel's to refuse. */
	if (!path || path[0] != '/' || path[1] != 'd')
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		if (!strcmp(path, nodes[i].path))
			return &nodes[i];
	return NULL;
}

static void node_log(const struct node *node)
{
	const char *log = option_get(OPTION_LOG);
	pid_t pid = getpid();
	char line[80];

	if (!log || strcmp(log, "1") != 0)
		return;
	if (atomic_exchange(&logged[node - nodes], pid) == pid)
		return;
	snprintf(line, sizeof(line), "exclave: %s is software (pid %d)\n", node->path, pid);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* nobody is there to be told */
}

int node_open(const struct node *node, int flags)
{
	int fd;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	fd = node->open(node, flags);
	if (fd >= 0)
		node_log(node);
	return fd;
}

int node_access(const struct node *node, int mode)
{
	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	if (mode & X_OK)
		return -EACCES;
	return node->access ? node->access(mode) : 0;
}

void node_stat(const struct node *node, struct stat *st)
{
	int err = errno;

	/* Its file system and times; without a /dev they are 0. */
	if (direct_stat64("/dev", st))
		memset(st, 0, sizeof(*st));
	errno = err;
	st->st_ino = makedev(node->major, node->minor);
	st->st_nlink = 1;
	st->st_mode = S_IFCHR | NODE_MODE;
	st->st_uid = 0;
	st->st_gid = 0;
	st->st_rdev = makedev(node->major, node->minor);
	st->st_size = 0;
	st->st_blocks = 0;
}

void node_statx(const struct node *node, struct statx *st)
{
	struct stat old;

	node_stat(node, &old);
	memset(st, 0, sizeof(*st));
	st->stx_mask = STATX_BASIC_STATS;
	st->stx_blksize = (uint32_t)old.st_blksize;
	st->stx_nlink = (uint32_t)old.st_nlink;
	st->stx_mode = (uint16_t)old.st_mode;
	st->stx_ino = old.st_ino;
	st->stx_atime.tv_sec = old.st_atim.tv_sec;
	st->stx_ctime.tv_sec = old.st_ctim.tv_sec;
	st->stx_mtime.tv_sec = old.st_mtim.tv_sec;
	st->stx_rdev_major = node->major;
	st->stx_rdev_minor = node->minor;
	st->stx_dev_major = major(old.st_dev);
	st->stx_dev_minor = minor(old.st_dev);
}
