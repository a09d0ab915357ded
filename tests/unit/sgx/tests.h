/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the SGX unit tests: sgx_test.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_SGX_TESTS_H
#define EXCLAVE_TESTS_UNIT_SGX_TESTS_H

#include "fixture.h"
#include "suites.h"

#define SGX_TEST_SUITES(X) \
	X(gate)            \
	X(operand)         \
	X(access)          \
	X(epc)             \
	X(track)           \
	X(ecreate)         \
	X(eadd)            \
	X(eextend)         \
	X(einit)           \
	X(launch)          \
	X(eremove)         \
	X(edbg)            \
	X(epa)             \
	X(eblock)          \
	X(etrack)          \
	X(ewb)             \
	X(ewb_meanwhile)   \
	X(eld)             \
	X(paging)          \
	X(eaug)            \
	X(emodpr)          \
	X(emodt)           \
	X(ereport)         \
	X(egetkey)         \
	X(key)             \
	X(entry)           \
	X(eenter)          \
	X(eresume)         \
	X(eexit)           \
	X(edeccssa)        \
	X(aex)             \
	X(eaccept)         \
	X(eaccept_race)    \
	X(emodpe)          \
	X(eacceptcopy)     \
	X(vectors)         \
	X(lifecycle)

SGX_TEST_SUITES(DECLARE_SUITE)

#endif
