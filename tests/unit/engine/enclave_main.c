// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave_tests.h"

int main(int argc, char **argv)
{
	static const uint32_t modes[] = {0, ENGINE_DEBUG_SINGLE, ENGINE_DEBUG_NO_CHAIN};
	const struct suite suites[] = {ENCLAVE_TEST_SUITES(SUITE)};
	int failed = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(modes); i++) {
		fixture_debug = modes[i];
		failed += run_suites(suites, ARRAY_SIZE(suites), argc, argv);
	}
	return failed;
}
