/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies from and to where a pointer of the VMM's points, which may be anywhere.
 * They go through the kernel, and so need no signal handler: the first ioctls come
 * before any engine has set one up, and a VMM may have set its own.
 */
#ifndef EXCLAVE_KVM_USER_H
#define EXCLAVE_KVM_USER_H

#include <stddef.h>
#include <stdint.h>

/* Return: 0, or -EFAULT when the copy stopped part of the way. */
int user_read(void *dst, uint64_t src, size_t len);
int user_write(uint64_t dst, const void *src, size_t len);

#endif
