// SPDX-License-Identifier: GPL-2.0-or-later
#include "scaling.h"

#include "bench_crypto.h"
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS       2
#define SCALING_PAGES 200
#define REPETITIONS   10 /* so that starting and ending together hardly counts */

/* What all workers of a round share. */
struct job {
	pthread_barrier_t barrier;
	struct world *w; /* NULL: SHA-256 instead of leaves */
};

struct worker {
	pthread_t thread;
	struct job *job;
	unsigned int cpu;
	uint64_t end;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct world *w = worker->job->w;

	pthread_barrier_wait(&worker->job->barrier);
	for (unsigned int i = 0; i < REPETITIONS; i++) {
		if (w)
			world_add_on_cpu(w, worker->cpu, SCALING_PAGES);
		else
			peer_sha256_page(NULL, SCALING_PAGES);
	}
	worker->end = bench_now_ns();
	return NULL;
}

static void start(struct worker *worker, struct job *job, unsigned int cpu)
{
	*worker = (struct worker){.job = job, .cpu = cpu};
	/* The others would wait for this one forever. */
	if (pthread_create(&worker->thread, NULL, work, worker)) {
		fprintf(stderr, "sgx-bench: no thread for processor %u\n", cpu);
		exit(EXIT_FAILURE);
	}
}

/* The wall time of @threads workers, each with the same amount of work. */
static double wall_time(struct world *w, unsigned int threads)
{
	struct job job = {.w = w};
	struct worker worker[THREADS];
	uint64_t begin, end = 0;

	pthread_barrier_init(&job.barrier, NULL, threads + 1);
	for (unsigned int i = 0; i < threads; i++)
		start(&worker[i], &job, i);
	begin = bench_now_ns();
	pthread_barrier_wait(&job.barrier);
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(worker[i].thread, NULL);
		if (worker[i].end > end)
			end = worker[i].end;
	}
	pthread_barrier_destroy(&job.barrier);
	return (double)(end - begin);
}

static double gain(struct world *w)
{
	return THREADS * wall_time(w, 1) / wall_time(w, THREADS);
}

bool bench_scaling(struct world *w, double target)
{
	double leaves[BENCH_ROUNDS], plain[BENCH_ROUNDS], quotient[BENCH_ROUNDS];
	double q;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		leaves[i] = gain(w);
		plain[i] = gain(NULL);
		quotient[i] = leaves[i] / plain[i];
	}
	q = bench_median(quotient, BENCH_ROUNDS);
	printf("%u threads, disjoint enclaves: %.2fx of 1; plain SHA-256: %.2fx; quotient %.2f "
	       "(target >= %.2f)  %s\n",
	       THREADS, bench_median(leaves, BENCH_ROUNDS), bench_median(plain, BENCH_ROUNDS), q,
	       target, q >= target ? "met" : "MISSED");
	return q >= target;
}
