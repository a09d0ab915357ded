// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of options: names, words, and values from the environment. */
#include "tests.h"

#include "host/options.h"
#include "host/size.h"
#include "lib/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void rows_differ_in_name_and_variable(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < OPTION_COUNT; i++) {
		assert_memory_equal(option_rows[i].variable, "EXCLAVE_", 8);
		assert_true(strlen(option_rows[i].summary) <= 54);
		for (unsigned int j = 0; j < i; j++) {
			assert_string_not_equal(option_rows[i].name, option_rows[j].name);
			assert_string_not_equal(option_rows[i].variable, option_rows[j].variable);
		}
	}
}

static void word_of_list_is_found(void **state)
{
	const struct option_row *row = &option_rows[OPTION_ENGINE];

	(void)state;
	assert_int_equal(option_word(row, "auto"), 0);
	assert_int_equal(option_word(row, "soft"), 1);
	assert_int_equal(option_word(row, "hardware"), 2);
	assert_int_equal(option_word(row, "har"), -1);
	assert_int_equal(option_word(row, "hardwares"), -1);
	assert_int_equal(option_word(row, ""), -1);
	assert_int_equal(option_word(row, "auto|soft"), -1);
	assert_int_equal(option_word(&option_rows[OPTION_EPC], "SIZE"), -1);
}

static void unknown_word_is_the_first(void **state)
{
	(void)state;
	assert_int_equal(option_choose(OPTION_LAUNCH_CONTROL, NULL), 0);
	assert_int_equal(option_choose(OPTION_LAUNCH_CONTROL, "locked"), 1);
	assert_int_equal(option_choose(OPTION_LAUNCH_CONTROL, "nonsense"), 0);
}

static void empty_variable_is_unset(void **state)
{
	(void)state;
	setenv("EXCLAVE_CODE_CACHE", "8M", 1);
	assert_string_equal(option_get(OPTION_CODE_CACHE), "8M");
	setenv("EXCLAVE_CODE_CACHE", "", 1);
	assert_null(option_get(OPTION_CODE_CACHE));
	unsetenv("EXCLAVE_CODE_CACHE");
	assert_null(option_get(OPTION_CODE_CACHE));
}

static void code_cache_has_bounds(void **state)
{
	static const char *const bad[] = {"",   "0",   "64",  "1023K", "1536K",
					  "2G", "8MB", "-8M", "64T",   "18446744073709551615T"};
	uint64_t size;

	(void)state;
	assert_int_equal(code_cache_parse("1M", &size), 0);
	assert_int_equal(size, 1 << 20);
	assert_int_equal(code_cache_parse("1048576k", &size), 0);
	assert_int_equal(size, 1 << 30);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(code_cache_parse(bad[i], &size), -EINVAL);
}

const struct CMUnitTest options_tests[] = {
	cmocka_unit_test(rows_differ_in_name_and_variable),
	cmocka_unit_test(word_of_list_is_found),
	cmocka_unit_test(unknown_word_is_the_first),
	cmocka_unit_test(empty_variable_is_unset),
	cmocka_unit_test(code_cache_has_bounds),
};
const size_t options_test_count = ARRAY_SIZE(options_tests);
