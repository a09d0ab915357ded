// SPDX-License-Identifier: GPL-2.0-or-later
/* The object goes with its last descriptor, however that is closed. */
#define _GNU_SOURCE /* close_range */
#include "fixture.h"

#include <limits.h>
#include <linux/close_range.h>

#include "lib/bits.h"
#include "tests.h"

static void close_releases_each_object(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm), vcpu = create_vcpu(vm);

	assert_int_equal(live_objects(), 3);
	assert_int_equal(close(kvm), 0);
	assert_int_equal(live_objects(), 2);
	assert_kind(vm, KVM_KIND_VM);
	assert_int_equal(close(vm), 0);
	assert_kind(vcpu, KVM_KIND_VCPU);
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(live_objects(), 0);
	assert_errno(close(vcpu), EBADF);
	assert_errno(close(-1), EBADF);
}

static void close_number_again_in_use(void **state)
{
	int kvm = open_kvm(), other;

	close(kvm);
	other = open("/dev/null", O_RDONLY);
	assert_int_equal(other, kvm);
	assert_errno(ioctl(other, KVM_GET_API_VERSION, 0), ENOTTY);
	close(other);
}

/* Our numbers, moved away from those that the test itself needs. */
static int move_up(int fd, int to)
{
	assert_int_equal(dup2(fd, to), to);
	close(fd);
	return to;
}

static void close_range_releases_what_is_in_it(void **state)
{
	int a = move_up(open_kvm(), 500), b = move_up(open_kvm(), 501),
	    c = move_up(open_kvm(), 3000);

	assert_int_equal(close_range(501, 2000, 0), 0);
	assert_int_equal(live_objects(), 2);
	assert_errno(ioctl(b, FAKE_KIND), EBADF);
	assert_kind(a, KVM_KIND_SYSTEM);
	assert_kind(c, KVM_KIND_SYSTEM);
	assert_int_equal(close_range(500, UINT_MAX, 0), 0);
	assert_int_equal(live_objects(), 0);
}

static void close_range_that_closes_nothing(void **state)
{
	int kvm = move_up(open(NODE_PATH, O_RDWR), 500);

	assert_errno(close_range(600, 500, 0), EINVAL);
	assert_errno(close_range(500, 500, 1 << 20), EINVAL);
	assert_kind(kvm, KVM_KIND_SYSTEM);
	assert_int_equal(close_range(500, 500, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), FD_CLOEXEC);
	assert_kind(kvm, KVM_KIND_SYSTEM);
	close(kvm);
}

static void closefrom_releases_the_rest(void **state)
{
	int a = move_up(open_kvm(), 500), b = move_up(open_kvm(), 2501);

	closefrom(1000);
	assert_errno(ioctl(b, FAKE_KIND), EBADF);
	assert_kind(a, KVM_KIND_SYSTEM);
	assert_int_equal(live_objects(), 1);
	closefrom(500);
	assert_int_equal(live_objects(), 0);
}

static void close_many_objects_all_released(void **state)
{
	int kvm = open_kvm(), vms[300];

	for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
		vms[i] = create_vm(kvm);
	for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
		assert_kind(vms[i], KVM_KIND_VM);
	for (size_t i = 0; i < ARRAY_SIZE(vms); i++)
		close(vms[i]);
	assert_int_equal(live_objects(), 1);
	close(kvm);
}

const struct CMUnitTest close_tests[] = {
	DOOR_TEST(close_releases_each_object),         DOOR_TEST(close_number_again_in_use),
	DOOR_TEST(close_range_releases_what_is_in_it), DOOR_TEST(close_range_that_closes_nothing),
	DOOR_TEST(closefrom_releases_the_rest),        DOOR_TEST(close_many_objects_all_released),
};
const size_t close_test_count = ARRAY_SIZE(close_tests);
