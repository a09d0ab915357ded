/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/sgx_vepc and /dev/sgx_provision. */
#ifndef EXCLAVE_PRELOAD_SGX_NODE_H
#define EXCLAVE_PRELOAD_SGX_NODE_H

#include <stdbool.h>

struct node;

int vepc_node_open(const struct node *node, int flags);

int provision_node_open(const struct node *node, int flags);
int provision_node_access(int mode);
/* Is @fd an open /dev/sgx_provision? */
bool provision_node_is_at(int fd);

#endif
