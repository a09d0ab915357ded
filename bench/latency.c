// SPDX-License-Identifier: GPL-2.0-or-later
#include "latency.h"

#include "harness.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Between tries the waiter has time to get into its loop, at another place each time. */
static void pause_before(unsigned int try)
{
	const struct timespec t = {.tv_nsec = 50000 + (long)(try % 64) * 500};

	nanosleep(&t, NULL);
}

static void *send_kicks(void *opaque)
{
	struct latency *l = opaque;

	for (unsigned int i = 1; i <= LATENCY_TRIES; i++) {
		while (atomic_load(&l->try) < i)
			sched_yield();
		pause_before(i);
		l->sent = bench_now_ns();
		l->kick(l);
	}
	return NULL;
}

static void measure(struct latency *l)
{
	pthread_t sender;

	l->waiter = pthread_self();
	if (pthread_create(&sender, NULL, send_kicks, l)) {
		fprintf(stderr, "%s: no thread to kick from\n", l->name);
		exit(EXIT_FAILURE);
	}
	for (unsigned int i = 0; i < LATENCY_TRIES; i++) {
		atomic_store(&l->try, i + 1);
		l->us[i] = (double)(l->wait(l) - l->sent) / 1000;
	}
	pthread_join(sender, NULL);
}

bool latency_run(struct latency *l)
{
	double median;

	measure(l);
	median = bench_median(l->us, LATENCY_TRIES);
	printf("%-34s median %6.1f us  99th percentile %8.1f us", l->name, median,
	       l->us[LATENCY_TRIES * 99 / 100]);
	if (l->target_us)
		printf("  target %.0f us  %s", l->target_us,
		       median <= l->target_us ? "met" : "MISSED");
	printf("\n");
	fflush(stdout);
	return !l->target_us || median <= l->target_us;
}
