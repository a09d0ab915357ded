/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the SGX unit tests: sgx_test.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_SGX_TESTS_H
#define EXCLAVE_TESTS_UNIT_SGX_TESTS_H

#include "fixture.h"

#define SGX_TEST_SUITES(X) \
	X(ecreate)         \
	X(egetkey)         \
	X(einit)           \
	X(ereport)         \
	X(key)             \
	X(launch)          \
	X(vectors)

#define DECLARE_SUITE(name)                            \
	extern const struct CMUnitTest name##_tests[]; \
	extern const size_t name##_test_count;
SGX_TEST_SUITES(DECLARE_SUITE)
#undef DECLARE_SUITE

#endif
