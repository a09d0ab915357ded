// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h; with arguments, only those named. */
#include "tests.h"

#include "lib/bits.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	const struct suite suites[] = {TOOLS_TEST_SUITES(SUITE)};

	return run_suites(suites, ARRAY_SIZE(suites), argc, argv) ? EXIT_FAILURE : EXIT_SUCCESS;
}
