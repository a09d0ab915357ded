// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest edeccssa_tests[] = {};
const size_t edeccssa_test_count = ARRAY_SIZE(edeccssa_tests);
