/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of several suites. A list X-macro names them, each suite's file defines
 * NAME_tests and NAME_test_count, and main() gives the list to run_suites().
 */
#ifndef EXCLAVE_TESTS_UNIT_SUITES_H
#define EXCLAVE_TESTS_UNIT_SUITES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct suite {
	const char *name;
	const struct CMUnitTest *tests;
	size_t count;
};

#define DECLARE_SUITE(name)                            \
	extern const struct CMUnitTest name##_tests[]; \
	extern const size_t name##_test_count;
#define SUITE(name) {#name, name##_tests, name##_test_count},

/* With arguments: only the suites named. Return: the number of cases that failed. */
int run_suites(const struct suite *suites, size_t count, int argc, char **argv);

#endif
