/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the processor's unit tests: cpu_test.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_CPU_TESTS_H
#define EXCLAVE_TESTS_UNIT_CPU_TESTS_H

#include "fixture.h"
#include "suites.h"

#define CPU_TEST_SUITES(X) \
	X(control)         \
	X(cpuid)           \
	X(debug)           \
	X(event)           \
	X(event_fault)     \
	X(far)             \
	X(flags)           \
	X(io)              \
	X(iret)            \
	X(msr)             \
	X(reset)           \
	X(segment)         \
	X(syscall)         \
	X(table)           \
	X(verify)

CPU_TEST_SUITES(DECLARE_SUITE)

#endif
