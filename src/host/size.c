// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/size.h"

#include "lib/bits.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Powers of 1,024 by their letters. */
static unsigned int suffix_shift(char c)
{
	static const char letters[] = "KMGT";
	const char *at = c ? strchr(letters, toupper((unsigned char)c)) : NULL;

	return at ? (unsigned int)(at - letters + 1) * 10 : 0;
}

int size_parse_number(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -EINVAL : 0;
}

int size_parse(const char **text, uint64_t *size)
{
	unsigned int shift;

	if (size_parse_number(text, size))
		return -EINVAL;
	shift = suffix_shift(**text);
	if (shift)
		(*text)++;
	if (*size > UINT64_MAX >> shift)
		return -EINVAL;
	*size <<= shift;
	return 0;
}

int code_cache_parse(const char *text, uint64_t *size)
{
	if (size_parse(&text, size) || *text)
		return -EINVAL;
	return *size >= CODE_CACHE_MIN && *size <= CODE_CACHE_MAX &&
			       is_aligned(*size, CODE_CACHE_MIN)
		       ? 0
		       : -EINVAL;
}
