// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest vectors_tests[] = {};
const size_t vectors_test_count = ARRAY_SIZE(vectors_tests);
