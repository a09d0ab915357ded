/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TESTS_UNIT_PRELOAD_TESTS_H
#define EXCLAVE_TESTS_UNIT_PRELOAD_TESTS_H

#include "suites.h"

#define PRELOAD_SUITES(X) \
	X(close)          \
	X(dup)            \
	X(ioctl)          \
	X(names)          \
	X(open)           \
	X(process)        \
	X(sgx)            \
	X(stat)

PRELOAD_SUITES(DECLARE_SUITE)

#endif
