// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdlib.h>

#include "lib/bits.h"
#include "state_folder.h"
#include "tests.h"

int main(int argc, char **argv)
{
	const struct suite suites[] = {PRELOAD_SUITES(SUITE)};

	preload_self(&argc, argv);
	state_folder_use();
	if (setenv("EXCLAVE_EPC", "64M", 1))
		return 1;
	return run_suites(suites, ARRAY_SIZE(suites), argc, argv);
}
