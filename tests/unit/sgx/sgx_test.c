// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h, then asks whether they have met every check. */
#include "tests.h"

#include <stdio.h>
#include <stdlib.h>

static void leaves_every_check_has_refused(void **state)
{
	assert_int_equal(checks_never_refused(), 0);
}

static const struct CMUnitTest completeness_tests[] = {
	cmocka_unit_test(leaves_every_check_has_refused),
};

int main(int argc, char **argv)
{
	const struct suite suites[] = {SGX_TEST_SUITES(SUITE)};
	int failed = run_suites(suites, ARRAY_SIZE(suites), argc, argv);

	if (argc == 1)
		failed += cmocka_run_group_tests(completeness_tests, NULL, NULL);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
