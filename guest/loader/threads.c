// SPDX-License-Identifier: GPL-2.0-or-later
/* As many threads inside at once as there are TCS pages. */
#include "demo.h"

#include <pthread.h>
#include <string.h>

#define THREADS_MAX 8
#define ROUNDS      200000

struct visitor {
	pthread_t thread;
	const struct enclave *enclave;
	unsigned int tcs;
	int ret;
	struct call_frame frame;
};

static void *visit(void *argument)
{
	struct visitor *v = argument;
	struct sgx_enclave_run run;

	v->ret = enclave_call(v->enclave, v->tcs, &v->frame, &run);
	return NULL;
}

static void judge(const struct visitor *visitors, unsigned int count)
{
	uint64_t total = 0, most = 0;

	for (unsigned int i = 0; i < count; i++) {
		const struct visitor *v = &visitors[i];

		if (v->ret || v->frame.status != CALL_DONE) {
			fail("threads", "thread %u: return %d, status %lu", i, v->ret,
			     v->frame.status);
			return;
		}
		total = v->frame.meet.total > total ? v->frame.meet.total : total;
		most = v->frame.meet.most > most ? v->frame.meet.most : most;
	}
	if (total == (uint64_t)count * ROUNDS && most == count)
		pass("threads", "%lu inside at once, counted to %lu together", most, total);
	else
		fail("threads", "%lu inside at once, counted to %lu", most, total);
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
