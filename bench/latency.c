// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "latency.h"

#include "harness.h"

#include <sched.h>
#include <signal.h>
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

static _Atomic uint64_t signal_time;

static void note_time(int signal)
{
	atomic_store(&signal_time, bench_now_ns());
}

static void kick_thread(struct latency *l)
{
	pthread_kill(l->waiter, SIGUSR1);
}

static uint64_t wait_natively(struct latency *l)
{
	uint64_t now;

	while (!(now = atomic_exchange(&signal_time, 0)))
		;
	return now;
}

void latency_run_native(void)
{
	const struct sigaction mine = {.sa_handler = note_time};
	struct latency l = {
		.name = "signal to a native loop",
		.kick = kick_thread,
		.wait = wait_natively,
	};
	struct sigaction before;

	sigaction(SIGUSR1, &mine, &before);
	latency_run(&l);
	sigaction(SIGUSR1, &before, NULL);
}
