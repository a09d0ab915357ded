// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eadd_tests[] = {};
const size_t eadd_test_count = ARRAY_SIZE(eadd_tests);
