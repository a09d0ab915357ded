// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* readlink */
#include "tools/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bits.h"

#define LIBRARY "libexclave.so"

/* Installed, and in the build tree. */
static const char *const library_places[] = {
	"../lib/exclave/" LIBRARY,
	LIBRARY,
};

static int find_own_folder(char *dir, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	if (len < 0)
		return -errno;
	dir[len] = 0;
	slash = strrchr(dir, '/');
	if (!slash)
		return -EINVAL;
	*slash = 0;
	return 0;
}

int installed_find(const char *const *places, unsigned int count, char path[PATH_MAX])
{
	char dir[PATH_MAX], candidate[PATH_MAX + 64];
	int ret = find_own_folder(dir, sizeof(dir));

	if (ret)
		return ret;
	for (unsigned int i = 0; i < count; i++) {
		snprintf(candidate, sizeof(candidate), "%s/%s", dir, places[i]);
		if (realpath(candidate, path) && !access(path, R_OK))
			return 0;
	}
	/* For messages. */
	snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, dir);
	return -ENOENT;
}

int library_find(char library[PATH_MAX], char *error, size_t size)
{
	int ret = installed_find(library_places, ARRAY_SIZE(library_places), library);

	if (ret == -ENOENT)
		snprintf(
			error, size,
			"%s is neither in %.200s/../lib/exclave nor in %.200s; install exclave again, "
			"or build it",
			LIBRARY, library, library);
	else if (ret)
		snprintf(
			error, size,
			"cannot tell where exclave is installed: /proc/self/exe: %s; is /proc mounted?",
			strerror(-ret));
	else if (strpbrk(library, ": \t")) {
		snprintf(
			error, size,
			"%.400s: the dynamic linker takes no library whose path has a blank or colon; "
			"install exclave elsewhere",
			library);
		ret = -EINVAL;
	}
	return ret;
}
