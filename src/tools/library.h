/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the things are that are installed with exclave(1). */
#ifndef EXCLAVE_TOOLS_LIBRARY_H
#define EXCLAVE_TOOLS_LIBRARY_H

#include <limits.h>
#include <stddef.h>

/*
 * Sets @path to the first of the @count @places, relative to the folder of exclave itself, that can
 * be read. Return: 0 or -errno: -ENOENT when none is there.
 */
int installed_find(const char *const *places, unsigned int count, char path[PATH_MAX]);

/*
 * Sets @library to the absolute path of libexclave.so.
 * Return: 0; -errno with why and what to do in @error.
 */
int library_find(char library[PATH_MAX], char *error, size_t size);

#endif
