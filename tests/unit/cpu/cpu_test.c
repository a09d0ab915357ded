// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h; with arguments, only the suites named. */
#include "tests.h"

#include <stdlib.h>

/* Private to cmocka's own macro, which wants an array where we have a pointer. */
extern int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	int failed = 0;

#define RUN_SUITE(name)                                                                         \
	if (is_wanted(#name, argc, argv))                                                       \
		failed += _cmocka_run_group_tests(#name, name##_tests, name##_test_count, NULL, \
						  NULL);
	CPU_TEST_SUITES(RUN_SUITE)
#undef RUN_SUITE
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
