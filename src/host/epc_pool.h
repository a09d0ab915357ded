/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of the EPC are free, by NUMA node. Pages belong to whoever took them until
 * they are given back, EREMOVEd; a page that comes back in use is never handed out again.
 *
 * The mutex (LOCK_EPC_POOL) protects all of it. Nobody waits for a page.
 */
#ifndef EXCLAVE_HOST_EPC_POOL_H
#define EXCLAVE_HOST_EPC_POOL_H

#include "host/epc_config.h"
#include "sgx/sgx.h"

#include <pthread.h>

/* Pages that nobody has taken yet are the section's upper end; `freed` is a stack of the others. */
struct epc_node {
	unsigned int node;
	hpa_t base;
	uint64_t pages;
	uint64_t untouched; /* from this page on */
	uint32_t *freed;    /* sparse */
	uint64_t freed_count;
};

struct epc_pool_counters {
	uint64_t total;
	uint64_t free; /* reserved ones too */
	uint64_t reserved;
	uint64_t leaked;
};

struct epc_pool {
	pthread_mutex_t lock;
	struct sgx_platform *platform;
	unsigned int node_count;
	struct epc_node node[EPC_MAX_NODES];
	struct epc_pool_counters counters;
};

/*
 * Adds a section for each line of @config to the platform, which has none yet.
 * Return: 0, or -ENOMEM.
 */
int epc_pool_init(struct epc_pool *pool, struct sgx_platform *platform,
		  const struct epc_config *config);
/* Before the platform goes. */
void epc_pool_destroy(struct epc_pool *pool);

/*
 * A free page, of node @node or, when that has none, of the next that has. It is not
 * valid. With @reserved, one of those that epc_pool_reserve() set aside for the caller.
 * Return: 0, or -ENOMEM.
 */
int epc_pool_take(struct epc_pool *pool, unsigned int node, bool reserved, hpa_t *hpa);

/* Takes back a page that no processor can reach; one that is still valid is leaked, with a message. */
void epc_pool_give(struct epc_pool *pool, hpa_t hpa);

/* Sets @count pages aside, of any node. Return: 0, or -ENOMEM with none set aside. */
int epc_pool_reserve(struct epc_pool *pool, uint64_t count);
void epc_pool_unreserve(struct epc_pool *pool, uint64_t count);

struct epc_pool_counters epc_pool_counters(struct epc_pool *pool);

#endif
