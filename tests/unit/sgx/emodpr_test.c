// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest emodpr_tests[] = {};
const size_t emodpr_test_count = ARRAY_SIZE(emodpr_tests);
