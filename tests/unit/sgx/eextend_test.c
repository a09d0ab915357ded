// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eextend_tests[] = {};
const size_t eextend_test_count = ARRAY_SIZE(eextend_tests);
