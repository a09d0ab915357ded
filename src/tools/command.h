/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program that exclave(1) is to run: where it is, and whether a library can be put into it. */
#ifndef EXCLAVE_TOOLS_COMMAND_H
#define EXCLAVE_TOOLS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

/* The exit statuses of env(1), for what kept the command from running. */
enum {
	EXIT_REFUSED = 125,
	EXIT_CANNOT_RUN = 126,
	EXIT_NOT_FOUND = 127,
};

/*
 * Finds @name as a shell does: in PATH unless it has a slash.
 * Return: 0, or an exit status after a message.
 */
int command_find(const char *name, char *path, size_t size);

/* The same without a message. Return: whether something of that name is there. */
bool command_is_there(const char *name, char *path, size_t size);

/*
 * Checks that the dynamic linker will run @path and heed LD_PRELOAD; a script's
 * interpreter counts for it.
 * Return: 0, or an exit status after a message.
 */
int command_check(const char *path);

#endif
