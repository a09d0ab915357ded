// SPDX-License-Identifier: GPL-2.0-or-later
/* /dev/sgx_provision may be opened by who may open the file that stands for it. */
#include "tests.h"

#include "host/provision.h"
#include "lib/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOBODY 65534

static void file_is_made_at_first_use(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/exclave/provision", getenv("XDG_STATE_HOME"));
	unlink(path);
	assert_int_equal(provision_access(R_OK | W_OK), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(provision_open(O_RDONLY | O_CLOEXEC), 0);
	assert_int_equal(provision_open(O_RDWR), 0);
}

static void chosen_file_counts(void **state)
{
	(void)state;
	setenv("EXCLAVE_PROVISION", "/dev/null", 1);
	assert_int_equal(provision_open(O_RDONLY), 0);
	setenv("EXCLAVE_PROVISION", "/nonexistent", 1);
	assert_int_equal(provision_open(O_RDONLY), -ENOENT);
	assert_int_equal(provision_access(R_OK), -ENOENT);
	setenv("EXCLAVE_PROVISION", "none", 1);
	assert_int_equal(provision_open(O_RDONLY), -EACCES);
	assert_int_equal(provision_access(R_OK), -EACCES);
	unsetenv("EXCLAVE_PROVISION");
}

static void file_without_permission_eacces(void **state)
{
	char path[] = "/tmp/exclave-provision.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	setenv("EXCLAVE_PROVISION", path, 1);
	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() != 0 || seteuid(NOBODY) == 0)
		assert_int_equal(provision_open(O_RDONLY), -EACCES);
	assert_int_equal(seteuid(getuid()), 0);
	unsetenv("EXCLAVE_PROVISION");
	unlink(path);
}

const struct CMUnitTest provision_tests[] = {
	cmocka_unit_test(file_is_made_at_first_use),
	cmocka_unit_test(chosen_file_counts),
	cmocka_unit_test(file_without_permission_eacces),
};
const size_t provision_test_count = ARRAY_SIZE(provision_tests);
