// SPDX-License-Identifier: GPL-2.0-or-later
#include "suites.h"

#include <stdbool.h>
#include <string.h>

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

int run_suites(const struct suite *suites, size_t count, int argc, char **argv)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++)
		if (is_wanted(suites[i].name, argc, argv))
			failed += _cmocka_run_group_tests(suites[i].name, suites[i].tests,
							  suites[i].count, NULL, NULL);
	return failed;
}
