// SPDX-License-Identifier: GPL-2.0-or-later
/* Children inherit numbers, not objects; what they do with them changes nothing for their parent. */
#define _GNU_SOURCE /* close_range, vfork */
#include "fixture.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "lib/bits.h"
#include "tests.h"

struct family {
	int kvm, vm, vcpu;
};

static struct family start_family(void)
{
	struct family f = {.kvm = open_kvm()};

	f.vm = create_vm(f.kvm);
	f.vcpu = create_vcpu(f.vm);
	return f;
}

static void expect_whole(const struct family *f)
{
	assert_int_equal(live_objects(), 3);
	assert_kind(f->kvm, KVM_KIND_SYSTEM);
	assert_kind(f->vm, KVM_KIND_VM);
	assert_kind(f->vcpu, KVM_KIND_VCPU);
	assert_int_equal(ioctl(f->vcpu, KVM_RUN, 0), 0);
	close(f->vcpu);
	close(f->vm);
	close(f->kvm);
}

static bool fails_with(long ret, int err)
{
	return ret == -1 && errno == err;
}

static bool ask(void *arg)
{
	const struct family *f = arg;

	return is_named(f->vm, "exclave:kvm-vm") && fails_with(ioctl(f->vm, FAKE_KIND), EIO) &&
	       fails_with(ioctl(f->vcpu, KVM_RUN, 0), EIO);
}

static void fork_child_ioctl_eio(void **state)
{
	struct family f = start_family();

	in_child(ask, &f);
	expect_whole(&f);
}

static bool close_all(void *arg)
{
	const struct family *f = arg;
	int null;

	if (close(f->vcpu) || close(f->vm))
		return false;
	null = open("/dev/null", O_RDONLY);
	if (null != f->vm || !fails_with(ioctl(null, FAKE_KIND), ENOTTY))
		return false;
	return !close_range(3, UINT_MAX, 0) && fails_with(ioctl(f->kvm, FAKE_KIND), EBADF);
}

static void fork_child_closes_only_its_own(void **state)
{
	struct family f = start_family();

	in_child(close_all, &f);
	expect_whole(&f);
}

static bool start_own(void *arg)
{
	const struct family *f = arg;
	int kvm, vm, copy;

	close(f->kvm);
	kvm = open(NODE_PATH, O_RDWR);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	copy = dup2(vm, f->vcpu);
	return kvm == f->kvm && ioctl(kvm, FAKE_KIND) == KVM_KIND_SYSTEM &&
	       ioctl(copy, FAKE_KIND) == KVM_KIND_VM && !close(copy) && !close(vm) && !close(kvm);
}

static void fork_child_has_objects_of_its_own(void **state)
{
	struct family f = start_family();

	in_child(start_own, &f);
	expect_whole(&f);
}

/* As QEMU daemonizes: open and close, fork twice, open. */
static bool grandchild(void *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int kvm = open(NODE_PATH, O_RDWR);

		_exit(ioctl(kvm, FAKE_KIND) == KVM_KIND_SYSTEM && !close(kvm) ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && !status;
}

static void fork_twice_then_open(void **state)
{
	close(open_kvm());
	in_child(grandchild, NULL);
}

/* The child has descriptors of its own and the parent's memory. */
static void vfork_child_closes_parent_keeps(void **state)
{
	struct family f = start_family();
	int status;
	/* NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork): as such programs do */
	pid_t pid = vfork();

	if (!pid) {
		dup2(f.kvm, f.vm);
		close(f.vcpu);
		dup2(STDIN_FILENO, f.vcpu);
		close_range(3, UINT_MAX, 0);
		closefrom(3);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	/* NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork) */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	expect_whole(&f);
}

/* Return: what a program sees at number @fd after exec. */
static bool is_open_after_exec(int fd)
{
	char command[64];

	snprintf(command, sizeof(command), "readlink /proc/self/fd/%d >/dev/null", fd);
	return system(command) == 0;
}

static void exec_keeps_what_is_not_cloexec(void **state)
{
	int kept = open(NODE_PATH, O_RDWR);
	int lost = open(NODE_PATH, O_RDWR | O_CLOEXEC);

	/* readlink opens nothing that could have these numbers. */
	assert_int_equal(dup2(kept, 500), 500);
	assert_int_equal(dup3(lost, 501, O_CLOEXEC), 501);
	assert_true(is_open_after_exec(500));
	assert_false(is_open_after_exec(501));
	close(500);
	close(501);
	close(kept);
	close(lost);
}

static void load_starts_no_thread(void **state)
{
	assert_int_equal(access("/proc/self/task", F_OK), 0);
	assert_int_equal(system("test $(ls /proc/$PPID/task | wc -l) = 1"), 0);
}

const struct CMUnitTest process_tests[] = {
	DOOR_TEST(fork_child_ioctl_eio),
	DOOR_TEST(fork_child_closes_only_its_own),
	DOOR_TEST(fork_child_has_objects_of_its_own),
	DOOR_TEST(fork_twice_then_open),
	DOOR_TEST(vfork_child_closes_parent_keeps),
	DOOR_TEST(exec_keeps_what_is_not_cloexec),
	DOOR_TEST(load_starts_no_thread),
};
const size_t process_test_count = ARRAY_SIZE(process_tests);
