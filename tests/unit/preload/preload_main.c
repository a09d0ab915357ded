// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"
#include "lib/bits.h"
#include "tests.h"

int main(int argc, char **argv)
{
	const struct suite suites[] = {PRELOAD_SUITES(SUITE)};

	preload_self(&argc, argv);
	return run_suites(suites, ARRAY_SIZE(suites), argc, argv);
}
