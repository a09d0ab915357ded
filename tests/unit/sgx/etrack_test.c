// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest etrack_tests[] = {};
const size_t etrack_test_count = ARRAY_SIZE(etrack_tests);
