// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/message.h"

#include <stdarg.h>
#include <stdio.h>

static char *kept;
static size_t kept_size;

void complaints_keep(char *text, size_t size)
{
	kept = text;
	kept_size = size;
}

void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (kept) {
		vsnprintf(kept, kept_size, format, arguments);
	} else {
		fputs("exclave: ", stderr);
		vfprintf(stderr, format, arguments);
		fputc('\n', stderr);
	}
	va_end(arguments);
}
