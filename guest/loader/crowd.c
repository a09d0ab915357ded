// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many threads in one enclave, whose pages the kernel takes away and brings back when there are more
 * than EPC.
 *
 *   guest-crowd NAME IMAGE SECONDS PAGES CHURNERS GROWERS
 *
 * CHURNERS threads visit PAGES pages at random, GROWERS threads have pages of their own come and go.
 * Check NAME says what has come of it.
 */
#include "demo.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS_MAX 16

static int load(struct crowd *crowd, const char *name, const char *path)
{
	const struct enclave_options plain = {0, -1};
	const char *stage;
	int ret = enclave_load(&crowd->enclave, path, &plain, &stage);

	if (ret)
		fail(name, "%s: %s: %s", path, stage, strerror(-ret));
	return ret == 0;
}

static void start(struct crowd *crowd, struct worker *workers, unsigned int count)
{
	pthread_barrier_init(&crowd->all_accepted, NULL, crowd->churners + 1);
	for (unsigned int i = 0; i < count; i++) {
		workers[i] = (struct worker){.crowd = crowd, .number = i};
		if (pthread_create(&workers[i].thread, NULL,
				   i < crowd->churners ? worker_churn : worker_grow, &workers[i])) {
			fputs("guest-crowd: no thread\n", stderr);
			exit(1);
		}
	}
	pthread_barrier_wait(&crowd->all_accepted);
	/* For who wants to disturb it. */
	puts("EXCLAVE-MARK: churning");
	fflush(stdout);
}

static void judge(struct crowd *crowd, const char *name, const struct worker *workers,
		  unsigned int count)
{
	uint64_t writes = 0, entries = 0, rounds = 0, inside = 0, versions;
	int failed = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct worker *w = &workers[i];

		if (w->failed)
			fail(name, "thread %u: %s", i, w->what);
		failed |= w->failed;
		writes += w->writes;
		inside = w->inside > inside ? w->inside : inside;
		*(i < crowd->churners ? &entries : &rounds) += w->rounds;
	}
	if (failed || !crowd_audit(crowd, name, &versions))
		return;
	if (versions != writes)
		fail(name, "%lu writes are left of %lu", versions, writes);
	else if (!writes || (crowd->growers && !rounds))
		fail(name, "%lu writes, %lu rounds of SGX2", writes, rounds);
	else
		pass(name, "%lu calls, %lu writes, %lu threads at once, %lu rounds of SGX2",
		     entries, writes, inside, rounds);
}

int main(int argc, char **argv)
{
	static struct worker workers[WORKERS_MAX];
	static struct crowd crowd;
	unsigned int count;

	if (argc != 7) {
		fputs("usage: guest-crowd NAME IMAGE SECONDS PAGES CHURNERS GROWERS\n", stderr);
		return 2;
	}
	crowd.pages = strtoul(argv[4], NULL, 0);
	crowd.churners = (unsigned int)strtoul(argv[5], NULL, 0);
	crowd.growers = (unsigned int)strtoul(argv[6], NULL, 0);
	count = crowd.churners + crowd.growers;
	if (!load(&crowd, argv[1], argv[2]))
		return 1;
	if (count > WORKERS_MAX || count > crowd.enclave.image->tcs_count || !crowd.churners) {
		fail(argv[1], "%u threads", count);
		return 1;
	}
	crowd.end_us = now_us() + strtoul(argv[3], NULL, 0) * 1000000;
	start(&crowd, workers, count);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	judge(&crowd, argv[1], workers, count);
	enclave_unload(&crowd.enclave);
	return any_failed();
}
