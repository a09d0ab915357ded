// SPDX-License-Identifier: GPL-2.0-or-later
/* The EPC: sections, look-up by physical address, memory that is given back. */
#include "tests.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define GIB   (UINT64_C(1) << 30)
#define LIMIT (UINT64_C(1) << EPC_PHYS_BITS)

static int epc_setup(void **state)
{
	struct epc *epc = malloc(sizeof(*epc));

	*state = epc;
	return epc ? epc_init(epc) : -1;
}

static int epc_teardown(void **state)
{
	epc_destroy(*state);
	free(*state);
	return 0;
}

#define epc_unit_test(function) cmocka_unit_test_setup_teardown(function, epc_setup, epc_teardown)

/* The page belongs to the section, and the entry leads back to it. */
static void assert_page(struct epc *epc, hpa_t hpa, unsigned int section)
{
	const struct epc_section *s = &epc->sections[section];
	struct epcm_entry *e = epc_lookup(epc, hpa);
	uint64_t index = (hpa - s->base) / SGX_PAGE_SIZE;

	assert_ptr_equal(e, &s->epcm[index]);
	assert_ptr_equal(epcm_page(e), s->pages + index * SGX_PAGE_SIZE);
	assert_int_equal(epc_hpa(epc, e), hpa);
	assert_int_equal(epcm_state(e), 0);
}

/* First and last page, and nothing beside them. */
static void assert_borders(struct epc *epc, unsigned int section)
{
	const struct epc_section *s = &epc->sections[section];

	assert_page(epc, s->base, section);
	assert_page(epc, s->base + s->size - SGX_PAGE_SIZE, section);
}

static void lookup_without_sections_finds_nothing(void **state)
{
	struct epc *epc = *state;

	assert_null(epc_lookup(epc, 0));
	assert_null(epc_lookup(epc, GIB));
	assert_null(epc_lookup(epc, LIMIT - SGX_PAGE_SIZE));
	assert_null(epc_lookup(epc, LIMIT));
	assert_null(epc_lookup(epc, UINT64_MAX & ~UINT64_C(0xfff)));
}

static void lookup_at_borders_of_small_section(void **state)
{
	struct epc *epc = *state;
	const hpa_t base = 5 * GIB + PAGES(3);

	assert_int_equal(epc_add_section(epc, base, PAGES(4), 2), 0);
	assert_int_equal(epc->section_count, 1);
	assert_int_equal(epc->sections[0].node, 2);
	assert_borders(epc, 0);
	assert_null(epc_lookup(epc, base - SGX_PAGE_SIZE));
	assert_null(epc_lookup(epc, base + PAGES(4)));
	assert_null(epc_lookup(epc, 5 * GIB));
	assert_null(epc_lookup(epc, 4 * GIB + PAGES(3)));
}

/* An address within the page finds it too. */
static void lookup_ignores_offset_in_page(void **state)
{
	struct epc *epc = *state;

	assert_int_equal(epc_add_section(epc, GIB, PAGES(2), 0), 0);
	assert_ptr_equal(epc_lookup(epc, GIB + 4095), epc_lookup(epc, GIB));
	assert_ptr_equal(epc_lookup(epc, GIB + 4096), epc_lookup(epc, GIB) + 1);
}

static void add_misaligned_or_empty_einval(void **state)
{
	struct epc *epc = *state;

	assert_int_equal(epc_add_section(epc, GIB + 1, PAGES(1), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, GIB + 2048, PAGES(1), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, GIB, PAGES(1) + 1, 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, GIB, 100, 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, GIB, 0, 0), -EINVAL);
	assert_int_equal(epc->section_count, 0);
}

static void add_unaddressable_einval(void **state)
{
	struct epc *epc = *state;

	assert_int_equal(epc_add_section(epc, LIMIT, PAGES(1), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, LIMIT - PAGES(1), PAGES(2), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, UINT64_MAX - 4095, PAGES(1), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, 0, EPC_MAX_SECTION_SIZE + PAGES(1), 0), -EINVAL);
	assert_int_equal(epc_add_section(epc, LIMIT - PAGES(1), PAGES(1), 0), 0);
	assert_borders(epc, 0);
	assert_null(epc_lookup(epc, LIMIT));
}

static void add_overlapping_eexist(void **state)
{
	struct epc *epc = *state;
	const hpa_t base = GIB + PAGES(16);

	assert_int_equal(epc_add_section(epc, base, PAGES(16), 0), 0);
	assert_int_equal(epc_add_section(epc, base, PAGES(16), 0), -EEXIST);
	assert_int_equal(epc_add_section(epc, base + PAGES(4), PAGES(1), 0), -EEXIST);
	assert_int_equal(epc_add_section(epc, base - PAGES(1), PAGES(2), 0), -EEXIST);
	assert_int_equal(epc_add_section(epc, base + PAGES(15), PAGES(2), 0), -EEXIST);
	assert_int_equal(epc_add_section(epc, 0, 4 * GIB, 0), -EEXIST);
	assert_int_equal(epc->section_count, 1);
	/* Refused ones leave nothing behind; neighbours fit exactly. */
	assert_null(epc_lookup(epc, base - PAGES(1)));
	assert_int_equal(epc_add_section(epc, base - PAGES(1), PAGES(1), 0), 0);
	assert_int_equal(epc_add_section(epc, base + PAGES(16), PAGES(1), 0), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_borders(epc, i);
}

/* In one GiB, with gaps and without, in no order of address. */
static void many_sections_in_one_gib(void **state)
{
	struct epc *epc = *state;
	static const unsigned int places[] = {40, 0, 8, 20, 4, 60, 12};

	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++)
		assert_int_equal(epc_add_section(epc, 3 * GIB + PAGES(places[i]), PAGES(4), i), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		assert_borders(epc, i);
		assert_int_equal(epc->sections[i].node, i);
	}
	assert_null(epc_lookup(epc, 3 * GIB + PAGES(16)));
	assert_null(epc_lookup(epc, 3 * GIB + PAGES(24)));
	assert_null(epc_lookup(epc, 3 * GIB + PAGES(64)));
}

/* Whole GiBs in the middle, parts of a GiB at both ends, which others share. */
static void section_larger_than_one_gib(void **state)
{
	struct epc *epc = *state;
	const hpa_t base = 4 * GIB + PAGES(100);
	const uint64_t size = 3 * GIB;

	assert_int_equal(epc_add_section(epc, base, size, 0), 0);
	assert_int_equal(epc_add_section(epc, base + size, PAGES(8), 0), 0);
	assert_int_equal(epc_add_section(epc, 4 * GIB, PAGES(100), 0), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_borders(epc, i);
	for (hpa_t hpa = 5 * GIB; hpa <= 7 * GIB; hpa += GIB) {
		assert_page(epc, hpa, 0);
		assert_page(epc, hpa - SGX_PAGE_SIZE, 0);
	}
	assert_null(epc_lookup(epc, 4 * GIB - PAGES(1)));
	assert_null(epc_lookup(epc, base + size + PAGES(8)));
}

static void section_of_exactly_two_gib_aligned(void **state)
{
	struct epc *epc = *state;

	assert_int_equal(epc_add_section(epc, 6 * GIB, 2 * GIB, 0), 0);
	assert_borders(epc, 0);
	assert_page(epc, 7 * GIB, 0);
	assert_null(epc_lookup(epc, 6 * GIB - PAGES(1)));
	assert_null(epc_lookup(epc, 8 * GIB));
}

static void sections_up_to_the_limit_then_enospc(void **state)
{
	struct epc *epc = *state;

	for (unsigned int i = 0; i < EPC_MAX_SECTIONS; i++)
		assert_int_equal(epc_add_section(epc, GIB + PAGES(2 * i), PAGES(1), i), 0);
	assert_int_equal(epc_add_section(epc, 9 * GIB, PAGES(1), 0), -ENOSPC);
	for (unsigned int i = 0; i < EPC_MAX_SECTIONS; i++) {
		assert_page(epc, GIB + PAGES(2 * i), i);
		assert_null(epc_lookup(epc, GIB + PAGES(2 * i + 1)));
	}
}

/* Resident memory of [@p, @p + @size) in bytes; asks the kernel in pieces. */
static uint64_t resident(void *p, uint64_t size)
{
	static unsigned char map[1 << 18];
	const uint64_t piece = PAGES(sizeof(map));
	uint64_t pages = 0;

	for (uint64_t at = 0; at < size; at += piece) {
		uint64_t len = size - at < piece ? size - at : piece;

		assert_int_equal(mincore((uint8_t *)p + at, len, map), 0);
		for (uint64_t i = 0; i < len / SGX_PAGE_SIZE; i++)
			pages += map[i] & 1;
	}
	return PAGES(pages);
}

static uint64_t process_rss(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long size, rss;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu %llu", &size, &rss), 2);
	fclose(file);
	return rss * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Address space is taken, memory only for the pages that are used. */
static void section_of_512_gib_is_sparse(void **state)
{
	struct epc *epc = *state;
	const uint64_t before = process_rss();

	assert_int_equal(epc_add_section(epc, 512 * GIB, EPC_MAX_SECTION_SIZE, 0), 0);
	assert_borders(epc, 0);
	for (hpa_t hpa = 512 * GIB; hpa < 1024 * GIB; hpa += 8 * GIB)
		*(uint8_t *)epcm_page(epc_lookup(epc, hpa)) = 1;
	/* 64 pages in use, each with a page of entries: 512 KiB, and what a sanitizer adds. */
	assert_in_range(process_rss() - before, 64 * PAGES(2), 4 << 20);
	assert_null(epc_lookup(epc, 512 * GIB - PAGES(1)));
	assert_null(epc_lookup(epc, 1024 * GIB));
}

static void make_pages_valid(struct epc *epc, hpa_t base, unsigned int count, unsigned int step)
{
	for (unsigned int i = 0; i < count; i++) {
		struct epcm_entry *e = epc_lookup(epc, base + PAGES(i));

		memset(epcm_page(e), (int)i + 1, SGX_PAGE_SIZE);
		if (i % step == 0)
			epcm_make_valid(e, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA), 0, NULL);
	}
}

static void discard_keeps_valid_pages(void **state)
{
	struct epc *epc = *state;
	struct epc_section *s = &epc->sections[0];

	assert_int_equal(epc_add_section(epc, GIB, PAGES(256), 0), 0);
	make_pages_valid(epc, GIB, 256, 4);
	assert_int_equal(resident(s->pages, PAGES(256)), PAGES(256));
	assert_int_equal(epc_discard(epc, GIB, PAGES(256)), 192);
	assert_int_equal(resident(s->pages, PAGES(256)), PAGES(64));
	for (unsigned int i = 0; i < 256; i++) {
		struct epcm_entry *e = epc_lookup(epc, GIB + PAGES(i));
		const uint8_t *page = epcm_page(e);

		assert_int_equal(epcm_is_valid(epcm_state(e)), i % 4 == 0);
		assert_int_equal(page[0], i % 4 ? 0 : (uint8_t)(i + 1));
		assert_int_equal(page[4095], i % 4 ? 0 : (uint8_t)(i + 1));
	}
}

/* Nothing valid: contents and entries go, and the pages can be used again. */
static void discard_of_unused_pages_gives_entries_back(void **state)
{
	struct epc *epc = *state;
	struct epc_section *s = &epc->sections[0];
	struct epcm_entry *e;

	assert_int_equal(epc_add_section(epc, GIB, PAGES(256), 0), 0);
	make_pages_valid(epc, GIB, 256, 1);
	for (unsigned int i = 0; i < 256; i++)
		epcm_make_invalid(epc_lookup(epc, GIB + PAGES(i)));
	assert_int_equal(resident(s->epcm, PAGES(4)), PAGES(4));
	assert_int_equal(epc_discard(epc, GIB, PAGES(256)), 256);
	assert_int_equal(resident(s->pages, PAGES(256)), 0);
	assert_int_equal(resident(s->epcm, PAGES(4)), 0);
	e = epc_lookup(epc, GIB + PAGES(9));
	assert_true(is_zero(epcm_page(e), SGX_PAGE_SIZE));
	assert_page(epc, GIB + PAGES(9), 0);
}

/* Entries outside the range share host pages with those inside. */
static void discard_of_part_leaves_neighbours(void **state)
{
	struct epc *epc = *state;
	struct epc_section *s = &epc->sections[0];

	assert_int_equal(epc_add_section(epc, GIB, PAGES(256), 0), 0);
	make_pages_valid(epc, GIB, 256, 256);
	assert_int_equal(epc_discard(epc, GIB + PAGES(10), PAGES(100)), 100);
	assert_int_equal(resident(s->pages, PAGES(256)), PAGES(156));
	assert_true(epcm_is_valid(epcm_state(epc_lookup(epc, GIB))));
	assert_int_equal(*(uint8_t *)epcm_page(epc_lookup(epc, GIB + PAGES(9))), 10);
	assert_int_equal(*(uint8_t *)epcm_page(epc_lookup(epc, GIB + PAGES(10))), 0);
	assert_int_equal(*(uint8_t *)epcm_page(epc_lookup(epc, GIB + PAGES(109))), 0);
	assert_int_equal(*(uint8_t *)epcm_page(epc_lookup(epc, GIB + PAGES(110))), 111);
}

static void discard_outside_sections_does_nothing(void **state)
{
	struct epc *epc = *state;

	assert_int_equal(epc_discard(epc, GIB, PAGES(1)), 0);
	assert_int_equal(epc_add_section(epc, GIB, PAGES(8), 0), 0);
	assert_int_equal(epc_add_section(epc, GIB + PAGES(8), PAGES(8), 0), 0);
	assert_int_equal(epc_discard(epc, GIB + PAGES(6), PAGES(4)), 0);
	assert_int_equal(epc_discard(epc, GIB + PAGES(16), PAGES(1)), 0);
	/* Its end would wrap around. */
	assert_int_equal(epc_discard(epc, GIB, -GIB), 0);
}

/* Without its memory a section leaves nothing behind, also no table, and what was there stays. */
static void add_without_memory_enomem(void **state)
{
	struct epc *epc = *state;
	const hpa_t base = 3 * GIB + PAGES(8);
	const uint64_t last = (base + EPC_MAX_SECTION_SIZE - 1) / GIB;
	struct rlimit before, none;
	int first, second;

	assert_int_equal(epc_add_section(epc, 3 * GIB, PAGES(8), 0), 0);
	/* From here on the host maps nothing more. */
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = before;
	none.rlim_cur = 1;
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	first = epc_add_section(epc, base, EPC_MAX_SECTION_SIZE, 0);
	second = epc_add_section(epc, base + GIB, EPC_MAX_SECTION_SIZE, 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);

	assert_int_equal(first, -ENOMEM);
	assert_int_equal(second, -ENOMEM);
	assert_int_equal(epc->section_count, 1);
	assert_borders(epc, 0);
	assert_null(epc_lookup(epc, base));
	assert_non_null(epc->tables[3]);
	assert_null(epc->tables[4]);
	assert_null(epc->tables[last]);
	assert_null(epc->tables[last + 1]);
	assert_int_equal(epc_add_section(epc, base, PAGES(8), 0), 0);
	assert_borders(epc, 1);
}

static void *look_up_first(void *arg)
{
	struct epc *epc = arg;

	for (unsigned int i = 0; i < 200000; i++)
		if (!epc_lookup(epc, GIB))
			return arg;
	return NULL;
}

/* Sections come while processors run; some share the GiB that is being asked for. */
static void add_while_another_thread_looks_up(void **state)
{
	struct epc *epc = *state;
	pthread_t thread;
	void *failed;

	assert_int_equal(epc_add_section(epc, GIB, PAGES(1), 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, look_up_first, epc), 0);
	for (unsigned int i = 1; i < 100; i++)
		assert_int_equal(epc_add_section(epc, GIB + PAGES(i), PAGES(1), 0), 0);
	pthread_join(thread, &failed);
	assert_null(failed);
	for (unsigned int i = 0; i < 100; i++)
		assert_page(epc, GIB + PAGES(i), i);
}

const struct CMUnitTest epc_tests[] = {
	epc_unit_test(lookup_without_sections_finds_nothing),
	epc_unit_test(lookup_at_borders_of_small_section),
	epc_unit_test(lookup_ignores_offset_in_page),
	epc_unit_test(add_misaligned_or_empty_einval),
	epc_unit_test(add_unaddressable_einval),
	epc_unit_test(add_overlapping_eexist),
	epc_unit_test(many_sections_in_one_gib),
	epc_unit_test(section_larger_than_one_gib),
	epc_unit_test(section_of_exactly_two_gib_aligned),
	epc_unit_test(sections_up_to_the_limit_then_enospc),
	epc_unit_test(section_of_512_gib_is_sparse),
	epc_unit_test(add_without_memory_enomem),
	epc_unit_test(discard_keeps_valid_pages),
	epc_unit_test(discard_of_unused_pages_gives_entries_back),
	epc_unit_test(discard_of_part_leaves_neighbours),
	epc_unit_test(discard_outside_sections_does_nothing),
	epc_unit_test(add_while_another_thread_looks_up),
};
const size_t epc_test_count = ARRAY_SIZE(epc_tests);
