// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile use of /dev/kvm: random requests in random order from several threads, with
 * pointers, counts and descriptors that are good, bad or closed meanwhile. Nothing may
 * crash or hang, and errors are those of Linux's api.rst. The same seed makes the same
 * choices in each thread; how the threads meet is the machine's.
 *
 * usage: exclave run -- hostile [--seconds N] [--seed N]
 */
#define _GNU_SOURCE /* process_vm_readv, pthread_tryjoin_np */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"
#include "lib/bits.h"
#include "pool.h"
#include "requests.h"

#define THREADS         4
#define NODE            "/dev/kvm"
#define OURS            "/memfd:exclave:"
#define KICK_USECS      2000
#define HANG_SECONDS    30
#define DEFAULT_SECONDS 30

struct worker {
	pthread_t thread;
	struct hostile hostile;
	/* What ends the KVM_RUN that the thread is in. */
	pthread_mutex_t lock;
	struct kvm_run *run;
	atomic_ulong calls, successes;
	_Atomic(const char *) complaint;
	int strange_errno;
	unsigned long strange_request;
};

static struct worker workers[THREADS];
static atomic_bool stop;

static bool is_plausible(int err)
{
	static const int errors[] = {
		EBADF, ENOTTY, EINVAL, EFAULT, EINTR,  EAGAIN, E2BIG,  ENOMEM,     EEXIST, ENOENT,
		ENXIO, EPERM,  EBUSY,  EMFILE, ENODEV, EIO,    ENOSPC, EOPNOTSUPP, ENOSYS,
	};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (err == errors[i])
			return true;
	return false;
}

static void judge(struct worker *w, unsigned long request, int ret)
{
	int err = errno;

	atomic_fetch_add_explicit(&w->calls, 1, memory_order_relaxed);
	if (ret >= 0) {
		atomic_fetch_add_explicit(&w->successes, 1, memory_order_relaxed);
		return;
	}
	/* Linux, too, gives back what was set, cut to an int. */
	if ((ret == -1 && is_plausible(err)) || request == KVM_GET_NR_MMU_PAGES)
		return;
	w->strange_errno = err;
	w->strange_request = request;
	atomic_store(&w->complaint, ret == -1 ? "strange errno" : "strange result");
}

static void run_set(struct worker *w, struct kvm_run *run)
{
	pthread_mutex_lock(&w->lock);
	w->run = run;
	pthread_mutex_unlock(&w->lock);
}

/* A number that was closed may be one that the library needs for a moment. */
static bool is_vcpu(int fd)
{
	char name[32], target[sizeof(OURS "kvm-vcpu")] = "";

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return readlink(name, target, sizeof(target) - 1) > 0 && !strcmp(target, OURS "kvm-vcpu");
}

/* A file of the library's that is still being made has no pages yet: to touch it is SIGBUS. */
static bool has_pages(const struct kvm_run *run)
{
	uint8_t byte;
	struct iovec to = {&byte, 1}, from = {(void *)run, 1};

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

/* On a number of its own: what is mapped and what runs are then the same vCPU. */
static void run_vcpu(struct worker *w, int shared)
{
	int fd = fcntl(shared, F_DUPFD_CLOEXEC, 0);
	size_t size = 4096 * (1 + choose(&w->hostile, 3));
	struct kvm_run *run = MAP_FAILED;

	if (is_vcpu(fd))
		run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run != MAP_FAILED && has_pages(run)) {
		run->immediate_exit = choose(&w->hostile, 8) == 0;
		run->request_interrupt_window = (uint8_t)choose(&w->hostile, 2);
		run_set(w, run);
		judge(w, KVM_RUN, ioctl(fd, KVM_RUN, choose(&w->hostile, 16) == 0));
		run_set(w, NULL);
	}
	if (run != MAP_FAILED)
		munmap(run, size);
	if (fd >= 0)
		close(fd);
}

static void put_result(struct worker *w, uint32_t request, int ret)
{
	if (request == KVM_CREATE_VM || request == KVM_GET_STATS_FD)
		pool_put(&w->hostile, VM, ret);
	if (request == KVM_CREATE_VCPU)
		pool_put(&w->hostile, VCPU, ret);
}

/* @device was good enough to be answered. */
static void put_device(struct worker *w, const struct kvm_create_device *device)
{
	if (!(device->flags & KVM_CREATE_DEVICE_TEST))
		pool_put(&w->hostile, VM, (int)device->fd);
}

/* What is not refused at once makes what others can be asked. */
static void create(struct worker *w, enum kind kind, int fd)
{
	uint32_t request = kind == SYSTEM ? KVM_CREATE_VM : KVM_CREATE_VCPU;
	int ret = ioctl(fd, request, kind == SYSTEM ? 0 : choose(&w->hostile, 3));

	judge(w, request, ret);
	put_result(w, request, ret);
}

static void ask(struct worker *w, enum kind kind, int fd)
{
	unsigned long request = choose_request(&w->hostile, kind);
	unsigned long argument = choose_argument(&w->hostile, request);
	int ret;

	if ((uint32_t)request == KVM_RUN) {
		run_vcpu(w, fd);
		return;
	}
	ret = ioctl(fd, request, argument);
	judge(w, request, ret);
	put_result(w, (uint32_t)request, ret);
	if ((uint32_t)request == KVM_CREATE_DEVICE && !ret)
		put_device(w, (struct kvm_create_device *)argument);
}

static void map_and_unmap(struct worker *w, int fd)
{
	size_t size = 4096 * choose(&w->hostile, 5);
	off_t offset = (off_t)(4096 * choose(&w->hostile, 80));
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, offset);

	judge(w, 0, p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED)
		munmap(p, size);
}

static void act(struct worker *w)
{
	struct hostile *h = &w->hostile;
	enum kind kind = (enum kind)choose(h, NR_KINDS);
	int fd = pool_choose(h, kind);

	switch (choose(h, 256)) {
	case 0:
		pool_put(h, SYSTEM, open(NODE, O_RDWR | O_CLOEXEC));
		break;
	case 1:
		pool_put(h, kind, fcntl(fd, F_DUPFD_CLOEXEC, 0));
		break;
	case 2:
		pool_close_one(h, kind);
		break;
	case 3:
		map_and_unmap(w, fd);
		break;
	case 4:
	case 5:
		create(w, kind, fd);
		break;
	default:
		ask(w, kind, fd);
		break;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;

	while (!atomic_load(&stop) && !atomic_load(&w->complaint))
		act(w);
	return NULL;
}

static void ignore(int signal)
{
	(void)signal;
}

static void kick(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->run)
		w->run->immediate_exit = 1;
	pthread_mutex_unlock(&w->lock);
	pthread_kill(w->thread, SIGUSR1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A thread that makes no call for so long hangs, and there is no way to end it. */
static void watch(double end)
{
	unsigned long seen[THREADS] = {0};
	double changed[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		changed[i] = now();
	while (now() < end) {
		usleep(KICK_USECS);
		for (size_t i = 0; i < THREADS; i++) {
			unsigned long calls = atomic_load(&workers[i].calls);

			kick(&workers[i]);
			if (calls != seen[i] || atomic_load(&workers[i].complaint))
				changed[i] = now();
			seen[i] = calls;
			if (now() - changed[i] < HANG_SECONDS)
				continue;
			fprintf(stderr, "hostile: thread %zu hangs\n", i);
			_exit(1);
		}
	}
	atomic_store(&stop, true);
}

static int end_workers(void)
{
	unsigned long calls = 0, successes = 0;
	int failed = 0;

	for (size_t i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		while (pthread_tryjoin_np(w->thread, NULL) == EBUSY) {
			kick(w);
			usleep(KICK_USECS);
		}
		calls += atomic_load(&w->calls);
		successes += atomic_load(&w->successes);
		if (!atomic_load(&w->complaint))
			continue;
		printf("hostile: request %#lx: %s (%s)\n", w->strange_request,
		       atomic_load(&w->complaint), strerror(w->strange_errno));
		failed = 1;
	}
	printf("hostile: %lu calls, %lu of them succeeded\n", calls, successes);
	return failed || !successes;
}

/* Return: whether @fd, or with -1 any descriptor, is one of the library's. */
static bool is_ours(int fd)
{
	DIR *dir = opendir("/proc/self/fd");
	bool found = false;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char target[64] = "";

		if (fd >= 0 && atoi(entry->d_name) != fd)
			continue;
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) > 0)
			found |= !strncmp(target, OURS, strlen(OURS));
	}
	if (dir)
		closedir(dir);
	return found;
}

/* The machine's own KVM is not what this is for. */
static void demand_ours(void)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || !is_ours(fd)) {
		fprintf(stderr,
			"hostile: " NODE " is not Exclave's; use `exclave run -- hostile`\n");
		exit(1);
	}
	close(fd);
}

static void start_workers(unsigned long seed)
{
	struct sigaction sa = {.sa_handler = ignore};

	sigaction(SIGUSR1, &sa, NULL);
	pool_init();
	for (size_t i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		pthread_mutex_init(&w->lock, NULL);
		if (hostile_start(&w->hostile, seed * THREADS + i) ||
		    pthread_create(&w->thread, NULL, worker_main, w)) {
			perror("hostile: no thread");
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	unsigned long seconds = DEFAULT_SECONDS, seed = (unsigned long)time(NULL);
	int failed;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seconds"))
			seconds = strtoul(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoul(argv[i + 1], NULL, 0);
	}
	demand_ours();
	/* Before anything happens: it is the way back to it. */
	printf("hostile: --seconds %lu --seed %lu\n", seconds, seed);
	fflush(stdout);
	if (hostile_init()) {
		perror("hostile: no memory");
		return 1;
	}
	start_workers(seed);
	watch(now() + (double)seconds);
	failed = end_workers();
	pool_close_all();
	if (is_ours(-1)) {
		puts("hostile: descriptors are left");
		failed = 1;
	}
	return failed;
}
