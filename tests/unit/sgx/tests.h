/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the SGX unit tests: sgx_test.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_SGX_TESTS_H
#define EXCLAVE_TESTS_UNIT_SGX_TESTS_H

#include "fixture.h"

#define SGX_TEST_SUITES(X) \
	X(access)          \
	X(eaccept)         \
	X(eaccept_race)    \
	X(eacceptcopy)     \
	X(eadd)            \
	X(eaug)            \
	X(ecreate)         \
	X(edbg)            \
	X(eextend)         \
	X(emodpe)          \
	X(emodpr)          \
	X(emodt)           \
	X(gate)            \
	X(operand)

#define DECLARE_SUITE(name)                            \
	extern const struct CMUnitTest name##_tests[]; \
	extern const size_t name##_test_count;
SGX_TEST_SUITES(DECLARE_SUITE)
#undef DECLARE_SUITE

#endif
