// SPDX-License-Identifier: GPL-2.0-or-later
/* Which name a misspelt one may have meant. */
#include "tests.h"

#include "lib/bits.h"
#include "tools/nearest.h"

#include <string.h>

static const char *nearest_of(const char *wrong)
{
	static const char *const names[] = {"engine", "epc-pool", "log", "launch-control"};
	struct nearest nearest;

	nearest_start(&nearest, wrong, strlen(wrong));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		nearest_offer(&nearest, names[i]);
	return nearest.name;
}

static void few_wrong_letters_are_forgiven(void **state)
{
	static const char *const rows[][2] = {
		{"engin", "engine"},
		{"enigne", "engine"},
		{"ecp-pool", "epc-pool"},
		{"epcpool", "epc-pool"},
		{"lgo", "log"},
		{"launch", "launch-control"},
		{"launch_contrl", "launch-control"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(nearest_of(rows[i][0]), rows[i][1]);
}

static void another_word_has_none(void **state)
{
	static const char *const words[] = {
		"", "x", "xyz", "nonesuch", "smp", "a-very-long-word-that-is-longer-than-any-name",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_null(nearest_of(words[i]));
}

const struct CMUnitTest nearest_tests[] = {
	cmocka_unit_test(few_wrong_letters_are_forgiven),
	cmocka_unit_test(another_word_has_none),
};
const size_t nearest_test_count = ARRAY_SIZE(nearest_tests);
