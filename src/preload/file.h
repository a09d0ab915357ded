/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a descriptor of ours stands for, as the kernel's open file description: made by
 * an open or an ioctl, shared by duplicated descriptors, released with the last of them.
 * The kernel's side of it is an empty memfd, which keeps the number taken and says by
 * its inode whether the number still means us.
 *
 * Lifetime: files are never unmapped, only used again, so that a reader may count up a
 * file which it found a moment ago. It must then look whether the number still leads
 * there (table.c). No locks: a child of fork() never waits for a thread that it lacks.
 */
#ifndef EXCLAVE_PRELOAD_FILE_H
#define EXCLAVE_PRELOAD_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct node;

/* The arguments of mmap(2). */
struct file_mmap {
	void *addr;
	size_t len;
	int prot;
	int flags;
	off_t off;
};

struct file_ops {
	/* Return: the result, at least 0, or a negative errno. */
	long (*ioctl)(void *object, unsigned long request, unsigned long arg);
	/*
	 * Maps a part of the object, which was opened with @access_mode, as mmap(2).
	 * Return: 0 with @mapped set, or a negative errno.
	 */
	int (*mmap)(void *object, int access_mode, const struct file_mmap *request, void **mapped);
	/* Return: as lseek(), or a negative errno. */
	long (*lseek)(void *object, off_t offset, int whence);
	void (*release)(void *object);
};

struct file {
	atomic_bool taken;
	atomic_uint refs;
	dev_t dev;
	ino_t ino;
	/* A child inherits the number, not the object. */
	pid_t owner;
	int access_mode;         /* O_RDONLY, O_WRONLY or O_RDWR */
	const struct node *node; /* NULL: no file system has a name for it */
	const struct file_ops *ops;
	void *object;
};

/*
 * Makes a file around @object, whose reference it takes over on success, and a
 * descriptor of it. @flags are those of open().
 * Return: the descriptor, or a negative errno.
 */
int file_open(const char *name, const struct node *node, int flags, const struct file_ops *ops,
	      void *object);

/* Return: false when the last reference is gone. */
bool file_get(struct file *file);

/* Releases the object with the last reference; leaves errno as it is. */
void file_put(struct file *file);

/* Does the kernel's @fd lead to @file? Leaves errno as it is. */
bool file_is_at(const struct file *file, int fd);

bool file_is_own(const struct file *file);

#endif
