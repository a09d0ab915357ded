// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/provision.h"

#include "host/message.h"
#include "host/options.h"
#include "host/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int file_path(char *path, size_t size)
{
	static const char about[] =
		"Who may open this file may give its VMs enclaves with the provisioning key.\n";
	const char *chosen = option_get(OPTION_PROVISION);
	int ret;

	if (chosen && !strcmp(chosen, "none"))
		return -EACCES;
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
	if (fd < 0) {
		ret = -errno;
		host_warn_once(
			"/dev/sgx_provision: %s cannot be opened: %s; guests get no provisioning key. "
			"Give this user access to it, or name another file with "
			"EXCLAVE_PROVISION (none: on purpose)",
			path, strerror(errno));
		return ret;
	}
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
