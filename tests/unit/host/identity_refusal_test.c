// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A platform identity's file that is not clearly the user's own, whole and of a
 * known version is refused with a message that helps, and is never replaced.
 */
#include "identity_fixture.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/bits.h"
#include "lib/crypto.h"

#define VERSION 8 /* offset in the file */

/* What a refused load must leave as it was. */
static void write_and_refuse(struct fixture *f, const uint8_t *bytes, size_t len, int err,
			     const char *cause)
{
	uint8_t after[2 * IDENTITY_FILE_SIZE];

	write_file(f->path, bytes, len);
	assert_refused(f, f->path, err, cause);
	assert_int_equal(read_back(f->path, after, sizeof(after)), len);
	assert_memory_equal(after, bytes, len);
}

static void load_others_have_access_eperm(void **state)
{
	struct fixture *f = *state;

	assert_loaded(f, f->path);
	for (mode_t bit = 1; bit <= 040; bit <<= 1) {
		assert_int_equal(chmod(f->path, 0600 | bit), 0);
		assert_refused(f, f->path, EPERM, "others have access");
		assert_int_equal(mode_of(f->path), 0600 | bit);
	}
	assert_int_equal(chmod(f->path, 0400), 0);
	assert_loaded(f, f->path);
}

static void load_symbolic_link_eloop(void **state)
{
	struct fixture *f = *state;
	char target[PATH_SIZE];

	set_path(target, f->dir, "target");
	assert_int_equal(symlink(target, f->path), 0);
	assert_refused(f, f->path, ELOOP, "symbolic link");
	assert_int_equal(access(target, F_OK), -1);
	assert_loaded(f, target);
	assert_refused(f, f->path, ELOOP, "symbolic link");
}

static void load_not_a_regular_file_einval(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd;

	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_refused(f, f->path, EINVAL, "not a regular file");
	assert_int_equal(rmdir(f->path), 0);

	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_refused(f, f->path, EINVAL, "not a regular file");
	assert_int_equal(unlink(f->path), 0);

	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(name.sun_path, f->path, sizeof(f->path));
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_refused(f, f->path, ENXIO, "cannot be opened");
	close(fd);

	assert_refused(f, "/dev/null", EINVAL, "not a regular file");
}

static void load_other_users_file_eperm(void **state)
{
	if (!is_bound_by_permissions)
		skip();
	assert_refused(*state, "/etc/passwd", EPERM, "belongs to user 0");
}

static void load_own_access_forbidden_eacces(void **state)
{
	struct fixture *f = *state;

	if (!is_bound_by_permissions)
		skip();
	assert_loaded(f, f->path);
	assert_int_equal(chmod(f->path, 0), 0);
	assert_refused(f, f->path, EACCES, "cannot be opened");
}

static void load_truncated_or_longer_ebadmsg(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[IDENTITY_FILE_SIZE + 1] = {0};

	assert_loaded(f, f->path);
	assert_int_equal(read_back(f->path, bytes, sizeof(bytes)), IDENTITY_FILE_SIZE);
	for (size_t len = 0; len < IDENTITY_FILE_SIZE; len++)
		write_and_refuse(f, bytes, len, EBADMSG, "truncated or damaged");
	write_and_refuse(f, bytes, sizeof(bytes), EBADMSG, "truncated or damaged");
	write_file(f->path, bytes, IDENTITY_FILE_SIZE);
	assert_loaded(f, f->path);
}

static void load_any_byte_damaged_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[IDENTITY_FILE_SIZE];

	assert_loaded(f, f->path);
	read_back(f->path, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bool version = i >= VERSION && i < VERSION + 4;

		bytes[i] ^= 0x10;
		write_and_refuse(f, bytes, sizeof(bytes), version ? ENOTSUP : EBADMSG,
				 version ? "version" : "damaged");
		bytes[i] ^= 0x10;
	}
}

static void load_unknown_version_enotsup(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[2 * IDENTITY_FILE_SIZE];

	assert_loaded(f, f->path);
	memset(bytes, 0, sizeof(bytes));
	read_back(f->path, bytes, sizeof(bytes));
	bytes[VERSION] = IDENTITY_FILE_VERSION + 1;
	crypto_sha256(bytes, IDENTITY_FILE_SIZE - CRYPTO_SHA256_SIZE,
		      bytes + IDENTITY_FILE_SIZE - CRYPTO_SHA256_SIZE);
	write_and_refuse(f, bytes, IDENTITY_FILE_SIZE, ENOTSUP, "version");
	/* A later format may be longer. */
	write_and_refuse(f, bytes, sizeof(bytes), ENOTSUP, "version");
}

static void load_reserved_field_set_ebadmsg(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[IDENTITY_FILE_SIZE];

	assert_loaded(f, f->path);
	read_back(f->path, bytes, sizeof(bytes));
	bytes[VERSION + 4] = 1;
	crypto_sha256(bytes, IDENTITY_FILE_SIZE - CRYPTO_SHA256_SIZE,
		      bytes + IDENTITY_FILE_SIZE - CRYPTO_SHA256_SIZE);
	write_and_refuse(f, bytes, sizeof(bytes), EBADMSG, "damaged");
}

static void load_read_only_folder_eacces(void **state)
{
	struct fixture *f = *state;

	if (!is_bound_by_permissions)
		skip();
	assert_int_equal(chmod(f->dir, 0500), 0);
	assert_refused(f, f->path, EACCES, "cannot be made");
	assert_int_equal(entries_of(f->dir), 0);
	set_path(f->path, f->dir, "sub/identity");
	assert_refused(f, f->path, EACCES, "cannot be made");
	assert_int_equal(chmod(f->dir, 0700), 0);
	set_path(f->path, f->dir, "identity");
	assert_loaded(f, f->path);
	/* One that is there already needs no writing. */
	assert_int_equal(chmod(f->dir, 0500), 0);
	assert_loaded(f, f->path);
}

static void load_file_in_place_of_folder_enotdir(void **state)
{
	struct fixture *f = *state;

	assert_loaded(f, f->path);
	set_path(f->path, f->dir, "identity/identity");
	assert_refused(f, f->path, ENOTDIR, "Not a directory");
}

static void load_small_error_buffer_is_respected(void **state)
{
	struct fixture *f = *state;
	char error[8];

	memset(error, 'e', sizeof(error));
	assert_int_equal(symlink("x", f->path), 0);
	assert_int_equal(identity_load(f->path, &f->identity, error, 4), -ELOOP);
	assert_string_equal(error, "pla");
	assert_int_equal(error[4], 'e');
	assert_int_equal(identity_load(f->path, &f->identity, NULL, 0), -ELOOP);
}

static void load_too_long_paths_refused(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 16];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[PATH_MAX] = '\0';
	assert_int_equal(load(f, path), -EINVAL);
	assert_non_null(strstr(f->error, "too long"));
	path[PATH_MAX - 1] = '\0';
	assert_int_equal(load(f, path), -ENAMETOOLONG);
	assert_int_equal(setenv("XDG_STATE_HOME", path, 1), 0);
	assert_int_equal(load(f, NULL), -ENAMETOOLONG);
	assert_int_equal(load(f, ""), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest identity_refusal_tests[] = {
		identity_case(load_others_have_access_eperm),
		identity_case(load_symbolic_link_eloop),
		identity_case(load_not_a_regular_file_einval),
		identity_case(load_other_users_file_eperm),
		identity_case(load_own_access_forbidden_eacces),
		identity_case(load_truncated_or_longer_ebadmsg),
		identity_case(load_any_byte_damaged_refused),
		identity_case(load_unknown_version_enotsup),
		identity_case(load_reserved_field_set_ebadmsg),
		identity_case(load_read_only_folder_eacces),
		identity_case(load_file_in_place_of_folder_enotdir),
		identity_case(load_small_error_buffer_is_respected),
		identity_case(load_too_long_paths_refused),
	};

	return cmocka_run_group_tests(identity_refusal_tests, drop_root, become_root_again);
}
