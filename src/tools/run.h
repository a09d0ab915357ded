/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_RUN_H
#define EXCLAVE_TOOLS_RUN_H

#include <stdbool.h>

/*
 * Becomes the command @argv with libexclave.so in it. @verbose lets the library say when
 * a device is opened.
 * Return: an exit status after a message, when that failed.
 */
int run_command(char **argv, bool verbose);

#endif
