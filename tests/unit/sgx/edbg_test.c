// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest edbg_tests[] = {};
const size_t edbg_test_count = ARRAY_SIZE(edbg_tests);
