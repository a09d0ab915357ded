/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of page indices as sorted ranges that neither overlap nor touch. No lock. */
#ifndef EXCLAVE_HOST_PAGE_RANGES_H
#define EXCLAVE_HOST_PAGE_RANGES_H

#include <stdbool.h>
#include <stdint.h>

struct page_range {
	uint64_t first;
	uint64_t last;
};

struct page_ranges {
	struct page_range *range;
	unsigned int count;
	unsigned int room;
};

bool page_ranges_has(const struct page_ranges *ranges, uint64_t index);

/*
 * Calls @fn for each part of @part that is not in the set yet, in ascending order.
 */
typedef void page_ranges_fn(void *ctx, struct page_range missing);
void page_ranges_missing(const struct page_ranges *ranges, struct page_range part,
			 page_ranges_fn *fn, void *ctx);

/* Return: 0, or -ENOMEM with nothing changed. */
int page_ranges_add(struct page_ranges *ranges, struct page_range part);

void page_ranges_free(struct page_ranges *ranges);

#endif
