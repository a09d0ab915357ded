/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random use of the ioctl surface. What a call is given is chosen here; guest memory is
 * an arena of its own, so that no guest can write into the program that tests it.
 */
#ifndef EXCLAVE_TESTS_UAPI_HOSTILE_H
#define EXCLAVE_TESTS_UAPI_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_SIZE (4UL << 20)

enum kind {
	SYSTEM,
	VM,
	VCPU,
	NR_KINDS,
};

/* Of one thread: the state of its choices, and memory for what it passes. */
struct hostile {
	uint64_t random;
	unsigned char *buffer; /* BUFFER_SIZE bytes, then nothing to be touched */
};

#define BUFFER_SIZE 65536UL

/* Maps the arena and the buffers' surroundings. Return: 0 or -1. */
int hostile_init(void);
int hostile_start(struct hostile *h, uint64_t seed);

/* A number below @limit. */
uint64_t choose(struct hostile *h, uint64_t limit);

/* Mostly one that @kind answers. */
unsigned long choose_request(struct hostile *h, enum kind kind);

/* The argument for @request: a number, or a pointer, good or bad, to bytes good or bad. */
unsigned long choose_argument(struct hostile *h, unsigned long request);

#endif
