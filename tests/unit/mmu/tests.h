/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suites of the MMU unit tests: mmu_main.c runs each line of this list. */
#ifndef EXCLAVE_TESTS_UNIT_MMU_TESTS_H
#define EXCLAVE_TESTS_UNIT_MMU_TESTS_H

#include "fixture.h"
#include "suites.h"

#define MMU_TEST_SUITES(X) \
	X(guest_access)    \
	X(memslot)         \
	X(walk)            \
	X(table)           \
	X(page)            \
	X(copy)            \
	X(race)

MMU_TEST_SUITES(DECLARE_SUITE)

#endif
