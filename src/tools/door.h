/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways to a /dev/kvm and /dev/sgx_vepc: the machine's own, or the library's, which is loaded
 * into this program for it. The same questions can be asked of both.
 */
#ifndef EXCLAVE_TOOLS_DOOR_H
#define EXCLAVE_TOOLS_DOOR_H

#include <stddef.h>
#include <sys/types.h>

struct door {
	int (*open)(const char *path, int flags, ...);
	int (*close)(int fd);
	int (*ioctl)(int fd, unsigned long request, ...);
	void *(*mmap)(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
};

/* The machine's; the software's too in a program that has the library before it. */
extern const struct door door_machine;

/* Return: 0, or -errno with why and what to do in @error. */
int door_software(struct door *door, char *error, size_t size);

#define PROBE_ERROR_SIZE 512

/*
 * Runs a guest of one instruction, in a child so that nothing can happen to us.
 * Return: 0 when it halted; else -errno with the reason in @error.
 */
int door_probe(const struct door *door, char error[PROBE_ERROR_SIZE]);

#endif
