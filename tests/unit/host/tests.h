/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the host's SGX core: host_main.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_HOST_TESTS_H
#define EXCLAVE_TESTS_UNIT_HOST_TESTS_H

#include "suites.h"

#define HOST_TEST_SUITES(X) \
	X(config)           \
	X(options)          \
	X(page_ranges)      \
	X(epc_pool)         \
	X(vepc)             \
	X(vepc_release)     \
	X(provision)

HOST_TEST_SUITES(DECLARE_SUITE)

#endif
