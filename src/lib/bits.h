/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small arithmetic that every layer needs. Nothing here has state. */
#ifndef EXCLAVE_LIB_BITS_H
#define EXCLAVE_LIB_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* @align is a power of two. */
static inline bool is_aligned(uint64_t value, uint64_t align)
{
	return (value & (align - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return align_down(value + align - 1, align);
}

static inline bool is_power_of_2(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* Is every byte of @p[0..@len) zero? */
static inline bool is_zero(const void *p, size_t len)
{
	const unsigned char *byte = p;
	unsigned char any = 0;

	for (size_t i = 0; i < len; i++)
		any |= byte[i];
	return any == 0;
}

/* The spin-wait hint of the host CPU. */
static inline void cpu_relax(void)
{
	__builtin_ia32_pause();
}

#endif
