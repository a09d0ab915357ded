// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eld_tests[] = {};
const size_t eld_test_count = ARRAY_SIZE(eld_tests);
