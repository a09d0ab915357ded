// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Signals at a high rate while the enclave computes. Each takes it out by an asynchronous exit:
 * the handler then finds itself above the vDSO, which is about to do ERESUME.
 */
#define _GNU_SOURCE
#include "demo.h"

#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>

#define STORM_EXITS 1000
/* A signal may come before ERESUME has gone back in, and be no exit of its own. */
#define STORM_INSIDE (STORM_EXITS / 10)
#define STORM_US     500
#define STORM_END_US 20000000

static volatile uint32_t stop;
static volatile uint32_t exits_seen;
static uint64_t storm_began;

static void on_alarm(int signal, siginfo_t *info, void *context)
{
	const greg_t *regs = ((const ucontext_t *)context)->uc_mcontext.gregs;

	if (regs[REG_RAX] == ERESUME && vdso_holds((uint64_t)regs[REG_RIP]))
		exits_seen++;
	if (exits_seen >= STORM_EXITS || now_us() - storm_began > STORM_END_US)
		stop = 1;
}

static void set_timer(long us)
{
	struct itimerval timer = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &timer, NULL);
}

static uint64_t compute_again(uint64_t rounds)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < rounds; i++)
		sum = storm_round(sum, i);
	return sum;
}

void step_storm(struct demo *d)
{
	struct sigaction action = {.sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct call_frame f = {.call = CALL_STORM, .storm = {.stop = (uint64_t)&stop}};
	int done;

	sigaction(SIGALRM, &action, NULL);
	storm_began = now_us();
	set_timer(STORM_US);
	done = must_call("storm", &d->alice, &f);
	set_timer(0);
	if (!done)
		return;
	if (f.storm.checksum != compute_again(f.storm.rounds))
		fail("storm", "%#lx after %lu rounds is wrong", f.storm.checksum, f.storm.rounds);
	else if (exits_seen < STORM_EXITS || f.storm.exits < STORM_INSIDE)
		fail("storm", "%u signals found it inside, it saw %lu exits", exits_seen,
		     f.storm.exits);
	else
		pass("storm", "%lu rounds right over %u signals, %lu exits in the SSA",
		     f.storm.rounds, exits_seen, f.storm.exits);
}
