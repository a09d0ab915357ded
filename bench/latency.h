/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long one thread takes to notice another: median and 99th percentile of many tries. */
#ifndef EXCLAVE_BENCH_LATENCY_H
#define EXCLAVE_BENCH_LATENCY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LATENCY_TRIES 1001u

/* All zero but for the caller's part. */
struct latency {
	/* The caller's. */
	const char *name;
	void (*kick)(struct latency *l);     /* on a thread of its own */
	uint64_t (*wait)(struct latency *l); /* Return: bench_now_ns() when the kick was noticed */
	void *ctx;
	double target_us; /* largest good median; 0: none */

	pthread_t waiter;         /* who calls latency_run() */
	_Atomic unsigned int try; /* the one that is waited for */
	uint64_t sent;            /* written before the kick, read behind it */
	double us[LATENCY_TRIES];
};

/* Prints a row. Return: whether the target is met. */
bool latency_run(struct latency *l);
/* The row to compare with: a signal to a native loop. KVM's users kick by signals. Uses SIGUSR1. */
void latency_run_native(void);

#endif
