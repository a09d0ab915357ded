// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eblock_tests[] = {};
const size_t eblock_test_count = ARRAY_SIZE(eblock_tests);
