// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest ereport_tests[] = {};
const size_t ereport_test_count = ARRAY_SIZE(ereport_tests);
