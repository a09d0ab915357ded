// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/page_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first range that does not end before @index. */
static unsigned int find(const struct page_ranges *ranges, uint64_t index)
{
	unsigned int i = 0;

	while (i < ranges->count && ranges->range[i].last < index)
		i++;
	return i;
}

bool page_ranges_has(const struct page_ranges *ranges, uint64_t index)
{
	unsigned int i = find(ranges, index);

	return i < ranges->count && ranges->range[i].first <= index;
}

void page_ranges_missing(const struct page_ranges *ranges, struct page_range part,
			 page_ranges_fn *fn, void *ctx)
{
	uint64_t next = part.first;

	for (unsigned int i = find(ranges, part.first);
	     i < ranges->count && ranges->range[i].first <= part.last; i++) {
		if (next < ranges->range[i].first)
			fn(ctx, (struct page_range){next, ranges->range[i].first - 1});
		next = ranges->range[i].last + 1;
	}
	if (next <= part.last)
		fn(ctx, (struct page_range){next, part.last});
}

static int make_room(struct page_ranges *ranges)
{
	unsigned int room = ranges->room ? 2 * ranges->room : 4;
	struct page_range *range;

	if (ranges->count < ranges->room)
		return 0;
	range = realloc(ranges->range, room * sizeof(*range));
	if (!range)
		return -ENOMEM;
	ranges->range = range;
	ranges->room = room;
	return 0;
}

int page_ranges_add(struct page_ranges *ranges, struct page_range part)
{
	unsigned int i, end;

	if (make_room(ranges))
		return -ENOMEM;
	/* Those that touch it become one with it. */
	i = find(ranges, part.first ? part.first - 1 : 0);
	for (end = i; end < ranges->count && ranges->range[end].first <= part.last + 1; end++) {
		if (ranges->range[end].first < part.first)
			part.first = ranges->range[end].first;
		if (ranges->range[end].last > part.last)
			part.last = ranges->range[end].last;
	}
	memmove(&ranges->range[i + 1], &ranges->range[end],
		(ranges->count - end) * sizeof(*ranges->range));
	ranges->range[i] = part;
	ranges->count += 1 - (end - i);
	return 0;
}

void page_ranges_free(struct page_ranges *ranges)
{
	free(ranges->range);
	*ranges = (struct page_ranges){.range = NULL};
}
