// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* mkostemp, secure_getenv */
#include "host/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* XDG Base Directory Specification: a relative XDG_STATE_HOME is to be ignored. */
int state_path(const char *name, char *path, size_t size)
{
	const char *state = secure_getenv("XDG_STATE_HOME");
	const char *home = secure_getenv("HOME");
	struct passwd *user = NULL;
	struct passwd entry;
	char strings[4096];
	int len;

	if (state && state[0] == '/') {
		len = snprintf(path, size, "%s/exclave/%s", state, name);
	} else {
		if (!home || home[0] != '/') {
			getpwuid_r(geteuid(), &entry, strings, sizeof(strings), &user);
			home = user ? user->pw_dir : "";
		}
		if (home[0] != '/')
			return -EINVAL;
		len = snprintf(path, size, "%s/.local/state/exclave/%s", home, name);
	}
	return (size_t)len < size ? 0 : -ENAMETOOLONG;
}

/* The length of the path of the folder that @path lies in: 0 is the current one, or "/". */
static size_t folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static int make_folder(const char *folder)
{
	struct stat st;
	int err;

	if (mkdir(folder, S_IRWXU) == 0)
		/* The umask may have taken the owner's bits. */
		return chmod(folder, S_IRWXU) ? -errno : 0;
	err = errno;
	return stat(folder, &st) ? -err : 0;
}

/* All folders above the file; those that exist keep their modes. */
static int make_folders(const char *path)
{
	size_t end = folder_len(path);
	char folder[PATH_MAX];
	int ret;

	memcpy(folder, path, end + 1);
	for (size_t i = 1; i <= end; i++) {
		if (path[i] != '/')
			continue;
		folder[i] = '\0';
		ret = make_folder(folder);
		if (ret)
			return ret;
		folder[i] = '/';
	}
	return 0;
}

static int sync_folder(const char *path)
{
	size_t len = folder_len(path);
	char folder[PATH_MAX];
	int ret = 0;
	int fd;

	memcpy(folder, path, len);
	folder[len] = '\0';
	if (!len)
		memcpy(folder, path[0] == '/' ? "/" : ".", 2);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Some file systems cannot sync a folder and need not. */
	if (fsync(fd) && errno != EINVAL)
		ret = -errno;
	close(fd);
	return ret;
}

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int fill_file(int fd, const void *bytes, size_t size)
{
	int ret;

	/* The umask may have taken the owner's bits. */
	if (fchmod(fd, S_IRUSR | S_IWUSR))
		return -errno;
	ret = write_all(fd, bytes, size);
	if (ret)
		return ret;
	return fsync(fd) ? -errno : 0;
}

/*
 * Writes a temporary file beside the file and links it there. Unlike rename(),
 * link() fails when another process was faster, whose file then counts.
 */
static int publish(const char *path, const void *bytes, size_t size)
{
	char temp[PATH_MAX + 8];
	int fd, ret;

	snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fill_file(fd, bytes, size);
	if (!ret && link(temp, path) && errno != EEXIST)
		ret = -errno;
	unlink(temp);
	close(fd);
	return ret ? ret : sync_folder(path);
}

int state_create(const char *path, const void *bytes, size_t size)
{
	int ret = make_folders(path);

	return ret ? ret : publish(path, bytes, size);
}
