// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest aex_tests[] = {};
const size_t aex_test_count = ARRAY_SIZE(aex_tests);
