// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest track_tests[] = {};
const size_t track_test_count = ARRAY_SIZE(track_tests);
