// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests.h"

const struct CMUnitTest gate_tests[] = {};
const size_t gate_test_count = ARRAY_SIZE(gate_tests);
