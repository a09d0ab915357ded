// SPDX-License-Identifier: GPL-2.0-or-later
/* As many threads inside at once as there are TCS pages, on as many processors as there are. */
#define _GNU_SOURCE
#include "demo.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/sysinfo.h>

#define THREADS_MAX 8
#define ROUNDS      200000

struct visitor {
	pthread_t thread;
	const struct enclave *enclave;
	unsigned int tcs;
	int ret;
	int processor; /* that it was on when it came out */
	struct call_frame frame;
};

/* Each on a processor of its own, as far as there are that many. */
static void stay_on(unsigned int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *visit(void *argument)
{
	struct visitor *v = argument;
	struct sgx_enclave_run run;

	stay_on(v->tcs % (unsigned int)get_nprocs());
	v->ret = enclave_call(v->enclave, v->tcs, &v->frame, &run);
	v->processor = sched_getcpu();
	return NULL;
}

static void judge(const struct visitor *visitors, unsigned int count)
{
	uint64_t total = 0, most = 0, processors = 0;
	unsigned int wanted =
		(unsigned int)get_nprocs() < count ? (unsigned int)get_nprocs() : count;

	for (unsigned int i = 0; i < count; i++) {
		const struct visitor *v = &visitors[i];

		if (v->ret || v->frame.status != CALL_DONE) {
			fail("threads", "thread %u: return %d, status %lu", i, v->ret,
			     v->frame.status);
			return;
		}
		total = v->frame.meet.total > total ? v->frame.meet.total : total;
		most = v->frame.meet.most > most ? v->frame.meet.most : most;
		processors |= UINT64_C(1) << (v->processor % 64);
	}
	if (total == (uint64_t)count * ROUNDS && most == count &&
	    __builtin_popcountll(processors) == (int)wanted)
		pass("threads", "%lu inside at once on %u processors, counted to %lu", most, wanted,
		     total);
	else
		fail("threads", "%lu inside at once on processors %#lx, counted to %lu", most,
		     processors, total);
}

void step_threads(struct demo *d)
{
	unsigned int count = (unsigned int)d->alice.image->tcs_count;
	struct visitor visitors[THREADS_MAX];

	for (unsigned int i = 0; i < count; i++) {
		visitors[i] = (struct visitor){
			.enclave = &d->alice,
			.tcs = i,
			.frame = {.call = CALL_MEET, .meet = {.threads = count, .rounds = ROUNDS}},
		};
		if (pthread_create(&visitors[i].thread, NULL, visit, &visitors[i])) {
			fail("threads", "no thread %u", i);
			return;
		}
	}
	for (unsigned int i = 0; i < count; i++)
		pthread_join(visitors[i].thread, NULL);
	judge(visitors, count);
}
