/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the enclave tests: enclave_main.c runs each line in each debug mode. */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_TESTS_H
#define EXCLAVE_TESTS_UNIT_ENGINE_ENCLAVE_TESTS_H

#include "enclave_fixture.h"

#define ENCLAVE_TEST_SUITES(X) \
	X(enclave_call)        \
	X(enclave_access)      \
	X(enclave_aex)         \
	X(enclave_change)      \
	X(enclave_debug)       \
	X(enclave_encls)

ENCLAVE_TEST_SUITES(DECLARE_SUITE)

#define ENCLAVE_TEST(name) cmocka_unit_test_setup_teardown(name, enclave_setup, enclave_teardown)
#define ENCLAVE_TEST_WITH(setup, name) \
	cmocka_unit_test_setup_teardown(name, setup, enclave_teardown)

#endif
