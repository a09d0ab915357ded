// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/epc_pool.h"

#include "host/message.h"
#include "lib/lock.h"
#include "lib/mem.h"

#include <errno.h>
#include <string.h>

/* Each node's section has a TiB of the model's physical addresses for itself. */
#define NODE_SHIFT 40

static void pool_lock(struct epc_pool *pool)
{
	lock_rank_acquire(LOCK_EPC_POOL);
	pthread_mutex_lock(&pool->lock);
}

static void pool_unlock(struct epc_pool *pool)
{
	pthread_mutex_unlock(&pool->lock);
	lock_rank_release(LOCK_EPC_POOL);
}

static int add_node(struct epc_pool *pool, unsigned int number, uint64_t size)
{
	struct epc_node *node = &pool->node[pool->node_count];
	int ret;

	*node = (struct epc_node){
		.node = number,
		.base = (hpa_t)(number + 1) << NODE_SHIFT,
		.pages = size / SGX_PAGE_SIZE,
	};
	node->freed = mem_reserve(node->pages * sizeof(*node->freed));
	if (!node->freed)
		return -ENOMEM;
	ret = epc_add_section(&pool->platform->epc, node->base, size, number);
	if (ret) {
		mem_release(node->freed, node->pages * sizeof(*node->freed));
		return ret;
	}
	pool->node_count++;
	pool->counters.total += node->pages;
	return 0;
}

int epc_pool_init(struct epc_pool *pool, struct sgx_platform *platform,
		  const struct epc_config *config)
{
	memset(pool, 0, sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
	pool->platform = platform;
	for (unsigned int i = 0; i < config->count; i++) {
		int ret = add_node(pool, config->section[i].node, config->section[i].size);

		if (ret) {
			epc_pool_destroy(pool);
			return ret;
		}
	}
	pool->counters.free = pool->counters.total;
	return 0;
}

void epc_pool_destroy(struct epc_pool *pool)
{
	for (unsigned int i = 0; i < pool->node_count; i++)
		mem_release(pool->node[i].freed,
			    pool->node[i].pages * sizeof(*pool->node[i].freed));
	pthread_mutex_destroy(&pool->lock);
}

static bool __take_from(struct epc_node *node, hpa_t *hpa)
{
	uint64_t page;

	if (node->freed_count)
		page = node->freed[--node->freed_count];
	else if (node->untouched < node->pages)
		page = node->untouched++;
	else
		return false;
	*hpa = node->base + page * SGX_PAGE_SIZE;
	return true;
}

/* Where to begin: the node itself, or the first without one. */
static unsigned int first_node(const struct epc_pool *pool, unsigned int number)
{
	for (unsigned int i = 0; i < pool->node_count; i++)
		if (pool->node[i].node == number)
			return i;
	return 0;
}

static bool __take(struct epc_pool *pool, unsigned int number, hpa_t *hpa)
{
	unsigned int first = first_node(pool, number);

	for (unsigned int i = 0; i < pool->node_count; i++)
		if (__take_from(&pool->node[(first + i) % pool->node_count], hpa))
			return true;
	return false;
}

int epc_pool_take(struct epc_pool *pool, unsigned int number, bool reserved, hpa_t *hpa)
{
	int ret = -ENOMEM;

	pool_lock(pool);
	if ((reserved || pool->counters.free > pool->counters.reserved) &&
	    __take(pool, number, hpa)) {
		pool->counters.free--;
		pool->counters.reserved -= reserved;
		ret = 0;
	}
	pool_unlock(pool);
	return ret;
}

static struct epc_node *node_of(struct epc_pool *pool, hpa_t hpa)
{
	for (unsigned int i = 0; i < pool->node_count; i++)
		if (hpa - pool->node[i].base < pool->node[i].pages * SGX_PAGE_SIZE)
			return &pool->node[i];
	return NULL;
}

static void leak(struct epc_pool *pool, hpa_t hpa)
{
	host_warn_once("EPC page 0x%llx came back in use: this page, and others like it, will "
		       "not be used again; restart the VMM if the EPC runs short",
		       (unsigned long long)hpa);
	pool_lock(pool);
	pool->counters.leaked++;
	pool_unlock(pool);
}

void epc_pool_give(struct epc_pool *pool, hpa_t hpa)
{
	struct epc_node *node = node_of(pool, hpa);
	const struct epcm_entry *e = epc_lookup(&pool->platform->epc, hpa);

	if (!node || !e || epcm_is_valid(epcm_state(e))) {
		leak(pool, hpa);
		return;
	}
	epc_discard(&pool->platform->epc, hpa, SGX_PAGE_SIZE);
	pool_lock(pool);
	node->freed[node->freed_count++] = (uint32_t)((hpa - node->base) / SGX_PAGE_SIZE);
	pool->counters.free++;
	pool_unlock(pool);
}

int epc_pool_reserve(struct epc_pool *pool, uint64_t count)
{
	int ret = -ENOMEM;

	pool_lock(pool);
	if (count <= pool->counters.free - pool->counters.reserved) {
		pool->counters.reserved += count;
		ret = 0;
	}
	pool_unlock(pool);
	return ret;
}

void epc_pool_unreserve(struct epc_pool *pool, uint64_t count)
{
	pool_lock(pool);
	pool->counters.reserved -= count;
	pool_unlock(pool);
}

struct epc_pool_counters epc_pool_counters(struct epc_pool *pool)
{
	struct epc_pool_counters counters;

	pool_lock(pool);
	counters = pool->counters;
	pool_unlock(pool);
	return counters;
}
