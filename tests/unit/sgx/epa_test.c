// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest epa_tests[] = {};
const size_t epa_test_count = ARRAY_SIZE(epa_tests);
