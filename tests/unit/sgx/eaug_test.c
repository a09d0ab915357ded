// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eaug_tests[] = {};
const size_t eaug_test_count = ARRAY_SIZE(eaug_tests);
