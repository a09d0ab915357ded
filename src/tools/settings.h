/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of the options (host/options.h): the command line's before the environment's before
 * ~/.config/exclave/config's before /etc/exclave.conf's; EXCLAVE_CONFIG names one file instead of
 * the two. They end in the environment, where the library reads them.
 */
#ifndef EXCLAVE_TOOLS_SETTINGS_H
#define EXCLAVE_TOOLS_SETTINGS_H

#include "host/options.h"

#include <stddef.h>

#define SETTINGS_SYSTEM_FILE "/etc/exclave.conf"

/*
 * Sets what is not set yet from the configuration files, and checks what is.
 * Return: 0, or an exit status after a message.
 */
int settings_load(void);

/* The command line's, before settings_load(). Return: as there. */
int settings_set(enum option option, const char *value);

/* Return: NULL when @value will do for the option, else why not and what would. */
const char *settings_complaint(enum option option, const char *value);

/* Where the value comes from, for people: a file's name, "the environment", "the command line" or "default". */
const char *settings_origin(enum option option);

/* The user's configuration file; an empty string without a home folder. */
void settings_user_file(char *path, size_t size);

#endif
