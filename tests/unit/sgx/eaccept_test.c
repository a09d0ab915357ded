// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eaccept_tests[] = {};
const size_t eaccept_test_count = ARRAY_SIZE(eaccept_tests);
