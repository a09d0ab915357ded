/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small programs that run natively and in a guest alike: no system calls, no
 * thread-local storage, memory given by the caller. Each returns a checksum.
 */
#ifndef EXCLAVE_BENCH_KERNELS_H
#define EXCLAVE_BENCH_KERNELS_H

#include <stdint.h>

#define KERNEL_MEMORY (32u << 20)

typedef uint64_t kernel_function(uint8_t *memory, uint32_t scale);

/* Which mean a kernel counts in. */
enum kernel_class {
	KERNEL_INTEGER,
	KERNEL_SIMD,
	KERNEL_APART, /* none: it waits for memory, natively, too, which would flatter the mean */
	KERNEL_CLASSES,
};

struct kernel {
	const char *name;
	kernel_function *run;
	uint32_t scale;
	enum kernel_class class;
};

extern const struct kernel kernels[];
extern const unsigned int kernel_count;

#endif
