/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much EPC the host has, on which of its nodes. EXCLAVE_EPC is a size, which is
 * node 0's, or a list of NODE:SIZE; sizes have a suffix K, M, G or T. Nodes are the
 * model's own and need not exist on the host.
 */
#ifndef EXCLAVE_HOST_EPC_CONFIG_H
#define EXCLAVE_HOST_EPC_CONFIG_H

#include <stdint.h>

#define EPC_MAX_NODES      64
#define EPC_DEFAULT_SIZE   (UINT64_C(128) << 30)
#define EPC_MIN_SIZE       (UINT64_C(64) << 20) /* of the default, where address space is short */
#define EPC_NODE_SIZE_STEP UINT64_C(4096)

struct epc_config {
	unsigned int count;
	struct {
		unsigned int node;
		uint64_t size;
	} section[EPC_MAX_NODES];
};

/* Return: 0; -EINVAL with @config undefined when @text is no such list. */
int epc_config_parse(const char *text, struct epc_config *config);

#endif
