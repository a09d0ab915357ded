/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large, sparse, zero-filled memory. Address space is taken at once, memory
 * only for the pages that are written, so 512 GiB cost nothing until used.
 */
#ifndef EXCLAVE_LIB_MEM_H
#define EXCLAVE_LIB_MEM_H

#include <stddef.h>

/*
 * Reserves @size bytes, page-aligned and zero. The memory is left out of core
 * dumps and is not inherited by fork: it may hold enclave secrets.
 * Return: the memory, or NULL with errno set (ENOMEM).
 */
void *mem_reserve(size_t size);

/* Gives whole pages of @p[0..@size) back to the host; they read as zero afterwards. */
void mem_discard(void *p, size_t size);

void mem_release(void *p, size_t size);

#endif
