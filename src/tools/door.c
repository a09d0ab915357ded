// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/door.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/library.h"

const struct door door_machine = {
	.open = open,
	.close = close,
	.ioctl = ioctl,
	.mmap = mmap,
};

int door_software(struct door *door, char *error, size_t size)
{
	char path[PATH_MAX];
	int ret = library_find(path, error, size);
	void *library;

	if (ret)
		return ret;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(
			error, size,
			"%.200s; install what is missing (on Debian, libssl3 and libzydis4.0), or build "
			"exclave on this machine",
			dlerror());
		return -ENOENT;
	}
	door->open = dlsym(library, "open");
	door->close = dlsym(library, "close");
	door->ioctl = dlsym(library, "ioctl");
	door->mmap = dlsym(library, "mmap");
	if (door->open && door->close && door->ioctl && door->mmap)
		return 0;
	snprintf(error, size, "%.200s is another library; install exclave again", path);
	return -ENOEXEC;
}
