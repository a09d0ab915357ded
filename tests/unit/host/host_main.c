// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h; with arguments, only those named. */
#include "tests.h"

#include "lib/bits.h"
#include "state_folder.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	const struct suite suites[] = {HOST_TEST_SUITES(SUITE)};

	/* Sixteen pages, of which some cases use all. */
	if (setenv("EXCLAVE_EPC", "0:48K,1:16K", 1))
		return EXIT_FAILURE;
	state_folder_use();
	return run_suites(suites, ARRAY_SIZE(suites), argc, argv) ? EXIT_FAILURE : EXIT_SUCCESS;
}
