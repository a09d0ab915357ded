/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the cases are drawn from: the same seed makes the same ones. */
#ifndef EXCLAVE_TESTS_DIFF_DRAW_H
#define EXCLAVE_TESTS_DIFF_DRAW_H

#include "native.h"

extern uint64_t draw_seed; /* not 0 */

uint64_t draw(void);
uint32_t draw_below(uint32_t end);
/* Small values, the signs' borders in @bits bits and random values are all likely. */
uint64_t draw_value(unsigned int bits);
/* Vector registers; x87 with its initial control word, mostly empty. */
void draw_xstate(struct diff_state *in);

#endif
