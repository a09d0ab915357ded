// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest eacceptcopy_tests[] = {};
const size_t eacceptcopy_test_count = ARRAY_SIZE(eacceptcopy_tests);
