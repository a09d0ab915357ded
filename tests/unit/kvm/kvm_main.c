// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the suites of tests.h; with arguments, only those named. */
#include "tests.h"

#include "lib/bits.h"
#include "state_folder.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
	const struct suite suites[] = {KVM_TEST_SUITES(SUITE)};
	int failed;

	/* A page of EPC for each enclave of the tests, and one more. */
	if (setenv("EXCLAVE_EPC", "64K", 1))
		return EXIT_FAILURE;
	state_folder_use();
	failed = run_suites(suites, ARRAY_SIZE(suites), argc, argv);

	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
