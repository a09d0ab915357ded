/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What modes_test.c and its generator of cases share. */
#ifndef EXCLAVE_TESTS_DIFF_MODES_H
#define EXCLAVE_TESTS_DIFF_MODES_H

#include "coverage.h"
#include "world32.h"

#define ARITHMETIC 0x8d5

/* The segments of a case. */
struct config {
	const char *name;
	uint16_t cs, ss, ds, es;
	uint8_t code_size;
};

struct modes {
	struct native *native;
	struct diff_shared *shared;
	struct world32 *world;
	const struct config *config;
	uint64_t cases, different;
	bool is_vector;      /* an operand that may have to be aligned */
	unsigned int length; /* of what is tested, from in.rip */
	uint32_t offset;     /* in the code page */
	struct coverage coverage;
	uint64_t ended[32]; /* by each vector */
};

extern struct modes diff;
extern const struct diff_segment modes_segments[DIFF_LDT_SEGMENTS];

/* A case into shared->code, data and in: one instruction, or up to fourteen with branches. */
void generate(bool is_sequence);

#endif
