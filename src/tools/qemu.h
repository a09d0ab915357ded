/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU made easy. */
#ifndef EXCLAVE_TOOLS_QEMU_H
#define EXCLAVE_TOOLS_QEMU_H

#define QEMU_PROGRAM "qemu-system-x86_64"
#define QEMU_REMEDY \
	"install QEMU (on Debian: apt-get install qemu-system-x86), or name it with --qemu"

struct invocation;

/* The command `qemu`. */
int qemu_main(struct invocation *invocation);

/* The command `vm`. */
int vm_main(struct invocation *invocation);

/*
 * Becomes QEMU with the arguments @argv in any spelling (qemu_line.h).
 * Return: an exit status after a message, when that failed.
 */
int qemu_run(const struct invocation *invocation, int argc, char **argv);

#endif
