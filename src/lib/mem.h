/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large, sparse, zero-filled memory. Address space is taken at once, memory
 * only for the pages that are written, so 512 GiB cost nothing until used.
 */
#ifndef EXCLAVE_LIB_MEM_H
#define EXCLAVE_LIB_MEM_H

#include <stddef.h>
#include <string.h>

/*
 * Reserves @size bytes, page-aligned and zero. The memory is left out of core
 * dumps and is not inherited by fork: it may hold enclave secrets.
 * Return: the memory, or NULL with errno set (ENOMEM).
 */
void *mem_reserve(size_t size);

/* Gives whole pages of @p[0..@size) back to the host; they read as zero afterwards. */
void mem_discard(void *p, size_t size);

void mem_release(void *p, size_t size);

/*
 * Copies @size bytes, a page or so. For a size that it can see the compiler puts
 * REP MOVS in the place of memcpy(), which takes twice as long.
 */
static inline void mem_copy_pages(void *dst, const void *src, size_t size)
{
	__asm__("" : "+r"(size));
	memcpy(dst, src, size);
}

#endif
