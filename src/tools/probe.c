// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* pipe2 */
#include "tools/door.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_SECONDS 10
#define GUEST_SIZE    4096
#define GUEST_BASE    0x1000
#define HLT           0xf4

struct guest {
	const struct door *door;
	int vm;
	int vcpu;
	struct kvm_run *run;
};

/* What the child says to its parent: nothing when all is well. */
__attribute__((format(printf, 2, 3))) static int fail(int fd, const char *format, ...)
{
	char text[PROBE_ERROR_SIZE];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	return write(fd, text, (size_t)length) < 0 ? -errno : -EIO;
}

static int make_vm(struct guest *g, int out)
{
	int kvm = g->door->open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (kvm < 0)
		return fail(out, "/dev/kvm cannot be opened: %s", strerror(errno));
	version = g->door->ioctl(kvm, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return fail(out, "/dev/kvm is no KVM of version %d", KVM_API_VERSION);
	g->vm = g->door->ioctl(kvm, KVM_CREATE_VM, 0);
	if (g->vm < 0)
		return fail(out, "KVM_CREATE_VM: %s", strerror(errno));
	g->vcpu = g->door->ioctl(g->vm, KVM_CREATE_VCPU, 0);
	if (g->vcpu < 0)
		return fail(out, "KVM_CREATE_VCPU: %s", strerror(errno));
	version = g->door->ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	g->run = g->door->mmap(NULL, version > 0 ? (size_t)version : GUEST_SIZE,
			       PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	return g->run == MAP_FAILED ? fail(out, "mmap of a vCPU: %s", strerror(errno)) : 0;
}

static int load_guest(const struct guest *g, int out)
{
	unsigned char *memory =
		mmap(NULL, GUEST_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_BASE,
		.memory_size = GUEST_SIZE,
		.userspace_addr = (uintptr_t)memory,
	};
	struct kvm_regs regs = {.rip = GUEST_BASE, .rflags = 2};
	struct kvm_sregs sregs;

	if (memory == MAP_FAILED)
		return fail(out, "no memory for a guest");
	*memory = HLT;
	if (g->door->ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    g->door->ioctl(g->vcpu, KVM_GET_SREGS, &sregs))
		return fail(out, "a guest cannot be set up: %s", strerror(errno));
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (g->door->ioctl(g->vcpu, KVM_SET_SREGS, &sregs) ||
	    g->door->ioctl(g->vcpu, KVM_SET_REGS, &regs))
		return fail(out, "a guest cannot be set up: %s", strerror(errno));
	return 0;
}

static int probe(const struct door *door, int out)
{
	struct guest g = {.door = door, .run = MAP_FAILED};
	int ret = make_vm(&g, out);

	if (!ret)
		ret = load_guest(&g, out);
	if (ret)
		return ret;
	if (door->ioctl(g.vcpu, KVM_RUN, 0))
		return fail(out, "KVM_RUN: %s", strerror(errno));
	if (g.run->exit_reason != KVM_EXIT_HLT)
		return fail(out, "a guest's first instruction ended with exit %u instead of %u",
			    g.run->exit_reason, KVM_EXIT_HLT);
	return 0;
}

/* The library's warnings go the same way as ours: they say more than an error number. */
static _Noreturn void be_child(const struct door *door, int out)
{
	dup2(out, STDERR_FILENO);
	_exit(probe(door, out) ? 1 : 0);
}

/* Everything until the end of the pipe. Return: whether that came in time. */
static bool read_all(int fd, char error[PROBE_ERROR_SIZE])
{
	struct pollfd pipe = {.fd = fd, .events = POLLIN};
	size_t length = 0;

	for (;;) {
		char rest[PROBE_ERROR_SIZE];
		ssize_t n;

		error[length] = 0;
		if (poll(&pipe, 1, PROBE_SECONDS * 1000) <= 0)
			return false;
		n = read(fd, rest, sizeof(rest));
		if (n <= 0)
			return true;
		if ((size_t)n > PROBE_ERROR_SIZE - 1 - length)
			n = (ssize_t)(PROBE_ERROR_SIZE - 1 - length);
		memcpy(error + length, rest, (size_t)n);
		length += (size_t)n;
	}
}

static int judge(bool in_time, int status, char error[PROBE_ERROR_SIZE])
{
	size_t length = strlen(error);

	if (length && error[length - 1] == '\n')
		error[length - 1] = 0;
	for (char *c = error; *c; c++)
		if (*c == '\n')
			*c = ' ';
	if (!in_time)
		snprintf(error, PROBE_ERROR_SIZE, "a guest of one instruction does not end");
	else if (WIFSIGNALED(status))
		snprintf(error, PROBE_ERROR_SIZE, "running a guest ended with: %s",
			 strsignal(WTERMSIG(status)));
	return in_time && WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

int door_probe(const struct door *door, char error[PROBE_ERROR_SIZE])
{
	int ends[2], status;
	bool in_time;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC)) {
		snprintf(error, PROBE_ERROR_SIZE, "pipe: %s", strerror(errno));
		return -EIO;
	}
	child = fork();
	if (!child)
		be_child(door, ends[1]);
	close(ends[1]);
	in_time = child > 0 && read_all(ends[0], error);
	close(ends[0]);
	if (child < 0) {
		snprintf(error, PROBE_ERROR_SIZE, "no process can be made");
		return -EAGAIN;
	}
	if (!in_time)
		kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return judge(in_time, status, error);
}
