// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/epc_config.h"

#include "host/size.h"
#include "lib/bits.h"
#include "sgx/epc.h"

#include <errno.h>
#include <string.h>

static int parse_section_size(const char **text, uint64_t *size)
{
	if (size_parse(text, size) || *size > EPC_MAX_SECTION_SIZE)
		return -EINVAL;
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

	if (size_parse_number(text, &node) || *(*text)++ != ':' || parse_section_size(text, &size))
		return -EINVAL;
	return add(config, node, size);
}

int epc_config_parse(const char *text, struct epc_config *config)
{
	uint64_t size;

	config->count = 0;
	if (!strchr(text, ':'))
		return parse_section_size(&text, &size) || *text ? -EINVAL : add(config, 0, size);
	for (;;) {
		if (parse_one(&text, config))
			return -EINVAL;
		if (!*text)
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}
