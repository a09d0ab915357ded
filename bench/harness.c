// SPDX-License-Identifier: GPL-2.0-or-later
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t bench_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

uint64_t bench_time(void (*work)(void *ctx, unsigned int iterations), void *ctx,
		    unsigned int iterations)
{
	uint64_t start = bench_now_ns();

	work(ctx, iterations);
	return bench_now_ns() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static double time_of(bench_function *run, const struct bench_pair *pair)
{
	return (double)run(pair->ctx, pair->iterations) / pair->iterations;
}

void bench_print_header(void)
{
	printf("%-34s %10s  %-34s %10s %7s %7s\n", "case", "ns", "peer", "ns", "ratio", "target");
}

/* What the rounds of a pair come to. */
struct medians {
	double subject_ns;
	double peer_ns;
	double ratio;
};

static struct medians measure(const struct bench_pair *pair)
{
	double subject[BENCH_ROUNDS], peer[BENCH_ROUNDS], ratio[BENCH_ROUNDS];

	/* The first round would pay for page faults and cold caches. */
	time_of(pair->subject, pair);
	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		subject[i] = time_of(pair->subject, pair);
		peer[i] = pair->peer ? time_of(pair->peer, pair) : 1;
		ratio[i] = subject[i] / peer[i];
	}
	return (struct medians){
		.subject_ns = bench_median(subject, BENCH_ROUNDS),
		.peer_ns = bench_median(peer, BENCH_ROUNDS),
		.ratio = bench_median(ratio, BENCH_ROUNDS),
	};
}

static bool is_good(const struct bench_pair *pair, const struct medians *m)
{
	return (!pair->target || m->ratio <= pair->target) &&
	       (!pair->target_ns || m->subject_ns <= pair->target_ns);
}

static void print_row(const struct bench_pair *pair, const struct medians *m)
{
	printf("%-34s %10.1f", pair->name, m->subject_ns);
	if (pair->peer)
		printf("  %-34s %10.1f %6.2fx", pair->peer_name, m->peer_ns, m->ratio);
	if (pair->target)
		printf(" %6.2fx", pair->target);
	else if (pair->target_ns)
		printf(" %4.0f ns", pair->target_ns);
	if (pair->target || pair->target_ns)
		printf("  %s", is_good(pair, m) ? "met" : "MISSED");
	printf("\n");
	/* A long run shows what it has. */
	fflush(stdout);
}

bool bench_run(const struct bench_pair *pair)
{
	const struct medians m = measure(pair);

	print_row(pair, &m);
	return is_good(pair, &m);
}
