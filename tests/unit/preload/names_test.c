// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every name under which a program can reach the calls leads to the door, for the
 * node and for other files; the latter get what the kernel says.
 */
#define _GNU_SOURCE /* dladdr */
#include "fixture.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/bits.h"
#include "tests.h"

static const char *const names[] = {
	"open",       "open64",       "openat",      "openat64",   "__open_2",     "__open64_2",
	"__openat_2", "__openat64_2", "ioctl",       "mmap",       "mmap64",       "lseek",
	"lseek64",    "close",        "close_range", "closefrom",  "dup",          "dup2",
	"dup3",       "fcntl",        "fcntl64",     "access",     "euidaccess",   "eaccess",
	"faccessat",  "stat",         "stat64",      "lstat",      "lstat64",      "fstat",
	"fstat64",    "fstatat",      "fstatat64",   "__xstat",    "__xstat64",    "__lxstat",
	"__lxstat64", "__fxstat",     "__fxstat64",  "__fxstatat", "__fxstatat64", "statx",
};

/* The function that a program without prototypes of its own would call. */
static void *function(const char *name)
{
	void *p = dlsym(RTLD_DEFAULT, name);

	assert_non_null(p);
	return p;
}

static void look_up_each_name_is_the_doors(void **state)
{
	Dl_info info;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_not_equal(dladdr(function(names[i]), &info), 0);
		if (!strstr(info.dli_fname, "libexclave"))
			fail_msg("%s leads to %s", names[i], info.dli_fname);
	}
}

static void look_up_other_name_is_libcs(void **state)
{
	static const char *const others[] = {"read",      "write",     "kvm_ioctl",    "table_get",
					     "node_open", "door_open", "exported_open"};
	Dl_info info;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		void *p = dlsym(RTLD_DEFAULT, others[i]);

		assert_false(p && dladdr(p, &info) && strstr(info.dli_fname, "libexclave"));
	}
}

static int open_as(size_t name, const char *path)
{
	int (*opens)(const char *, int, ...) = function(names[name]);
	int (*opens_at)(int, const char *, int, ...) = function(names[name]);
	bool is_at = strstr(names[name], "openat");

	return is_at ? opens_at(AT_FDCWD, path, O_RDWR) : opens(path, O_RDWR);
}

static void open_by_each_name_opens_the_node(void **state)
{
	for (size_t i = 0; i < 8; i++) {
		int fd = open_as(i, NODE_PATH);

		assert_named(fd, "kvm");
		assert_kind(fd, KVM_KIND_SYSTEM);
		close(fd);
	}
}

static void open_other_file_by_each_name_is_the_kernels(void **state)
{
	struct stat st;

	for (size_t i = 0; i < 8; i++) {
		int fd = open_as(i, "/dev/null");

		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_rdev, makedev(1, 3));
		close(fd);
		assert_errno(open_as(i, "/dev/kvm-nonesuch"), ENOENT);
		assert_errno(open_as(i, "/nonesuch"), ENOENT);
	}
}

/* A relative path is not the node's, whatever it is relative to. */
static void open_relative_path_is_the_kernels(void **state)
{
	char dir[] = "/tmp/exclave-names-XXXXXX";
	struct stat st;
	int at, fd;

	assert_non_null(mkdtemp(dir));
	at = open(dir, O_RDONLY | O_DIRECTORY);
	assert_int_equal(symlinkat("/dev/null", at, "kvm"), 0);
	fd = openat(at, "kvm", O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_rdev, makedev(1, 3));
	close(fd);
	assert_named(fd = openat(at, NODE_PATH, O_RDWR), "kvm");
	close(fd);
	unlinkat(at, "kvm", 0);
	close(at);
	rmdir(dir);
}

static void stat_as(const char *name, const char *path, int fd, struct stat *st)
{
	void *f = function(name);
	int ret;

	memset(st, 0xa5, sizeof(*st));
	if (!strncmp(name, "__fxstatat", 10))
		ret = ((int (*)(int, int, const char *, struct stat *, int))f)(1, AT_FDCWD, path,
									       st, 0);
	else if (!strncmp(name, "__fxstat", 8))
		ret = ((int (*)(int, int, struct stat *))f)(1, fd, st);
	else if (!strncmp(name, "__", 2))
		ret = ((int (*)(int, const char *, struct stat *))f)(1, path, st);
	else if (!strncmp(name, "fstatat", 7))
		ret = ((int (*)(int, const char *, struct stat *, int))f)(AT_FDCWD, path, st, 0);
	else if (name[0] == 'f')
		ret = ((int (*)(int, struct stat *))f)(fd, st);
	else
		ret = ((int (*)(const char *, struct stat *))f)(path, st);
	assert_int_equal(ret, 0);
}

static void stat_each(const char *path, dev_t rdev)
{
	int fd = open(path, O_RDWR);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct stat st;

		if (!strstr(names[i], "stat") || !strcmp(names[i], "statx"))
			continue;
		stat_as(names[i], path, fd, &st);
		assert_true(S_ISCHR(st.st_mode));
		assert_int_equal(st.st_rdev, rdev);
	}
	close(fd);
}

static void stat_by_each_name_tells_the_node(void **state)
{
	stat_each(NODE_PATH, makedev(10, 232));
	stat_each("/dev/null", makedev(1, 3));
}

static void access_by_each_name_tells_the_node(void **state)
{
	static const char *const plain[] = {"access", "euidaccess", "eaccess"};
	int (*at)(int, const char *, int, int) = function("faccessat");

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		int (*check)(const char *, int) = function(plain[i]);

		assert_int_equal(check(NODE_PATH, F_OK), 0);
		assert_int_equal(check(NODE_PATH, R_OK | W_OK), 0);
		assert_errno(check(NODE_PATH, X_OK), EACCES);
		assert_errno(check(NODE_PATH, 8), EINVAL);
		assert_int_equal(check("/dev/null", R_OK | W_OK), 0);
		assert_errno(check("/nonesuch", F_OK), ENOENT);
	}
	assert_int_equal(at(AT_FDCWD, NODE_PATH, R_OK | W_OK, 0), 0);
	assert_errno(at(AT_FDCWD, NODE_PATH, X_OK, AT_EACCESS), EACCES);
	assert_int_equal(at(AT_FDCWD, "/dev/null", R_OK, AT_EACCESS), 0);
	assert_errno(at(AT_FDCWD, "/nonesuch", F_OK, 0), ENOENT);
}

const struct CMUnitTest names_tests[] = {
	DOOR_TEST(look_up_each_name_is_the_doors),
	DOOR_TEST(look_up_other_name_is_libcs),
	DOOR_TEST(open_by_each_name_opens_the_node),
	DOOR_TEST(open_other_file_by_each_name_is_the_kernels),
	DOOR_TEST(open_relative_path_is_the_kernels),
	DOOR_TEST(stat_by_each_name_tells_the_node),
	DOOR_TEST(access_by_each_name_tells_the_node),
};
const size_t names_test_count = ARRAY_SIZE(names_tests);
