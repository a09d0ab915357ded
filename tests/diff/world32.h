/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for 16- and 32-bit user code: protected mode with paging, where every
 * exception ends in an interrupt gate whose handler is a HLT, so that the frame
 * on the stack of ring 0 tells what happened.
 */
#ifndef EXCLAVE_TESTS_DIFF_WORLD32_H
#define EXCLAVE_TESTS_DIFF_WORLD32_H

#include "native.h"

/* Where the guest's system is, which the code under test must not find. */
#define WORLD32_SYSTEM UINT32_C(0x11230000)

struct world32;

/* @debug: ENGINE_DEBUG_*. Return: NULL when out of memory. */
struct world32 *world32_new(uint32_t debug);
void world32_free(struct world32 *w);
/* The guest's DIFF_DATA. */
uint8_t *world32_data(struct world32 *w);
/* Runs @shared->code as native_run() does, with the segments of @shared->ldt. */
void world32_run(struct world32 *w, const struct diff_shared *shared, struct diff_state *out);

#endif
