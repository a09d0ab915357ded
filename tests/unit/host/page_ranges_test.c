// SPDX-License-Identifier: GPL-2.0-or-later
/* A set of ranges against a plain array of bits. */
#include "tests.h"

#include "host/page_ranges.h"
#include "lib/bits.h"

#include <stdlib.h>
#include <string.h>

#define INDICES 64

static void mark(void *ctx, struct page_range range)
{
	bool *bits = ctx;

	for (uint64_t i = range.first; i <= range.last; i++) {
		assert_false(bits[i]);
		bits[i] = true;
	}
}

static void assert_same(const struct page_ranges *ranges, const bool *bits)
{
	for (uint64_t i = 0; i < INDICES; i++)
		assert_int_equal(page_ranges_has(ranges, i), bits[i]);
	for (unsigned int i = 1; i < ranges->count; i++)
		assert_true(ranges->range[i].first > ranges->range[i - 1].last + 1);
}

static void random_ranges_as_bits(void **state)
{
	struct page_ranges ranges = {0};
	bool bits[INDICES];

	(void)state;
	srandom(1);
	for (unsigned int round = 0; round < 2000; round++) {
		memset(bits, 0, sizeof(bits));
		for (unsigned int i = 0; i < 12; i++) {
			uint64_t first = (uint64_t)random() % INDICES;
			struct page_range part = {first, first + (uint64_t)random() % 6};

			if (part.last >= INDICES)
				part.last = INDICES - 1;
			page_ranges_missing(&ranges, part, mark, bits);
			assert_int_equal(page_ranges_add(&ranges, part), 0);
			assert_same(&ranges, bits);
		}
		page_ranges_free(&ranges);
	}
}

const struct CMUnitTest page_ranges_tests[] = {
	cmocka_unit_test(random_ranges_as_bits),
};
const size_t page_ranges_test_count = ARRAY_SIZE(page_ranges_tests);
