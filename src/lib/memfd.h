/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_LIB_MEMFD_H
#define EXCLAVE_LIB_MEMFD_H

/*
 * memfd_create() of a file that nobody is to execute as a program, which the kernel wants to be told
 * where the sysctl vm.memfd_noexec is set; it may be mapped executable all the same.
 * Return: a descriptor, or -1 with errno.
 */
int memfd_make(const char *name, unsigned int flags);

#endif
