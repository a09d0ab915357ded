/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From page indices to EPC pages: a tree whose nodes are only added while it is used. Who
 * adds has a lock of his own; look-ups take none.
 */
#ifndef EXCLAVE_HOST_VEPC_TABLE_H
#define EXCLAVE_HOST_VEPC_TABLE_H

#include "lib/x86.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define VEPC_TABLE_BITS   9
#define VEPC_TABLE_SIZE   (1u << VEPC_TABLE_BITS)
#define VEPC_TABLE_LEVELS 6 /* all offsets that mmap() can have */

struct vepc_table_node;

struct vepc_table {
	_Atomic(struct vepc_table_node *) root;
};

/* Return: the page, or 0. */
hpa_t vepc_table_lookup(const struct vepc_table *table, uint64_t index);

/* Makes the entry of @index, which may have one. Return: it, or NULL when out of memory. */
_Atomic hpa_t *vepc_table_make(struct vepc_table *table, uint64_t index);

/* How many of the indices from @first to @last have a page. */
uint64_t vepc_table_count(const struct vepc_table *table, uint64_t first, uint64_t last);

/* Calls @fn for the entry of each page, which it may clear; stops when that is not 0. */
typedef long vepc_table_fn(void *ctx, _Atomic hpa_t *entry);
long vepc_table_for_each(const struct vepc_table *table, vepc_table_fn *fn, void *ctx);

/* Nobody looks up any more. */
void vepc_table_free(struct vepc_table *table);

#endif
