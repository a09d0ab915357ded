// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void host_warn(const char *format, ...)
{
	static const char prefix[] = "exclave: ";
	int err = errno;
	char line[512];
	va_list args;
	size_t len = sizeof(prefix) - 1;
	int text;

	memcpy(line, prefix, len);
	va_start(args, format);
	text = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
	va_end(args);
	if (text > 0)
		len += (size_t)text < sizeof(line) - len - 1 ? (size_t)text
							     : sizeof(line) - len - 2;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		errno = err; /* nobody is there to be told */
	errno = err;
}
