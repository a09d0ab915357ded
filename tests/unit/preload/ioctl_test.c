// SPDX-License-Identifier: GPL-2.0-or-later
/* What reaches an object, and what comes back: ioctl, mmap, lseek, read and write. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include "fixture.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/bits.h"
#include "tests.h"

static void ioctl_failure_sets_errno(void **state)
{
	int kvm = open_kvm();

	assert_errno(ioctl(kvm, FAKE_FAIL, EXDEV), EXDEV);
	assert_errno(ioctl(kvm, FAKE_FAIL, EINTR), EINTR);
	assert_errno(ioctl(kvm, _IO(KVMIO, 0xff)), ENOTTY);
	errno = E2BIG;
	assert_int_equal(ioctl(kvm, KVM_GET_API_VERSION, 0), KVM_API_VERSION);
	assert_int_equal(errno, E2BIG);
	close(kvm);
	assert_errno(ioctl(kvm, KVM_GET_API_VERSION, 0), EBADF);
}

/* QEMU passes requests through an int. */
static void ioctl_request_sign_extended_is_the_same(void **state)
{
	int kvm = open_kvm();
	unsigned int value = 41;
	int request = (int)FAKE_READ_BACK;

	assert_true(request < 0);
	assert_int_equal(ioctl(kvm, (unsigned long)(long)request, &value), 0);
	assert_int_equal(value, 42);
	close(kvm);
}

static void ioctl_of_every_file_is_the_kernels(void **state)
{
	int kvm = open(NODE_PATH, O_RDWR);

	assert_int_equal(ioctl(kvm, FIOCLEX), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), FD_CLOEXEC);
	assert_int_equal(ioctl(kvm, FIONCLEX), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), 0);
	close(kvm);
}

static void ioctl_other_file_is_the_kernels(void **state)
{
	int out[2], kvm = open_kvm(), ready = -1;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(write(out[1], "abc", 3), 3);
	assert_int_equal(ioctl(out[0], FIONREAD, &ready), 0);
	assert_int_equal(ready, 3);
	assert_errno(ioctl(out[0], KVM_GET_API_VERSION, 0), ENOTTY);
	assert_errno(ioctl(-1, KVM_RUN, 0), EBADF);
	assert_errno(ioctl(1 << 30, KVM_RUN, 0), EBADF);
	close(out[0]);
	close(out[1]);
	close(kvm);
}

static void ioctl_descriptor_of_an_object_is_found(void **state)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);

	assert_int_equal(ioctl(kvm, FAKE_KIND_OF, kvm), KVM_KIND_SYSTEM);
	assert_int_equal(ioctl(kvm, FAKE_KIND_OF, vm), KVM_KIND_VM);
	assert_errno(ioctl(kvm, FAKE_KIND_OF, 1), ENOENT);
	close(vm);
	assert_errno(ioctl(kvm, FAKE_KIND_OF, vm), ENOENT);
	close(kvm);
}

static void ioctl_new_object_closes_on_exec(void **state)
{
	int kvm = open_kvm();
	int vm = create_vm(kvm);

	assert_int_equal(fcntl(vm, F_GETFD), FD_CLOEXEC);
	close(vm);
	close(kvm);
}

static void mmap_vcpu_shows_its_memory_after_close(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm), vcpu = create_vcpu(vm);
	struct kvm_run *run =
		mmap(NULL, FAKE_RUN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);

	assert_ptr_not_equal(run, MAP_FAILED);
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), 0);
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), 0);
	assert_int_equal(run->exit_reason, 2);
	close(vcpu);
	close(vm);
	close(kvm);
	assert_int_equal(live_objects(), 0);
	run->exit_reason = 3;
	munmap(run, FAKE_RUN_SIZE);
}

static void mmap_arguments_are_the_callers(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm), vcpu = create_vcpu(vm);
	char *place = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_equal(mmap(place, 4096, PROT_READ, MAP_SHARED | MAP_FIXED, vcpu, 8192), place);
	munmap(place, 4096);
	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vcpu, 1), EINVAL);
	assert_errno(mmap(NULL, 0, PROT_READ, MAP_SHARED, vcpu, 0), EINVAL);
	close(vcpu);
	close(vm);
	close(kvm);
}

static void mmap_without_memory_enodev(void **state)
{
	int kvm = open_kvm();

	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, kvm, 0), ENODEV);
	close(kvm);
}

static void mmap_anonymous_ignores_the_descriptor(void **state)
{
	int kvm = open_kvm();
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, kvm, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	munmap(p, 4096);
	close(kvm);
}

static void lseek_stays_at_the_start(void **state)
{
	int kvm = open_kvm();

	assert_int_equal(lseek(kvm, 5, SEEK_SET), 0);
	assert_int_equal(lseek(kvm, 0, SEEK_CUR), 0);
	assert_errno(lseek(-1, 0, SEEK_CUR), EBADF);
	close(kvm);
}

static void write_changes_nothing(void **state)
{
	int kvm = open_kvm();

	assert_int_equal(write(kvm, "x", 1), -1);
	assert_int_equal(ftruncate(kvm, 4096), -1);
	close(kvm);
}

/* The kernel's own end of a descriptor, and another file at its number. */
static void ioctl_number_reused_unseen_is_the_kernels(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm), null;

	syscall(SYS_close, vm);
	null = open("/dev/null", O_RDONLY);
	assert_int_equal(null, vm);
	assert_errno(ioctl(null, FAKE_KIND), ENOTTY);
	assert_errno(ioctl(kvm, FAKE_KIND_OF, null), ENOENT);
	assert_errno(mmap(NULL, 4096, PROT_READ, MAP_SHARED, null, 0), ENODEV);
	assert_int_equal(dup2(null, null), null);
	assert_int_equal(live_objects(), 2);
	close(null);
	assert_int_equal(live_objects(), 1);
	close(kvm);
}

const struct CMUnitTest ioctl_tests[] = {
	DOOR_TEST(ioctl_failure_sets_errno),
	DOOR_TEST(ioctl_request_sign_extended_is_the_same),
	DOOR_TEST(ioctl_of_every_file_is_the_kernels),
	DOOR_TEST(ioctl_other_file_is_the_kernels),
	DOOR_TEST(ioctl_descriptor_of_an_object_is_found),
	DOOR_TEST(ioctl_new_object_closes_on_exec),
	DOOR_TEST(mmap_vcpu_shows_its_memory_after_close),
	DOOR_TEST(mmap_arguments_are_the_callers),
	DOOR_TEST(mmap_without_memory_enodev),
	DOOR_TEST(mmap_anonymous_ignores_the_descriptor),
	DOOR_TEST(lseek_stays_at_the_start),
	DOOR_TEST(write_changes_nothing),
	DOOR_TEST(ioctl_number_reused_unseen_is_the_kernels),
};
const size_t ioctl_test_count = ARRAY_SIZE(ioctl_tests);
