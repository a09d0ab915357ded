/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_LIB_ADDRESS_SPACE_H
#define EXCLAVE_LIB_ADDRESS_SPACE_H

#include <stdint.h>

/*
 * A number of the memory that the caller runs in, other than 0. Threads have the same, and a
 * child of vfork() has its parent's; a child of fork(), which only has a copy, has one
 * that none of its ancestors had when it was made. No system call after the first in an address space.
 */
uint64_t address_space_id(void);

#endif
