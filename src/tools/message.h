/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_MESSAGE_H
#define EXCLAVE_TOOLS_MESSAGE_H

/* Writes "exclave: ..." to standard error: what, why, what to do. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
