/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's string instructions on guest memory: as guest_access.h, they have
 * entries in the fault table. What they have done before memory fails is done,
 * and counted exactly: the processor keeps RCX, RSI and RDI at a fault.
 *
 * @size is 1, 2, 4 or 8; @count, of elements, is not 0. No state, no lock held.
 */
#ifndef EXCLAVE_ENGINE_HOST_STRING_H
#define EXCLAVE_ENGINE_HOST_STRING_H

#include "lib/x86.h"

#include <stddef.h>

#define HOST_ARITHMETIC_FLAGS                                                            \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)

/* Return: the elements that were not moved, since the memory of the next one is gone. */
size_t host_movs(uint8_t *to, const uint8_t *from, size_t count, unsigned int size);
/* Downward from the elements at @to and @from, as with DF = 1. */
size_t host_movs_down(uint8_t *to, const uint8_t *from, size_t count, unsigned int size);
size_t host_stos(uint8_t *to, uint64_t value, size_t count, unsigned int size);

struct host_compared {
	size_t left;    /* elements that were not compared */
	uint64_t flags; /* the arithmetic flags of the last comparison */
	int error;      /* 0 or -EFAULT: `left` counts the element that failed, no flags */
};

/* Until an element differs, or with @while_unequal until one does not. */
struct host_compared host_cmps(const uint8_t *first, const uint8_t *second, size_t count,
			       unsigned int size, bool while_unequal);
struct host_compared host_scas(const uint8_t *at, uint64_t value, size_t count, unsigned int size,
			       bool while_unequal);

#endif
