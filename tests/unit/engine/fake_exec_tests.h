/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of functions in C: fake_exec_main.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_FAKE_EXEC_TESTS_H
#define EXCLAVE_TESTS_UNIT_ENGINE_FAKE_EXEC_TESTS_H

#include "fake_exec.h"
#include "suites.h"

#define FAKE_EXEC_TEST_SUITES(X) \
	X(string)                \
	X(vector)                \
	X(x87)                   \
	X(xsave)

FAKE_EXEC_TEST_SUITES(DECLARE_SUITE)

#endif
