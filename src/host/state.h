/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's state folder: small private files that outlive the process and
 * that processes may make at the same time. No locks: a file appears whole.
 */
#ifndef EXCLAVE_HOST_STATE_H
#define EXCLAVE_HOST_STATE_H

#include <stddef.h>

/*
 * The path of file @name: $XDG_STATE_HOME/exclave/@name, else
 * ~/.local/state/exclave/@name.
 * Return: 0, -EINVAL without a home folder, -ENAMETOOLONG.
 */
int state_path(const char *name, char *path, size_t size);

/*
 * Makes a file of mode 0600, and the folders above it that do not exist with
 * mode 0700, whatever the umask. When another process is faster its file
 * stays, so the caller reads the file whoever made it. It is on disk before
 * this returns. @path is shorter than PATH_MAX.
 * Return: 0, also when the file exists already, or a negative errno.
 */
int state_create(const char *path, const void *bytes, size_t size);

#endif
