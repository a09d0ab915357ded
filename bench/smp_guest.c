// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest's kernel does all day, timed inside the guest: smp_bench.py runs it, as a
 * static program, in the same guest under different accelerators. A line for each row:
 * "ROW name nanoseconds", the median of SLICES; and "WORK n" for the work of n processors.
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLICES   7
#define SLICE_NS 60000000u
#define PAGES    256
#define WORK_NS  1000000000u

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* @step does as many as it says; the clock is asked after each. */
static void measure(const char *name, unsigned int (*step)(void))
{
	double slice[SLICES];

	step();
	for (unsigned int i = 0; i < SLICES; i++) {
		uint64_t start = now_ns(), passed, done = 0;

		do {
			done += step();
			passed = now_ns() - start;
		} while (passed < SLICE_NS);
		slice[i] = (double)passed / (double)done;
	}
	qsort(slice, SLICES, sizeof(slice[0]), compare);
	printf("ROW %s %.1f\n", name, slice[SLICES / 2]);
	fflush(stdout);
}

static unsigned int call_getppid(void)
{
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	return 1000;
}

/* The first touch of each page. */
static unsigned int fault_pages(void)
{
	uint8_t *p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (unsigned int i = 0; i < PAGES; i++)
		((volatile uint8_t *)p)[(size_t)i * 4096] = 1;
	munmap(p, PAGES * 4096);
	return PAGES;
}

static unsigned int fork_and_exec(void)
{
	static char self[] = "/proc/self/exe", end[] = "end";
	char *argv[] = {self, end, NULL};
	int status;
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		execv(self, argv);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("waitpid");
	return 1;
}

static int there[2], back[2];

static void echo(void)
{
	char byte;

	while (read(there[0], &byte, 1) == 1)
		if (write(back[1], &byte, 1) != 1)
			break;
}

/* There and back are two switches. */
static unsigned int ping_pipe(void)
{
	char byte = 0;

	for (int i = 0; i < 50; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			die("pipe");
	return 100;
}

static void measure_switch(void)
{
	pid_t pid;

	if (pipe(there) || pipe(back))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		close(there[1]);
		echo();
		_exit(0);
	}
	measure("switch", ping_pipe);
	close(there[1]);
	waitpid(pid, NULL, 0);
}

static _Atomic bool stop;
static _Atomic uint32_t turn;

static void futex_wait(uint32_t value)
{
	syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(void)
{
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *answer_futex(void *arg)
{
	(void)arg;
	pin(1);
	while (!atomic_load(&stop)) {
		if (atomic_load(&turn) == 1) {
			atomic_store(&turn, 0);
			futex_wake();
		} else {
			futex_wait(0);
		}
	}
	return NULL;
}

/* A round trip: each side sleeps while the other is awake, so both processors halt and are woken. */
static unsigned int ping_futex(void)
{
	for (int i = 0; i < 50; i++) {
		atomic_store(&turn, 1);
		futex_wake();
		while (atomic_load(&turn) == 1)
			futex_wait(1);
	}
	return 50;
}

static _Atomic bool is_up;

static void *spin(void *arg)
{
	(void)arg;
	pin(1);
	atomic_store(&is_up, true);
	while (!atomic_load(&stop))
		;
	return NULL;
}

/* The kernel interrupts the other processor, which runs a thread of ours, and waits for its answer. */
static unsigned int call_membarrier(void)
{
	for (int i = 0; i < 50; i++)
		if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
			die("membarrier");
	return 50;
}

static void measure_ipi(void)
{
	pthread_t thread;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		die("membarrier");
	atomic_store(&stop, false);
	pthread_create(&thread, NULL, spin, NULL);
	while (!atomic_load(&is_up))
		;
	measure("ipi", call_membarrier);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

static void measure_futex(void)
{
	pthread_t thread;

	atomic_store(&stop, false);
	pthread_create(&thread, NULL, answer_futex, NULL);
	measure("futex", ping_futex);
	atomic_store(&stop, true);
	atomic_store(&turn, 2);
	futex_wake();
	pthread_join(thread, NULL);
}

static uint64_t end_of_work;

/* Integer work that stays in the first-level cache. */
static void *work(void *arg)
{
	uint64_t table[512] = {0}, x = 88172645463325252u, rounds = 0;

	pin((int)(intptr_t)arg);
	do {
		for (int i = 0; i < 10000; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			table[x & 511] += x;
		}
		rounds++;
	} while (now_ns() < end_of_work);
	return (void *)(uintptr_t)(rounds + (table[x & 511] == 1));
}

static void measure_work(unsigned int count)
{
	pthread_t thread[2];
	uint64_t total = 0;

	end_of_work = now_ns() + WORK_NS;
	for (unsigned int i = 0; i < count; i++)
		pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)i);
	for (unsigned int i = 0; i < count; i++) {
		void *rounds;

		pthread_join(thread[i], &rounds);
		total += (uint64_t)(uintptr_t)rounds;
	}
	printf("WORK %u %llu\n", count, (unsigned long long)total);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "end"))
		return 0;
	pin(0);
	measure("getppid", call_getppid);
	measure("fault", fault_pages);
	measure("exec", fork_and_exec);
	measure_switch();
	measure_futex();
	measure_ipi();
	measure_work(1);
	measure_work(2);
	return 0;
}
