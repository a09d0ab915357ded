// SPDX-License-Identifier: GPL-2.0-or-later
/* Duplicates share the object; what they replace is released. */
#define _GNU_SOURCE /* dup3 */
#include "fixture.h"

#include <sys/resource.h>

#include "lib/bits.h"
#include "tests.h"

static void expect_shared(int fd, int copy)
{
	assert_true(copy >= 0);
	assert_named(copy, "kvm");
	assert_kind(copy, KVM_KIND_SYSTEM);
	assert_int_equal(live_objects(), 1);
	close(fd);
	assert_kind(copy, KVM_KIND_SYSTEM);
	assert_int_equal(live_objects(), 1);
	close(copy);
	assert_int_equal(live_objects(), 0);
}

static void dup_shares_the_object(void **state)
{
	int kvm = open_kvm();

	expect_shared(kvm, dup(kvm));
	kvm = open_kvm();
	expect_shared(kvm, dup2(kvm, 500));
	kvm = open_kvm();
	expect_shared(kvm, dup3(kvm, 2000, 0));
	kvm = open_kvm();
	expect_shared(kvm, fcntl(kvm, F_DUPFD, 700));
	kvm = open_kvm();
	expect_shared(kvm, fcntl(kvm, F_DUPFD_CLOEXEC, 700));
}

static void dup_close_on_exec_as_asked(void **state)
{
	int kvm = open_kvm();
	int copies[] = {dup(kvm),
			dup2(kvm, 500),
			dup3(kvm, 501, 0),
			dup3(kvm, 502, O_CLOEXEC),
			fcntl(kvm, F_DUPFD, 600),
			fcntl(kvm, F_DUPFD_CLOEXEC, 600)};
	static const int expected[] = {0, 0, 0, FD_CLOEXEC, 0, FD_CLOEXEC};

	for (size_t i = 0; i < ARRAY_SIZE(copies); i++) {
		assert_int_equal(fcntl(copies[i], F_GETFD), expected[i]);
		close(copies[i]);
	}
	close(kvm);
}

static void dup2_onto_itself_changes_nothing(void **state)
{
	int kvm = open_kvm();

	assert_int_equal(dup2(kvm, kvm), kvm);
	assert_errno(dup3(kvm, kvm, 0), EINVAL);
	assert_kind(kvm, KVM_KIND_SYSTEM);
	close(kvm);
}

static void dup2_over_ours_releases_it(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm), null = open("/dev/null", O_RDONLY);

	assert_int_equal(dup2(null, vm), vm);
	assert_int_equal(live_objects(), 1);
	assert_errno(ioctl(vm, FAKE_KIND), ENOTTY);
	assert_int_equal(dup2(kvm, null), null);
	assert_kind(null, KVM_KIND_SYSTEM);
	close(vm);
	vm = create_vm(kvm);
	assert_int_equal(dup2(kvm, vm), vm);
	assert_kind(vm, KVM_KIND_SYSTEM);
	assert_int_equal(live_objects(), 1);
	close(vm);
	close(null);
	close(kvm);
}

static void dup_refused_changes_nothing(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm);

	assert_errno(dup2(-1, vm), EBADF);
	assert_errno(dup2(kvm, -1), EBADF);
	assert_errno(dup3(kvm, vm, O_APPEND), EINVAL);
	assert_errno(fcntl(kvm, F_DUPFD, -1), EINVAL);
	assert_kind(vm, KVM_KIND_VM);
	assert_kind(kvm, KVM_KIND_SYSTEM);
	assert_int_equal(live_objects(), 2);
	close(vm);
	close(kvm);
}

/* Beyond the table; needs the right to have so many. */
static void dup_number_too_large_emfile(void **state)
{
	struct rlimit before, many;
	int kvm = open_kvm(), fd, err;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	many = (struct rlimit){.rlim_cur = (1 << 20) + 2, .rlim_max = before.rlim_max};
	if (many.rlim_max < many.rlim_cur)
		many.rlim_max = many.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &many)) {
		close(kvm);
		print_message("RLIMIT_NOFILE cannot exceed 2^20 here\n");
		skip();
	}
	fd = dup2(kvm, 1 << 20);
	err = errno;
	setrlimit(RLIMIT_NOFILE, &before);
	assert_int_equal(fd, -1);
	assert_int_equal(err, EMFILE);
	assert_errno(close(1 << 20), EBADF);
	close(kvm);
}

const struct CMUnitTest dup_tests[] = {
	DOOR_TEST(dup_shares_the_object),
	DOOR_TEST(dup_close_on_exec_as_asked),
	DOOR_TEST(dup2_onto_itself_changes_nothing),
	DOOR_TEST(dup2_over_ours_releases_it),
	DOOR_TEST(dup_refused_changes_nothing),
	DOOR_TEST(dup_number_too_large_emfile),
};
const size_t dup_test_count = ARRAY_SIZE(dup_tests);
