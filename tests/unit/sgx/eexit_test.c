// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eexit_tests[] = {};
const size_t eexit_test_count = ARRAY_SIZE(eexit_tests);
