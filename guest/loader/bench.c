// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What enclaves cost in a guest, each thing beside what the same guest does without one.
 *
 *   guest-bench ALICE.image
 *
 * bench/sgx_guest_bench.py reads the lines: nanoseconds, and those of the peer.
 */
#define _GNU_SOURCE
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS      5
#define CALLS       5000
#define BIG_IMAGE   "/tmp/big.image"
#define BUILD_PAGES 2048u /* fit into the guest's EPC */
#define HEAP_PAGES  6144u /* do not */
#define SIGNAL_US   500

#define REG ((uint64_t)SGX_PAGE_TYPE_REG << SGX_SECINFO_PT_SHIFT)
#define RW  (SGX_SECINFO_R | SGX_SECINFO_W)

struct pair {
	double subject, peer; /* nanoseconds */
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(values[0]), by_value);
	return values[ROUNDS / 2];
}

/* In turn, so that what else the host does falls on both. */
static void show(const char *name, struct pair (*measure)(const struct enclave *e),
		 const struct enclave *e)
{
	double subject[ROUNDS], peer[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct pair pair = measure(e);

		subject[i] = pair.subject;
		peer[i] = pair.peer;
	}
	if (!any_failed())
		pass(name, "%.0f %.0f", median(subject), median(peer));
}

static struct pair measure_call(const struct enclave *e)
{
	struct call_frame f = {.call = CALL_NOTHING};
	double start = now_ns(), middle;

	for (unsigned int i = 0; i < CALLS && must_call("call", e, &f); i++)
		;
	middle = now_ns();
	for (unsigned int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return (struct pair){(middle - start) / CALLS, (now_ns() - middle) / CALLS};
}

/* Alice's header before pages that nobody has signed. */
static int write_big_image(const struct enclave *e)
{
	union {
		struct image_header header;
		uint8_t page[SGX_PAGE_SIZE];
	} first = {.header = *e->image};
	int fd = open(BIG_IMAGE, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int ok;

	first.header.part_count = 1;
	first.header.heap = BUILD_PAGES * (uint64_t)SGX_PAGE_SIZE;
	first.header.parts[0] = (struct image_part){0, first.header.heap, SGX_PAGE_SIZE, REG | RW};
	ok = fd >= 0 && write(fd, &first, sizeof(first)) == sizeof(first);
	for (unsigned int i = 0; i < BUILD_PAGES && ok; i++) {
		memset(&first, (int)i, sizeof(first));
		ok = write(fd, &first, sizeof(first)) == sizeof(first);
	}
	close(fd);
	return ok;
}

/* The signature is checked, and the measurement then is not the signed one. */
static double build_big(void)
{
	const struct enclave_options plain = {0, -1};
	const char *stage;
	struct enclave big;
	double start = now_ns();
	int ret = enclave_load(&big, BIG_IMAGE, &plain, &stage);

	if (ret != -EPERM || strcmp(stage, "SGX_IOC_ENCLAVE_INIT") != 0)
		fail("build", "%s: %s", stage, strerror(-ret));
	return now_ns() - start;
}

static double read_big(void)
{
	static uint8_t page[SGX_PAGE_SIZE];
	double start = now_ns();
	int fd = open(BIG_IMAGE, O_RDONLY);

	while (read(fd, page, sizeof(page)) > 0)
		;
	close(fd);
	return now_ns() - start;
}

static struct pair measure_build(const struct enclave *e)
{
	double build = build_big(), peer = read_big();

	return (struct pair){build / BUILD_PAGES, peer / BUILD_PAGES};
}

static volatile uint32_t alarms;

static void on_alarm(int signal)
{
	alarms++;
}

static uint64_t median_gap(struct call_gaps *gaps)
{
	double cycles[GAPS_MAX];

	for (unsigned int i = 0; i < GAPS_MAX; i++)
		cycles[i] = (double)gaps->cycles[i];
	qsort(cycles, GAPS_MAX, sizeof(cycles[0]), by_value);
	return (uint64_t)cycles[GAPS_MAX / 2];
}

/* How long a signal keeps a loop from running, with its handler; the median, in nanoseconds. */
static double cost_of_signal(const struct enclave *e)
{
	struct itimerval timer = {{0, SIGNAL_US}, {0, SIGNAL_US}}, none = {{0, 0}, {0, 0}};
	struct call_frame f = {.call = CALL_GAPS, .gaps = {.counter = (uint64_t)&alarms}};
	uint64_t tsc = __builtin_ia32_rdtsc();
	double start = now_ns(), ns_per_cycle;

	setitimer(ITIMER_REAL, &timer, NULL);
	if (e)
		must_call("aex", e, &f);
	else
		gaps_collect(&f.gaps);
	setitimer(ITIMER_REAL, &none, NULL);
	ns_per_cycle = (now_ns() - start) / (double)(__builtin_ia32_rdtsc() - tsc);
	return (double)median_gap(&f.gaps) * ns_per_cycle;
}

static struct pair measure_aex(const struct enclave *e)
{
	double inside = cost_of_signal(e);

	return (struct pair){inside, cost_of_signal(NULL)};
}

static struct call_frame heap_call(const struct enclave *e, uint64_t call)
{
	return (struct call_frame){
		.call = call,
		.pages = {e->image->heap, HEAP_PAGES, REG | RW | SGX_SECINFO_PENDING, 0},
	};
}

static double touch_memory(void)
{
	const size_t size = HEAP_PAGES * (size_t)SGX_PAGE_SIZE;
	double start = now_ns();
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return 0;
	madvise(at, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += SGX_PAGE_SIZE)
		*(volatile uint8_t *)(at + i) = 1;
	munmap(at, size);
	return now_ns() - start;
}

/* From one end to the other of more pages than there are: each is loaded, for another one written back. */
static struct pair measure_paging(const struct enclave *e)
{
	struct call_frame sum = heap_call(e, CALL_SUM);
	double start = now_ns(), pass;

	must_call("paging", e, &sum);
	pass = now_ns() - start;
	return (struct pair){pass / HEAP_PAGES, touch_memory() / HEAP_PAGES};
}

static void bench(const struct enclave *e)
{
	struct call_frame accept = heap_call(e, CALL_ACCEPT);

	signal(SIGALRM, on_alarm);
	show("call", measure_call, e);
	show("aex", measure_aex, e);
	if (!write_big_image(e))
		return fail("build", BIG_IMAGE ": %s", strerror(errno));
	show("build", measure_build, e);
	if (must_call("paging", e, &accept))
		show("paging", measure_paging, e);
}

int main(int argc, char **argv)
{
	const struct enclave_options plain = {0, -1};
	const char *stage = "no image";
	struct enclave alice;
	int ret = argc == 2 ? enclave_load(&alice, argv[1], &plain, &stage) : -EINVAL;

	if (ret)
		fail("load", "%s: %s", stage, strerror(-ret));
	else
		bench(&alice);
	return any_failed();
}
