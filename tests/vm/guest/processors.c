// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What processors do to each other: they wake each other, take translations away from each other,
 * and read the same clock, which never goes back. Says how many ns each took.
 *
 *   processors wake | unmap | clock
 */
#define _GNU_SOURCE /* CPU_SET */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAKES  5000
#define UNMAPS 1000
#define READS  200000
#define PAGE   4096

#define MAX_PROCESSORS 64

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		exit(2);
}

static unsigned int processors(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* A byte goes to and fro between two processes on two processors. */
static int pass_byte(int in, int out, bool begins)
{
	char byte = 0;

	for (unsigned int i = 0; i < WAKES; i++) {
		if (begins && write(out, &byte, 1) != 1)
			return 1;
		if (read(in, &byte, 1) != 1)
			return 1;
		if (!begins && write(out, &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static int wake(void)
{
	int there[2], back[2], status;
	pid_t child;

	if (pipe(there) || pipe(back))
		return 1;
	child = fork();
	if (!child) {
		run_on(processors() - 1);
		_exit(pass_byte(there[0], back[1], false));
	}
	run_on(0);
	if (pass_byte(back[0], there[1], true) || waitpid(child, &status, 0) != child)
		return 1;
	return status;
}

static atomic_bool stop;
static atomic_ulong turn; /* odd while the page is being replaced */
static atomic_ulong wrong;
static volatile uint8_t *shared;

/* Some are busy with the page that is replaced, others asleep most of the time. */
static void *use_page(void *opaque)
{
	unsigned int cpu = (unsigned int)(uintptr_t)opaque;
	struct timespec ts = {.tv_nsec = 1000000};

	run_on(cpu);
	while (!atomic_load(&stop)) {
		unsigned long before = atomic_load(&turn);
		uint8_t value = *shared;

		if (!(before & 1) && atomic_load(&turn) == before && value != (before / 2 & 1))
			atomic_fetch_add(&wrong, 1);
		if (cpu & 1)
			nanosleep(&ts, NULL);
	}
	return NULL;
}

static int replace(int fd, unsigned long n)
{
	void *at;

	atomic_fetch_add(&turn, 1);
	at = mmap((void *)shared, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
		  n & 1 ? PAGE : 0);
	atomic_fetch_add(&turn, 1);
	return at == MAP_FAILED;
}

/* Two pages take turns at one address: who sees the other one's byte has an old translation. */
static int unmap(void)
{
	int fd = memfd_create("pages", 0), failed = 0;
	unsigned int count = processors();
	pthread_t thread[MAX_PROCESSORS];

	if (fd < 0 || ftruncate(fd, 2 * PAGE) || pwrite(fd, "\1", 1, PAGE) != 1)
		return 1;
	shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	run_on(0);
	for (unsigned int i = 1; i < count; i++)
		pthread_create(&thread[i], NULL, use_page, (void *)(uintptr_t)i);
	for (unsigned long n = 1; n <= UNMAPS && !failed; n++)
		failed = replace(fd, n);
	atomic_store(&stop, true);
	for (unsigned int i = 1; i < count; i++)
		pthread_join(thread[i], NULL);
	return failed || atomic_load(&wrong);
}

static _Atomic uint64_t latest;

/* A read is no less than what any processor has read before. */
static void *read_clock(void *opaque)
{
	run_on((unsigned int)(uintptr_t)opaque);
	for (unsigned int i = 0; i < READS; i++) {
		uint64_t before = atomic_load(&latest), ns = now();

		if (ns < before)
			atomic_fetch_add(&wrong, 1);
		while (ns > before && !atomic_compare_exchange_weak(&latest, &before, ns))
			;
	}
	return NULL;
}

static int clock_of_all(void)
{
	unsigned int count = processors();
	pthread_t thread[MAX_PROCESSORS];

	for (unsigned int i = 0; i < count; i++)
		pthread_create(&thread[i], NULL, read_clock, (void *)(uintptr_t)i);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	return atomic_load(&wrong) != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	uint64_t begin = now();
	int ret = 2;

	if (processors() > MAX_PROCESSORS)
		return ret;
	if (!strcmp(what, "wake"))
		ret = wake();
	else if (!strcmp(what, "unmap"))
		ret = unmap();
	else if (!strcmp(what, "clock"))
		ret = clock_of_all();
	printf("%s: %" PRIu64 " us, %lu wrong\n", what, (now() - begin) / 1000,
	       atomic_load(&wrong));
	return ret;
}
