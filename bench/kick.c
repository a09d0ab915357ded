// SPDX-License-Identifier: GPL-2.0-or-later
/* From a kick to the return of engine_run(), with the guest in a loop. */
#include "engine_bench.h"
#include "harness.h"
#include "latency.h"
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>

#define TARGET_US 20

/* As a VMM does it: immediate_exit, which byte 1 of struct kvm_run is. */
static void kick_guest(struct latency *l)
{
	struct engine_vcpu *v = l->ctx;

	__atomic_store_n(&v->run_page[1], 1, __ATOMIC_SEQ_CST);
	engine_kick(v);
}

static uint64_t wait_in_guest(struct latency *l)
{
	struct engine_vcpu *v = l->ctx;
	enum engine_exit_reason reason = engine_run(v);
	uint64_t now = bench_now_ns();

	if (reason != ENGINE_EXIT_KICK) {
		fprintf(stderr, "the guest left its loop for another reason than a kick\n");
		exit(EXIT_FAILURE);
	}
	__atomic_store_n(&v->run_page[1], 0, __ATOMIC_SEQ_CST);
	return now;
}

static bool kick_loop(struct guest *g, const char *name, kernel_function *loop)
{
	struct latency l = {
		.name = name,
		.kick = kick_guest,
		.wait = wait_in_guest,
		.ctx = g->machine.v,
		.target_us = TARGET_US,
	};

	guest_start(g, loop, g->memory, 0);
	return latency_run(&l);
}

unsigned int bench_kick(struct guest *g)
{
	unsigned int missed = 0;

	missed += !kick_loop(g, "kick of a loop of jumps", path_spin_jump);
	missed += !kick_loop(g, "kick of a loop of returns", path_spin_return);
	latency_run_native();
	return missed;
}
