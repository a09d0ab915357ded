// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest lifecycle_tests[] = {};
const size_t lifecycle_test_count = ARRAY_SIZE(lifecycle_tests);
