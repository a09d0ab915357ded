/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Eventfds of the VMM's, of which we keep descriptors of our own. */
#ifndef EXCLAVE_KVM_EVENTFD_H
#define EXCLAVE_KVM_EVENTFD_H

#include <stdbool.h>

/* Return: 0, -EBADF, or -EINVAL when @fd is open and no eventfd. */
int eventfd_check(int fd);
/* Return: our own descriptor of the eventfd @fd, or -errno. */
int eventfd_take(int fd);
/*
 * Is @fd of the VMM's the file of @own? Numbers are reused, files are not; @vmm_fd was its
 * number, for hosts that cannot compare files.
 */
bool eventfd_is_same(int own, int vmm_fd, int fd);
/* Adds 1. It fails only when the VMM has made it unwritable, which is its own affair. */
void eventfd_signal(int fd);
/* Empties it without ever blocking. Return: was there anything? */
bool eventfd_drain(int fd);

#endif
