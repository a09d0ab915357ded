// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/vepc_table.h"

#include <stdlib.h>

/* At level 0 entries are pages, above they are nodes. */
struct vepc_table_node {
	union {
		_Atomic hpa_t page[VEPC_TABLE_SIZE];
		_Atomic(struct vepc_table_node *) child[VEPC_TABLE_SIZE];
	};
};

static unsigned int slot_of(uint64_t index, unsigned int level)
{
	return (unsigned int)(index >> level * VEPC_TABLE_BITS) % VEPC_TABLE_SIZE;
}

static struct vepc_table_node *load(const _Atomic(struct vepc_table_node *) *link)
{
	return atomic_load_explicit((_Atomic(struct vepc_table_node *) *)link,
				    memory_order_acquire);
}

hpa_t vepc_table_lookup(const struct vepc_table *table, uint64_t index)
{
	const struct vepc_table_node *node = load(&table->root);

	for (unsigned int level = VEPC_TABLE_LEVELS - 1; node && level; level--)
		node = load(&node->child[slot_of(index, level)]);
	return node ? atomic_load_explicit(&node->page[slot_of(index, 0)], memory_order_acquire)
		    : 0;
}

static struct vepc_table_node *make(_Atomic(struct vepc_table_node *) *link)
{
	struct vepc_table_node *node = load(link);

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (node)
		atomic_store_explicit(link, node, memory_order_release);
	return node;
}

_Atomic hpa_t *vepc_table_make(struct vepc_table *table, uint64_t index)
{
	struct vepc_table_node *node = make(&table->root);

	for (unsigned int level = VEPC_TABLE_LEVELS - 1; node && level; level--)
		node = make(&node->child[slot_of(index, level)]);
	return node ? &node->page[slot_of(index, 0)] : NULL;
}

/* A part of the tree's indices, and what is to be done with their pages. */
struct visit {
	uint64_t first;
	uint64_t last;
	vepc_table_fn *fn;
	void *ctx;
};

/* @base is the index of @node's first page. */
static long visit_node(struct vepc_table_node *node, unsigned int level, uint64_t base,
		       const struct visit *visit)
{
	uint64_t span = UINT64_C(1) << level * VEPC_TABLE_BITS;
	long ret = 0;

	for (unsigned int i = 0; i < VEPC_TABLE_SIZE && !ret; i++) {
		uint64_t start = base + i * span;

		if (start > visit->last || start + (span - 1) < visit->first)
			continue;
		if (level && load(&node->child[i]))
			ret = visit_node(load(&node->child[i]), level - 1, start, visit);
		else if (!level && atomic_load_explicit(&node->page[i], memory_order_acquire))
			ret = visit->fn(visit->ctx, &node->page[i]);
	}
	return ret;
}

static long visit_all(const struct vepc_table *table, const struct visit *visit)
{
	struct vepc_table_node *root = load(&table->root);

	return root ? visit_node(root, VEPC_TABLE_LEVELS - 1, 0, visit) : 0;
}

static long count_one(void *ctx, _Atomic hpa_t *entry)
{
	++*(uint64_t *)ctx;
	return 0;
}

uint64_t vepc_table_count(const struct vepc_table *table, uint64_t first, uint64_t last)
{
	uint64_t count = 0;
	struct visit visit = {.first = first, .last = last, .fn = count_one, .ctx = &count};

	visit_all(table, &visit);
	return count;
}

long vepc_table_for_each(const struct vepc_table *table, vepc_table_fn *fn, void *ctx)
{
	struct visit visit = {.last = UINT64_MAX, .fn = fn, .ctx = ctx};

	return visit_all(table, &visit);
}

static void free_node(struct vepc_table_node *node, unsigned int level)
{
	if (!node)
		return;
	for (unsigned int i = 0; level && i < VEPC_TABLE_SIZE; i++)
		free_node(load(&node->child[i]), level - 1);
	free(node);
}

void vepc_table_free(struct vepc_table *table)
{
	free_node(load(&table->root), VEPC_TABLE_LEVELS - 1);
	atomic_store(&table->root, NULL);
}
