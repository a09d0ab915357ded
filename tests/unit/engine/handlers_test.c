// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two engines are made at the same time, the first of the process. Who comes second must not take
 * the engine's own signal handlers for those that were there before: a fault of somebody else
 * would go round in circles.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/core.h"
#include "lib/bits.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS};

static struct {
	_Atomic bool is_watching;
	_Atomic unsigned int installs;
	_Atomic unsigned int threads; /* that are about to make an engine */
	_Atomic unsigned int handled;
} seen;

int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *before);
int __real_sigaction(int sig, const struct sigaction *action, struct sigaction *before);

/* The first one waits in the middle: as long as the second one would need to come here, too. */
static void let_the_other_come(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (atomic_load(&seen.threads) < 2)
		sched_yield();
	for (unsigned int ms = 0; ms < 300 && atomic_load(&seen.installs) < 2; ms++)
		nanosleep(&pause, NULL);
}

/* What the linker has put in place of sigaction() in the engine's calls. */
int __wrap_sigaction(int sig, const struct sigaction *action, struct sigaction *before)
{
	int ret = __real_sigaction(sig, action, before);

	if (atomic_load(&seen.is_watching) && !atomic_fetch_add(&seen.installs, 1))
		let_the_other_come();
	return ret;
}

static void handle(int sig)
{
	atomic_fetch_add(&seen.handled, 1);
}

static void *make_engine(void *arg)
{
	const struct engine_config config = {0};
	struct engine *engine;

	atomic_fetch_add(&seen.threads, 1);
	if (engine_new(&config, &engine))
		return NULL;
	engine_free(engine);
	return arg;
}

static void make_two_at_once(void)
{
	pthread_t thread[2];

	atomic_store(&seen.is_watching, true);
	for (unsigned int n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&thread[n], NULL, make_engine, &seen), 0);
	for (unsigned int n = 0; n < 2; n++) {
		void *made;

		pthread_join(thread[n], &made);
		assert_non_null(made);
	}
	atomic_store(&seen.is_watching, false);
}

static void engines_made_at_once_install_handlers_once(void **state)
{
	struct sigaction action = {.sa_handler = handle};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++)
		assert_int_equal(sigaction(signals[i], &action, NULL), 0);
	make_two_at_once();
	assert_int_equal(atomic_load(&seen.installs), ARRAY_SIZE(signals));
	/* Nobody's fault: it goes to who was there before, once. */
	for (unsigned int i = 0; i < ARRAY_SIZE(signals); i++) {
		assert_int_equal(raise(signals[i]), 0);
		assert_int_equal(atomic_load(&seen.handled), i + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engines_made_at_once_install_handlers_once),
	};

	return cmocka_run_group_tests_name("handlers", tests, NULL, NULL);
}
