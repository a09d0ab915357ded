// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/leaf.h"

struct leaf_result sgx_egetkey(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return leaf_gp();
}
