/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions that the door stands in front of: the next library's, looked up at
 * the first call. Nothing happens at load. A look-up may itself allocate, and an
 * allocator that is no part of libc maps memory through us: what a thread calls
 * during its own look-up, and what the next library lacks, goes to the kernel directly.
 *
 * Functions with a 64-bit twin are looked up under the twin's name: on x86-64 the two
 * are one function.
 */
#ifndef EXCLAVE_PRELOAD_REAL_H
#define EXCLAVE_PRELOAD_REAL_H

#include <sys/stat.h>
#include <sys/types.h>

#define REAL_FUNCTIONS(X)                                                                   \
	X(open64, int, (const char *path, int flags, mode_t mode))                          \
	X(openat64, int, (int dirfd, const char *path, int flags, mode_t mode))             \
	X(__open64_2, int, (const char *path, int flags))                                   \
	X(__openat64_2, int, (int dirfd, const char *path, int flags))                      \
	X(ioctl, int, (int fd, unsigned long request, unsigned long arg))                   \
	X(mmap64, void *, (void *addr, size_t len, int prot, int flags, int fd, off_t off)) \
	X(munmap, int, (void *addr, size_t len))                                            \
	X(madvise, int, (void *addr, size_t len, int advice))                               \
	X(lseek64, off_t, (int fd, off_t offset, int whence))                               \
	X(close, int, (int fd))                                                             \
	X(close_range, int, (unsigned int first, unsigned int last, int flags))             \
	X(closefrom, void, (int low))                                                       \
	X(dup, int, (int fd))                                                               \
	X(dup2, int, (int fd, int to))                                                      \
	X(dup3, int, (int fd, int to, int flags))                                           \
	X(fcntl64, int, (int fd, int cmd, unsigned long arg))                               \
	X(access, int, (const char *path, int mode))                                        \
	X(euidaccess, int, (const char *path, int mode))                                    \
	X(faccessat, int, (int dirfd, const char *path, int mode, int flags))               \
	X(stat64, int, (const char *path, struct stat *st))                                 \
	X(lstat64, int, (const char *path, struct stat *st))                                \
	X(fstat64, int, (int fd, struct stat *st))                                          \
	X(fstatat64, int, (int dirfd, const char *path, struct stat *st, int flags))        \
	X(__xstat64, int, (int version, const char *path, struct stat *st))                 \
	X(__lxstat64, int, (int version, const char *path, struct stat *st))                \
	X(__fxstat64, int, (int version, int fd, struct stat *st))                          \
	X(__fxstatat64, int,                                                                \
	  (int version, int dirfd, const char *path, struct stat *st, int flags))           \
	X(statx, int, (int dirfd, const char *path, int flags, unsigned int mask, struct statx *st))

#define REAL_TYPE(name, result, arguments) typedef result real_##name##_fn arguments;
REAL_FUNCTIONS(REAL_TYPE)
#undef REAL_TYPE

enum real_function {
#define REAL_ENUM(name, result, arguments) REAL_FN_##name,
	REAL_FUNCTIONS(REAL_ENUM)
#undef REAL_ENUM
	REAL_NR_FUNCTIONS,
};

/* Never NULL; leaves errno as it is. */
void *real_lookup(enum real_function function);

#define REAL(name) ((real_##name##_fn *)real_lookup(REAL_FN_##name))

#endif
