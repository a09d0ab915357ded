// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest access_tests[] = {};
const size_t access_test_count = ARRAY_SIZE(access_tests);
