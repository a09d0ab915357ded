// SPDX-License-Identifier: GPL-2.0-or-later
#include "preload/direct.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

int direct_open64(const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_open, path, flags, mode);
}

int direct_openat64(int dirfd, const char *path, int flags, mode_t mode)
{
	return (int)syscall(SYS_openat, dirfd, path, flags, mode);
}

int direct___open64_2(const char *path, int flags)
{
	return direct_open64(path, flags, 0);
}

int direct___openat64_2(int dirfd, const char *path, int flags)
{
	return direct_openat64(dirfd, path, flags, 0);
}

int direct_ioctl(int fd, unsigned long request, unsigned long arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

void *direct_mmap64(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
	return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

int direct_munmap(void *addr, size_t len)
{
	return (int)syscall(SYS_munmap, addr, len);
}

int direct_madvise(void *addr, size_t len, int advice)
{
	return (int)syscall(SYS_madvise, addr, len, advice);
}

off_t direct_lseek64(int fd, off_t offset, int whence)
{
	return syscall(SYS_lseek, fd, offset, whence);
}

int direct_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

int direct_close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

void direct_closefrom(int low)
{
	direct_close_range(low > 0 ? (unsigned int)low : 0, UINT_MAX, 0);
}

int direct_dup(int fd)
{
	return (int)syscall(SYS_dup, fd);
}

int direct_dup2(int fd, int to)
{
	return (int)syscall(SYS_dup2, fd, to);
}

int direct_dup3(int fd, int to, int flags)
{
	return (int)syscall(SYS_dup3, fd, to, flags);
}

int direct_fcntl64(int fd, int cmd, unsigned long arg)
{
	return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

int direct_access(const char *path, int mode)
{
	return (int)syscall(SYS_access, path, mode);
}

int direct_faccessat(int dirfd, const char *path, int mode, int flags)
{
	/* Kernels before 5.8 know no flags. */
	if (!flags)
		return (int)syscall(SYS_faccessat, dirfd, path, mode);
	return (int)syscall(SYS_faccessat2, dirfd, path, mode, flags);
}

int direct_euidaccess(const char *path, int mode)
{
	return direct_faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

int direct_stat64(const char *path, struct stat *st)
{
	return (int)syscall(SYS_stat, path, st);
}

int direct_lstat64(const char *path, struct stat *st)
{
	return (int)syscall(SYS_lstat, path, st);
}

int direct_fstat64(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

int direct_fstatat64(int dirfd, const char *path, struct stat *st, int flags)
{
	return (int)syscall(SYS_newfstatat, dirfd, path, st, flags);
}

/* x86-64 has had one layout of struct stat, whatever the version says. */
int direct___xstat64(int version, const char *path, struct stat *st)
{
	return direct_stat64(path, st);
}

int direct___lxstat64(int version, const char *path, struct stat *st)
{
	return direct_lstat64(path, st);
}

int direct___fxstat64(int version, int fd, struct stat *st)
{
	return direct_fstat64(fd, st);
}

int direct___fxstatat64(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	return direct_fstatat64(dirfd, path, st, flags);
}

int direct_statx(int dirfd, const char *path, int flags, unsigned int mask, struct statx *st)
{
	return (int)syscall(SYS_statx, dirfd, path, flags, mask, st);
}
