/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_MESSAGE_H
#define EXCLAVE_TOOLS_MESSAGE_H

#include <stddef.h>

/* Writes "exclave: ..." to standard error: what, why, what to do. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* From now on complaints go to @text, the last one counts; NULL: to standard error again. */
void complaints_keep(char *text, size_t size);

#endif
