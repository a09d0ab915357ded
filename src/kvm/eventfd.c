// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* preadv2 */
#include "kvm/eventfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int eventfd_check(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	char path[64], target[sizeof(want)];
	ssize_t len;

	if (fcntl(fd, F_GETFD) < 0)
		return -EBADF;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, target, sizeof(target));
	if (len != sizeof(want) - 1 || memcmp(target, want, sizeof(want) - 1) != 0)
		return -EINVAL;
	return 0;
}

int eventfd_take(int fd)
{
	int ret = eventfd_check(fd);

	if (ret)
		return ret;
	ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return ret < 0 ? -errno : ret;
}

bool eventfd_is_same(int own, int vmm_fd, int fd)
{
	long ret = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, own, fd);

	return ret < 0 ? vmm_fd == fd : ret == 0;
}

void eventfd_signal(int fd)
{
	ssize_t ret = write(fd, &(uint64_t){1}, sizeof(uint64_t));

	(void)ret;
}

bool eventfd_drain(int fd)
{
	uint64_t count;
	struct iovec iov = {&count, sizeof(count)};

	/* The VMM's may be one that blocks, and the VMM may have been faster. */
	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}
