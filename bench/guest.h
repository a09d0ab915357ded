/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose linear addresses are the host's: the same machine code runs in it
 * and natively. It has this program's image, a stack and some memory. What must
 * not happen ends the program with a message.
 */
#ifndef EXCLAVE_BENCH_GUEST_H
#define EXCLAVE_BENCH_GUEST_H

#include "kernels.h"
#include "machine.h"

struct guest {
	struct machine machine;
	uint8_t *memory; /* KERNEL_MEMORY bytes */
	uint8_t *stack;
};

void guest_init(struct guest *g);
void guest_free(struct guest *g);

/* The guest gets host memory where the host has it. */
void guest_share(struct guest *g, const void *start, uint64_t size);

/* The next run calls @run(@memory, @scale), at CPL 3. */
void guest_start(struct guest *g, kernel_function *run, const void *memory, uint32_t scale);
/* Runs until that has returned. Return: what it returned. */
uint64_t guest_finish(struct guest *g);
/* Both. */
uint64_t guest_call(struct guest *g, kernel_function *run, const void *memory, uint32_t scale);

#endif
