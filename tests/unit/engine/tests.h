/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of instructions in C: exec_test.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_ENGINE_TESTS_H
#define EXCLAVE_TESTS_UNIT_ENGINE_TESTS_H

#include "exec_fixture.h"
#include "suites.h"

#define EXEC_TEST_SUITES(X) \
	X(exec_accumulator) \
	X(exec_branch)      \
	X(exec_cache)       \
	X(exec_control)     \
	X(exec_enclave)     \
	X(exec_flags)       \
	X(exec_io)          \
	X(exec_io_string)   \
	X(exec_msr)         \
	X(exec_segment)     \
	X(exec_stack)       \
	X(exec_table)       \
	X(exec_transfer)    \
	X(exec_dispatch)    \
	X(operand)

EXEC_TEST_SUITES(DECLARE_SUITE)

#endif
