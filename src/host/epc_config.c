// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/epc_config.h"

#include "lib/bits.h"
#include "sgx/epc.h"

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

/* A number at *@text, which moves behind it. */
static int parse_number(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -EINVAL : 0;
}

static int parse_size(const char **text, uint64_t *size)
{
	unsigned int shift;

	if (parse_number(text, size))
		return -EINVAL;
	shift = suffix_shift(**text);
	if (shift)
		(*text)++;
	if (*size > EPC_MAX_SECTION_SIZE >> shift)
		return -EINVAL;
	*size <<= shift;
	return *size && is_aligned(*size, EPC_NODE_SIZE_STEP) ? 0 : -EINVAL;
}

static int add(struct epc_config *config, uint64_t node, uint64_t size)
{
	if (config->count == EPC_MAX_NODES || node >= EPC_MAX_NODES)
		return -EINVAL;
	for (unsigned int i = 0; i < config->count; i++)
		if (config->section[i].node == node)
			return -EINVAL;
	config->section[config->count].node = (unsigned int)node;
	config->section[config->count++].size = size;
	return 0;
}

static int parse_one(const char **text, struct epc_config *config)
{
	uint64_t node, size;

	if (parse_number(text, &node) || *(*text)++ != ':' || parse_size(text, &size))
		return -EINVAL;
	return add(config, node, size);
}

int epc_config_parse(const char *text, struct epc_config *config)
{
	uint64_t size;

	config->count = 0;
	if (!strchr(text, ':'))
		return parse_size(&text, &size) || *text ? -EINVAL : add(config, 0, size);
	for (;;) {
		if (parse_one(&text, config))
			return -EINVAL;
		if (!*text)
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}
