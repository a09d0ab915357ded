/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measuring two things side by side. Absolute times on a shared machine mean
 * little, so every case is compared with a peer that does the unavoidable part
 * of the work: both run in turn, round by round, and the ratio is the median of
 * the rounds' ratios.
 */
#ifndef EXCLAVE_BENCH_HARNESS_H
#define EXCLAVE_BENCH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

/* Does its work @iterations times; Return: the nanoseconds that the work itself took. */
typedef uint64_t bench_function(void *ctx, unsigned int iterations);

struct bench_pair {
	const char *name;
	bench_function *subject;
	const char *peer_name; /* NULL: the subject's time alone is reported */
	bench_function *peer;
	void *ctx;
	unsigned int iterations; /* in a round */
	double target;           /* largest good ratio; 0: none */
	double target_ns;        /* largest good time; 0: none */
};

#define BENCH_ROUNDS 31

void bench_print_header(void);
/* Return: whether the targets are met. */
bool bench_run(const struct bench_pair *pair);

/* For bench_functions, which prepare and clean up around it. Return: the time of @work. */
uint64_t bench_time(void (*work)(void *ctx, unsigned int iterations), void *ctx,
		    unsigned int iterations);

/* Monotonic, not slewed. */
uint64_t bench_now_ns(void);
/* Processor time of this thread: for rounds of a millisecond and more. */
uint64_t bench_cpu_ns(void);
/* Sorts @values. */
double bench_median(double *values, unsigned int count);

#endif
