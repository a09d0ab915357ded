/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_RUN_H
#define EXCLAVE_TOOLS_RUN_H

#include <stdbool.h>

#include "tools/choice.h"

struct invocation;

/* The command `run`. */
int run_main(struct invocation *invocation);

/*
 * Becomes the command @argv, with libexclave.so in it unless the hardware is chosen. @verbose
 * says which and why.
 * Return: an exit status after a message, when that failed.
 */
int run_command(char **argv, const struct choice *choice, bool verbose);

#endif
