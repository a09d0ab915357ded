/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXCLAVE_TOOLS_VERSION_H
#define EXCLAVE_TOOLS_VERSION_H

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

/* "7.2", with anything behind it. Return: false for what does not begin like that. */
static inline bool version_parse(const char *text, unsigned int *major, unsigned int *minor)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*major = (unsigned int)strtoul(text, &end, 10);
	if (*end != '.' || !isdigit((unsigned char)end[1]))
		return false;
	*minor = (unsigned int)strtoul(end + 1, NULL, 10);
	return true;
}

#endif
