// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/leaf.h"

void sgx_aex(struct sgx_cpu *cpu, struct sgx_event *event)
{
}
