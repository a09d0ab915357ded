/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One of many threads that are in and out of the same enclave until it is time to stop. */
#ifndef EXCLAVE_GUEST_WORKER_H
#define EXCLAVE_GUEST_WORKER_H

#include "enclave.h"

#include <pthread.h>

/* What all workers of an enclave share. */
struct crowd {
	struct enclave enclave;
	uint64_t pages; /* that the churners share, from the heap's start */
	unsigned int churners;
	unsigned int growers;
	uint64_t end_us;
	pthread_barrier_t all_accepted;
	int stop; /* atomic: somebody has failed */
};

struct worker {
	struct crowd *crowd;
	unsigned int number; /* and TCS: churners first */
	pthread_t thread;
	uint64_t rounds;
	uint64_t writes;
	uint64_t inside;
	int failed;
	char what[200]; /* of one that has failed */
};

/* Visits the pages at random; all churners accept their share of them first. */
void *worker_churn(void *worker);
/* Has pages of its own come, lose and get rights, and go. */
void *worker_grow(void *worker);

/* Return: is each page as it should be, with *writes counting all versions? */
int crowd_audit(struct crowd *crowd, const char *name, uint64_t *writes);

#endif
