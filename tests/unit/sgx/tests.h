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
	X(watch_race)      \
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
	X(host)            \
	X(vectors)         \
	X(lifecycle)       \
	X(life_paging)     \
	X(life_track)      \
	X(life_sgx2)       \
	X(life_selftest)   \
	X(life_destroy)    \
	X(life_seal)

SGX_TEST_SUITES(DECLARE_SUITE)

#endif
