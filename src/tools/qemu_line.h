/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's command line, from the spelling of the 2021 series "KVM SGX virtualization support" to
 * today's. A pure function of the arguments and of what is known of the host.
 */
#ifndef EXCLAVE_TOOLS_QEMU_LINE_H
#define EXCLAVE_TOOLS_QEMU_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qemu_host {
	bool hardware;     /* the machine's KVM: `-cpu host` is what it says */
	const char *lacks; /* ",NAME=off" for each feature that guests cannot have */
};

/* Arguments, NULL behind the last; all of them, and the array, are the line's. */
struct qemu_line {
	int argc;
	char **argv;
	uint64_t epc_size; /* of all memory-backend-epc together */
	bool epc_reserved; /* one of them wants it at once: prealloc */
	bool out_of_memory;
};

/* @argv follows the program's name. Return: whether there was memory for it. */
bool qemu_line_rewrite(const struct qemu_host *host, const char *program, int argc,
		       char *const *argv, struct qemu_line *line);
void qemu_line_free(struct qemu_line *line);

#endif
