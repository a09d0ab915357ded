// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eenter_tests[] = {};
const size_t eenter_test_count = ARRAY_SIZE(eenter_tests);
