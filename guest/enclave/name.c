// SPDX-License-Identifier: GPL-2.0-or-later
/* The one difference between the two enclaves, and so between their measurements. */
#include "layout.h"

const char enclave_name[] __attribute__((used)) = ENCLAVE_NAME;
