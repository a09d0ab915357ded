/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device nodes that are ours. A node is known by exactly its path: links to it and
 * paths relative to /dev lead to the machine's own. It looks like Linux's: a character
 * device with mode 0666 that belongs to root, on the file system of /dev.
 */
#ifndef EXCLAVE_PRELOAD_NODE_H
#define EXCLAVE_PRELOAD_NODE_H

#include <sys/stat.h>

/* Path, device number, what opens it, what answers access(): NULL for the mode. */
#define NODES(X)                                          \
	X("/dev/kvm", 10, 232, kvm_node_open, NULL)       \
	X("/dev/sgx_vepc", 10, 125, vepc_node_open, NULL) \
	X("/dev/sgx_provision", 10, 126, provision_node_open, provision_node_access)

struct node {
	const char *path;
	unsigned int major;
	unsigned int minor;
	/* Return: a descriptor, or a negative errno. */
	int (*open)(const struct node *node, int flags);
	/* Return: 0, or a negative errno. */
	int (*access)(int mode);
};

/* Return: the node of @path, or NULL. */
const struct node *node_find(const char *path);

/*
 * @flags are those of open(). With EXCLAVE_LOG=1 in the environment the first success
 * writes a line to standard error, so that a test can tell who answered.
 * Return: a descriptor, or a negative errno.
 */
int node_open(const struct node *node, int flags);

/* Return: 0, -EACCES or -EINVAL. */
int node_access(const struct node *node, int mode);

void node_stat(const struct node *node, struct stat *st);
void node_statx(const struct node *node, struct statx *st);

#endif
