// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest egetkey_tests[] = {};
const size_t egetkey_test_count = ARRAY_SIZE(egetkey_tests);
