// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest einit_tests[] = {};
const size_t einit_test_count = ARRAY_SIZE(einit_tests);
