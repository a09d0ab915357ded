// SPDX-License-Identifier: GPL-2.0-or-later
/* What two processors gain over one. */
#include "bench_crypto.h"
#include "harness.h"
#include "scaling.h"

#include <pthread.h>
#include <stdio.h>

#define SCALING_PAGES 200

struct worker {
	pthread_t thread;
	pthread_barrier_t *barrier;
	struct world *w;
	unsigned int cpu;
	bool plain; /* SHA-256 instead of leaves */
	uint64_t end;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(worker->barrier);
	for (unsigned int i = 0; i < 10; i++) {
		if (worker->plain)
			peer_sha256_page(NULL, SCALING_PAGES);
		else
			world_add_on_cpu(worker->w, worker->cpu, SCALING_PAGES);
	}
	worker->end = bench_now_ns();
	return NULL;
}

/* The wall time of @threads workers, each with the same amount of work. */
static double wall_time(struct world *w, unsigned int threads, bool plain)
{
	struct worker worker[2];
	pthread_barrier_t barrier;
	uint64_t start, end = 0;

	pthread_barrier_init(&barrier, NULL, threads + 1);
	for (unsigned int i = 0; i < threads; i++) {
		worker[i] = (struct worker){.barrier = &barrier, .w = w, .cpu = i, .plain = plain};
		pthread_create(&worker[i].thread, NULL, work, &worker[i]);
	}
	start = bench_now_ns();
	pthread_barrier_wait(&barrier);
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(worker[i].thread, NULL);
		if (worker[i].end > end)
			end = worker[i].end;
	}
	pthread_barrier_destroy(&barrier);
	return (double)(end - start);
}

bool bench_scaling(struct world *w, double target)
{
	double leaves[BENCH_ROUNDS], plain[BENCH_ROUNDS], quotient[BENCH_ROUNDS];
	double gained, possible, q;

	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		leaves[i] = 2 * wall_time(w, 1, false) / wall_time(w, 2, false);
		plain[i] = 2 * wall_time(w, 1, true) / wall_time(w, 2, true);
		quotient[i] = leaves[i] / plain[i];
	}
	gained = bench_median(leaves, BENCH_ROUNDS);
	possible = bench_median(plain, BENCH_ROUNDS);
	q = bench_median(quotient, BENCH_ROUNDS);
	printf("2 threads, disjoint enclaves: %.2fx of 1; plain SHA-256: %.2fx; quotient %.2f "
	       "(target >= %.2f)  %s\n",
	       gained, possible, q, target, q >= target ? "met" : "MISSED");
	return q >= target;
}
