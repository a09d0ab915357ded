// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PRELOADED "EXCLAVE_TEST_PRELOADED"

const char *preloaded_library;

static void append_option(const char *variable, const char *option)
{
	const char *before = getenv(variable);
	char value[1024];

	snprintf(value, sizeof(value), "%s:%s", before ? before : "", option);
	setenv(variable, value, 1);
}

/* Users have 1,024 descriptors unless they ask; the cases use numbers above. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void preload_self(int *argc, char **argv)
{
	if (getenv(PRELOADED)) {
		/* Not for the programs that a case starts. */
		unsetenv("LD_PRELOAD");
		raise_limit();
		preloaded_library = argv[1];
		*argc -= 1;
		for (int i = 1; i <= *argc; i++)
			argv[i] = argv[i + 1];
		return;
	}
	if (*argc < 2) {
		fprintf(stderr, "usage: %s LIBRARY [SUITE...]\n", argv[0]);
		exit(2);
	}
	/* The library stands before the sanitizer's in this program alone. */
	append_option("ASAN_OPTIONS", "verify_asan_link_order=0");
	setenv("LD_PRELOAD", argv[1], 1);
	setenv(PRELOADED, "1", 1);
	execv("/proc/self/exe", argv);
	perror(argv[0]);
	exit(2);
}

int open_kvm(void)
{
	int fd = open(NODE_PATH, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	/* The machine's own must never answer. */
	assert_named(fd, "kvm");
	return fd;
}

int create_vm(int kvm)
{
	int fd = ioctl(kvm, KVM_CREATE_VM, 0);

	assert_true(fd >= 0);
	assert_named(fd, "kvm-vm");
	return fd;
}

int create_vcpu(int vm)
{
	int fd = ioctl(vm, KVM_CREATE_VCPU, 0);

	assert_true(fd >= 0);
	assert_named(fd, "kvm-vcpu:0");
	return fd;
}

int live_objects(void)
{
	int kvm = open_kvm();
	int live = ioctl(kvm, FAKE_LIVE);

	assert_int_equal(close(kvm), 0);
	return live - 1;
}

bool is_named(int fd, const char *name)
{
	char link[40], target[80], expected[80];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	snprintf(expected, sizeof(expected), "/memfd:%s (deleted)", name);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = 0;
	return !strcmp(target, expected);
}

void in_child(bool (*act)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(act(arg) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static size_t count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static size_t descriptors;

int remember_descriptors(void **state)
{
	descriptors = count_descriptors();
	return 0;
}

int nothing_left(void **state)
{
	assert_int_equal(live_objects(), 0);
	assert_int_equal(count_descriptors(), descriptors);
	return 0;
}
