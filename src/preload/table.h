/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the numbers of descriptors to files. Reading takes no lock, and a number that was
 * never ours costs one load. Each entry holds a reference.
 *
 * The table follows what a program does through libc. What it cannot see, close_range by
 * system call, a child of vfork() that closes descriptors in the parent's memory, leaves
 * an entry whose number the kernel has given to another file: table_lookup() compares the
 * inode and finds nothing. A process that did not make a file changes no entry of it.
 *
 * ioctl against close: the kernel holds the file while an ioctl runs; so does the reference
 * that a look-up returns. One that loses the race finds the number closed, or in the moment
 * between our close and the kernel's, an empty memfd (ENOTTY).
 */
#ifndef EXCLAVE_PRELOAD_TABLE_H
#define EXCLAVE_PRELOAD_TABLE_H

#include <stdbool.h>

#include "preload/file.h"

/* Larger numbers are refused with EMFILE. */
#define TABLE_NR_FDS (1 << 20)

/* Is there nothing to do for @fd? Every call on a descriptor that is no node's ends here. */
bool table_is_empty(int fd);

/*
 * Return: what @fd last stood for, with a reference for the caller, or NULL. The kernel
 * is not asked.
 */
struct file *table_get(int fd);

/* Return: the file of @fd with a reference for the caller, or NULL when it is none of ours. */
struct file *table_lookup(int fd);

/* As table_lookup(), for files that this process made. */
struct file *table_lookup_own(int fd);

/*
 * Lets @fd stand for @file, whose reference it takes over on success, and forgets what
 * stood there.
 * Return: 0, or -EMFILE when the number is too large.
 */
int table_install(int fd, struct file *file);

/*
 * Forgets @fd before the kernel does: afterwards another thread may have the number.
 * Return: the entry's reference, or NULL when there is none or another process made it.
 */
struct file *table_take(int fd);

/* table_take() and file_put() for all numbers from @first to @last. */
void table_drop_range(unsigned int first, unsigned int last);

#endif
