/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions a differential test has compared, and which it has met and left out. */
#ifndef EXCLAVE_TESTS_DIFF_COVERAGE_H
#define EXCLAVE_TESTS_DIFF_COVERAGE_H

#include "engine/insn.h"

struct coverage {
	uint32_t compared[4096 / 32];  /* by mnemonic */
	uint32_t not_aimed[4096 / 32]; /* relocated, but its operand could not be pointed at data */
	uint32_t in_c[4096 / 32];      /* functions in C, which have tests of their own */
};

void coverage_compared(struct coverage *c, const struct insn *insn);
/* Met by the generator, which made no case of it. */
void coverage_left_out(struct coverage *c, const struct insn *insn);
/* Prints how many were compared and the names of those that never were, with the reason. */
void coverage_print(const struct coverage *c);

#endif
