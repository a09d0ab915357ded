// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eresume_tests[] = {};
const size_t eresume_test_count = ARRAY_SIZE(eresume_tests);
