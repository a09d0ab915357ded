/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of exclave(1): tools_main.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_TOOLS_TESTS_H
#define EXCLAVE_TESTS_UNIT_TOOLS_TESTS_H

#include "suites.h"

#define TOOLS_TEST_SUITES(X) \
	X(nearest)           \
	X(processor)         \
	X(qemu_line)

TOOLS_TEST_SUITES(DECLARE_SUITE)

#endif
