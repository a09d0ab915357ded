// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h; with arguments, only those named. */
#include "tests.h"

#include "lib/bits.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	const struct suite suites[] = {IRQCHIP_TEST_SUITES(SUITE)};
	int failed = run_suites(suites, ARRAY_SIZE(suites), argc, argv);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
