/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who runs the guests: the machine's own KVM and SGX, or the library. */
#ifndef EXCLAVE_TOOLS_CHOICE_H
#define EXCLAVE_TOOLS_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

struct choice {
	bool hardware;
	char why[320]; /* for people */
};

/* Return: NULL when guests with SGX can run on the hardware, else why not. */
const char *hardware_lacks(char *why, size_t size);

/*
 * As the option `engine` has it.
 * Return: 0, or an exit status after a message: what was asked for cannot be had.
 */
int choose_engine(struct choice *choice);

#endif
