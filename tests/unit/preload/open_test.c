// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening the node: flags, errors, and the line that tells who answered. */
#define _GNU_SOURCE /* RTLD_DEFAULT */
#include "fixture.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/bits.h"
#include "tests.h"

static void open_cloexec_is_kept(void **state)
{
	int fd = open(NODE_PATH, O_RDWR | O_CLOEXEC);
	int other = open(NODE_PATH, O_RDWR);

	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(other, F_GETFD), 0);
	close(fd);
	close(other);
}

static void open_access_mode_is_told(void **state)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = open(NODE_PATH, modes[i]);

		assert_int_equal(ioctl(fd, KVM_GET_API_VERSION, 0), KVM_API_VERSION);
		assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, modes[i]);
		close(fd);
	}
}

static void open_impossible_flags_as_a_device(void **state)
{
	assert_errno(open(NODE_PATH, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	assert_errno(open(NODE_PATH, O_RDONLY | O_DIRECTORY), ENOTDIR);
}

static void open_twice_two_objects(void **state)
{
	int a = open_kvm();
	int b = open_kvm();

	assert_int_equal(live_objects(), 2);
	close(a);
	assert_int_equal(live_objects(), 1);
	assert_kind(b, KVM_KIND_SYSTEM);
	close(b);
}

static void open_no_path_efault(void **state)
{
	/* Without libc's prototypes, which forbid it. */
	int (*open_any)(const char *, int, ...) = dlsym(RTLD_DEFAULT, "open");
	int (*access_any)(const char *, int) = dlsym(RTLD_DEFAULT, "access");

	assert_errno(open_any(NULL, O_RDONLY), EFAULT);
	assert_errno(access_any(NULL, F_OK), EFAULT);
}

static void open_no_descriptor_emfile(void **state)
{
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 0;
	int fd = open(NODE_PATH, O_RDWR);
	int err = errno;

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(fd, -1);
	assert_int_equal(err, EMFILE);
}

static void open_success_leaves_errno(void **state)
{
	int fd;

	errno = E2BIG;
	fd = open(NODE_PATH, O_RDWR);
	assert_int_equal(errno, E2BIG);
	close(fd);
	assert_int_equal(errno, E2BIG);
}

static void open_created_file_gets_its_mode(void **state)
{
	char path[] = "/tmp/exclave-open-XXXXXX";
	struct stat st;
	int fd = mkstemp(path);

	close(fd);
	unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & ~022U, S_IFREG | 0640);
	close(fd);
	unlink(path);
}

static bool open_log(void *arg)
{
	int *out = arg;

	dup2(out[1], STDERR_FILENO);
	close(open(NODE_PATH, O_RDWR));
	setenv("EXCLAVE_LOG", "1", 1);
	for (int i = 0; i < 3; i++)
		close(open(NODE_PATH, O_RDWR));
	dprintf(out[1], "%d", getpid());
	return true;
}

static void open_with_log_tells_once(void **state)
{
	char text[200], expected[200];
	int out[2], pid;
	ssize_t len;

	assert_int_equal(pipe(out), 0);
	in_child(open_log, out);
	close(out[1]);
	len = read(out[0], text, sizeof(text) - 1);
	close(out[0]);
	assert_true(len > 0);
	text[len] = 0;
	assert_non_null(strchr(text, '\n'));
	pid = atoi(strchr(text, '\n') + 1);
	snprintf(expected, sizeof(expected), "exclave: /dev/kvm is software (pid %d)\n%d", pid,
		 pid);
	assert_string_equal(text, expected);
}

const struct CMUnitTest open_tests[] = {
	DOOR_TEST(open_cloexec_is_kept),
	DOOR_TEST(open_access_mode_is_told),
	DOOR_TEST(open_impossible_flags_as_a_device),
	DOOR_TEST(open_twice_two_objects),
	DOOR_TEST(open_no_path_efault),
	DOOR_TEST(open_no_descriptor_emfile),
	DOOR_TEST(open_success_leaves_errno),
	DOOR_TEST(open_created_file_gets_its_mode),
	DOOR_TEST(open_with_log_tells_once),
};
const size_t open_test_count = ARRAY_SIZE(open_tests);
