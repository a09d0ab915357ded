// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest ewb_tests[] = {};
const size_t ewb_test_count = ARRAY_SIZE(ewb_tests);
