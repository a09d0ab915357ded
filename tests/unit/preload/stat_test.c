// SPDX-License-Identifier: GPL-2.0-or-later
/* The node looks like a device, its descriptors like that device, other objects like anonymous inodes. */
#define _GNU_SOURCE /* statx */
#include "fixture.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/bits.h"
#include "tests.h"

static void stat_node_is_roots_device(void **state)
{
	struct stat st, dev;

	assert_int_equal(stat("/dev", &dev), 0);
	assert_int_equal(stat(NODE_PATH, &st), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0666);
	assert_int_equal(st.st_rdev, makedev(10, 232));
	assert_int_equal(st.st_dev, dev.st_dev);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 0);
	assert_int_equal(st.st_size, 0);
}

/* A program that looks before it opens compares the two. */
static void fstat_is_the_node_that_was_looked_at(void **state)
{
	int kvm = open_kvm();
	struct stat before, after;

	assert_int_equal(lstat(NODE_PATH, &before), 0);
	assert_int_equal(fstat(kvm, &after), 0);
	assert_true(S_ISCHR(after.st_mode));
	assert_int_equal(before.st_dev, after.st_dev);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_rdev, after.st_rdev);
	close(kvm);
}

static void fstatat_empty_path_is_the_descriptor(void **state)
{
	int kvm = open_kvm();
	struct stat st;
	struct statx stx;

	assert_int_equal(fstatat(kvm, "", &st, AT_EMPTY_PATH), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(statx(kvm, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx), 0);
	assert_true(S_ISCHR(stx.stx_mode));
	assert_errno(fstatat(kvm, "", &st, 0), ENOENT);
	assert_errno(fstatat(kvm, "name", &st, 0), ENOTDIR);
	close(kvm);
}

static void fstat_vm_has_no_type(void **state)
{
	int kvm = open_kvm(), vm = create_vm(kvm);
	struct stat st;
	struct statx stx;

	assert_int_equal(fstat(vm, &st), 0);
	assert_int_equal(st.st_mode, 0600);
	assert_int_equal(statx(vm, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx), 0);
	assert_int_equal(stx.stx_mode, 0600);
	close(vm);
	close(kvm);
	assert_errno(fstat(vm, &st), EBADF);
}

static void statx_node_agrees_with_stat(void **state)
{
	struct stat st;
	struct statx stx, null;

	assert_int_equal(stat(NODE_PATH, &st), 0);
	assert_int_equal(statx(AT_FDCWD, NODE_PATH, 0, STATX_BASIC_STATS, &stx), 0);
	assert_int_equal(stx.stx_mode, st.st_mode);
	assert_int_equal(stx.stx_ino, st.st_ino);
	assert_int_equal(makedev(stx.stx_rdev_major, stx.stx_rdev_minor), st.st_rdev);
	assert_int_equal(makedev(stx.stx_dev_major, stx.stx_dev_minor), st.st_dev);
	assert_int_equal(stx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	assert_int_equal(statx(AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &null), 0);
	assert_int_equal(null.stx_rdev_minor, 3);
}

const struct CMUnitTest stat_tests[] = {
	DOOR_TEST(stat_node_is_roots_device),
	DOOR_TEST(fstat_is_the_node_that_was_looked_at),
	DOOR_TEST(fstatat_empty_path_is_the_descriptor),
	DOOR_TEST(fstat_vm_has_no_type),
	DOOR_TEST(statx_node_agrees_with_stat),
};
const size_t stat_test_count = ARRAY_SIZE(stat_tests);
