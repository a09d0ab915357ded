// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* secure_getenv */
#include "host/provision.h"

#include "host/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int file_path(char *path, size_t size)
{
	static const char about[] =
		"Who may open this file may give its VMs enclaves with the provisioning key.\n";
	const char *chosen = secure_getenv("EXCLAVE_PROVISION");
	int ret;

	if (chosen)
		return (size_t)snprintf(path, size, "%s", chosen) < size ? 0 : -ENAMETOOLONG;
	ret = state_path("provision", path, size);
	return ret ? ret : state_create(path, about, sizeof(about) - 1);
}

int provision_open(int flags)
{
	char path[PATH_MAX];
	int ret = file_path(path, sizeof(path)), fd;

	if (ret)
		return ret;
	fd = open(path, (flags & O_ACCMODE) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

int provision_access(int mode)
{
	char path[PATH_MAX];
	int ret = file_path(path, sizeof(path));

	if (ret)
		return ret;
	return access(path, mode) ? -errno : 0;
}
