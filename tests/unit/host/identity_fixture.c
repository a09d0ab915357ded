// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* nftw */
#include "identity_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bits.h"

#define NOBODY 65534

bool is_bound_by_permissions;

void set_path(char *path, const char *folder, const char *name)
{
	snprintf(path, PATH_SIZE, "%s/%s", folder, name);
}

int drop_root(void **state)
{
	is_bound_by_permissions = geteuid() != 0 || seteuid(NOBODY) == 0;
	return 0;
}

int become_root_again(void **state)
{
	/* Also for an ordinary user, for whom it changes nothing. */
	return seteuid(getuid());
}

int setup(void **state)
{
	static const char template[] = "/tmp/exclave-identity.XXXXXX";
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	memcpy(f->dir, template, sizeof(template));
	assert_non_null(mkdtemp(f->dir));
	set_path(f->path, f->dir, "identity");
	umask(022);
	assert_int_equal(setenv("XDG_STATE_HOME", f->dir, 1), 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int teardown(void **state)
{
	struct fixture *f = *state;

	umask(022);
	chmod(f->dir, 0700);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

int load(struct fixture *f, const char *path)
{
	memset(&f->identity, 0x5a, sizeof(f->identity));
	memset(f->error, 'e', sizeof(f->error));
	return identity_load(path, &f->identity, f->error, sizeof(f->error));
}

void assert_loaded(struct fixture *f, const char *path)
{
	int ret = load(f, path);

	if (ret)
		print_error("%s\n", f->error);
	assert_int_equal(ret, 0);
	assert_string_equal(f->error, "");
}

void assert_refused(struct fixture *f, const char *path, int err, const char *cause)
{
	assert_int_equal(load(f, path), -err);
	assert_true(is_zero(&f->identity, sizeof(f->identity)));
	assert_non_null(strstr(f->error, path));
	if (!strstr(f->error, cause) || !strchr(f->error, ';'))
		fail_msg("\"%s\" in: %s", cause, f->error);
}

mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

unsigned int entries_of(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

size_t read_back(const char *path, uint8_t *bytes, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, bytes, size);

	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

void write_file(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}
