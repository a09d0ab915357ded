// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest emodt_tests[] = {};
const size_t emodt_test_count = ARRAY_SIZE(emodt_tests);
