/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_GUEST_KERNEL_H
#define EXCLAVE_TOOLS_GUEST_KERNEL_H

#include <stddef.h>

/*
 * Looks whether the guest's kernel at @path can have the SGX driver: by its version, and by the
 * configuration that distributions put beside it.
 * Return: NULL when nothing speaks against it, else what does, in @text.
 */
const char *guest_kernel_complaint(const char *path, char *text, size_t size);

#endif
