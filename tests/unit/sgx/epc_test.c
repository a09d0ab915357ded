// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest epc_tests[] = {};
const size_t epc_test_count = ARRAY_SIZE(epc_tests);
