/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines for the user on standard error, where a host's kernel writes to its log. */
#ifndef EXCLAVE_HOST_MESSAGE_H
#define EXCLAVE_HOST_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>

/* One line, whole, with the program's name before it. Leaves errno as it is. */
__attribute__((format(printf, 1, 2))) void host_warn(const char *format, ...);

/* The first time only: what a guest can bring about as often as it likes. */
#define host_warn_once(...)                         \
	do {                                        \
		static atomic_bool said_;           \
		if (!atomic_exchange(&said_, true)) \
			host_warn(__VA_ARGS__);     \
	} while (0)

#endif
