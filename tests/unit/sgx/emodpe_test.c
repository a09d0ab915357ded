// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest emodpe_tests[] = {};
const size_t emodpe_test_count = ARRAY_SIZE(emodpe_tests);
