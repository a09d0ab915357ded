// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eremove_tests[] = {};
const size_t eremove_test_count = ARRAY_SIZE(eremove_tests);
