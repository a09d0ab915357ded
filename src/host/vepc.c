// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE, getcpu */
#include "host/vepc.h"

#include "host/message.h"
#include "host/page_ranges.h"
#include "host/platform.h"
#include "host/vepc_release.h"
#include "lib/lock.h"

#include <asm/sgx.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct vepc {
	_Atomic unsigned int refs;
	pid_t owner;
	_Atomic int node;                /* -1: the processor's */
	_Atomic(struct sgx_host *) host; /* NULL until it has pages or a mapping */
	struct vepc_table table;
	pthread_mutex_t lock;
	struct page_ranges reserved; /* indices; those with a page have had theirs */
	uint64_t reserved_left;
};

static void vepc_lock(struct vepc *vepc)
{
	lock_rank_acquire(LOCK_VEPC);
	pthread_mutex_lock(&vepc->lock);
}

static void vepc_unlock(struct vepc *vepc)
{
	pthread_mutex_unlock(&vepc->lock);
	lock_rank_release(LOCK_VEPC);
}

struct vepc *vepc_new(void)
{
	struct vepc *vepc = calloc(1, sizeof(*vepc));

	if (!vepc)
		return NULL;
	vepc->refs = 1;
	vepc->node = -1;
	vepc->owner = getpid();
	pthread_mutex_init(&vepc->lock, NULL);
	return vepc;
}

void vepc_get(struct vepc *vepc)
{
	atomic_fetch_add_explicit(&vepc->refs, 1, memory_order_relaxed);
}

void vepc_put(struct vepc *vepc)
{
	struct sgx_host *host = atomic_load(&vepc->host);

	if (atomic_fetch_sub_explicit(&vepc->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (host) {
		vepc_release_pages(host, &vepc->table);
		epc_pool_unreserve(&host->pool, vepc->reserved_left);
	}
	vepc_table_free(&vepc->table);
	page_ranges_free(&vepc->reserved);
	pthread_mutex_destroy(&vepc->lock);
	free(vepc);
}

static bool is_own(const struct vepc *vepc)
{
	return vepc->owner == getpid();
}

/* All answers in one process are the same. */
static int get_host(struct vepc *vepc, struct sgx_host **host)
{
	int ret = 0;

	*host = atomic_load(&vepc->host);
	if (*host)
		return 0;
	ret = sgx_host_get(host);
	if (!ret)
		atomic_store(&vepc->host, *host);
	return ret;
}

long vepc_ioctl(struct vepc *vepc, unsigned long request, unsigned long arg)
{
	struct sgx_host *host = atomic_load(&vepc->host);

	if (!is_own(vepc))
		return -EIO;
	if ((uint32_t)request != SGX_IOC_VEPC_REMOVE_ALL)
		return -ENOTTY;
	if (arg)
		return -EINVAL;
	return host ? vepc_remove_pages(host, &vepc->table) : 0;
}

/* Linux' checks in their order: those of every file, then the driver's. */
static int check_mmap(int access_mode, size_t size, int prot, int flags, off_t offset)
{
	int type = flags & MAP_TYPE;

	if (offset & (SGX_PAGE_SIZE - 1) || !size)
		return -EINVAL;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type != MAP_PRIVATE && (prot & PROT_WRITE) && access_mode == O_RDONLY)
		return -EACCES;
	if (access_mode == O_WRONLY)
		return -EACCES;
	/* Only what may become writable is a shared mapping. */
	return type == MAP_PRIVATE || access_mode != O_RDWR ? -EINVAL : 0;
}

int vepc_mmap(struct vepc *vepc, int access_mode, void *addr, size_t size, int prot, int flags,
	      off_t offset, void **mapped)
{
	struct vepc_mapping mapping = {
		.size = align_up(size, SGX_PAGE_SIZE),
		.index = (uint64_t)offset / SGX_PAGE_SIZE,
		.vepc = vepc,
	};
	struct sgx_host *host;
	int ret;

	if (!is_own(vepc))
		return -EIO;
	ret = check_mmap(access_mode, size, prot, flags, offset);
	if (!ret)
		ret = get_host(vepc, &host);
	if (!ret && mapping.size < size)
		ret = -ENOMEM;
	if (!ret)
		ret = vepc_decoy_map(addr, size, prot, flags, mapped);
	if (ret)
		return ret;
	mapping.start = (uintptr_t)*mapped;
	ret = vepc_map_remove(&host->map, mapping.start, mapping.size);
	if (!ret)
		ret = vepc_map_add(&host->map, &mapping);
	if (ret)
		munmap(*mapped, mapping.size);
	return ret;
}

struct missing {
	const struct vepc_table *table;
	uint64_t count;
};

static void count_missing(void *ctx, struct page_range range)
{
	struct missing *missing = ctx;

	missing->count += range.last - range.first + 1 -
			  vepc_table_count(missing->table, range.first, range.last);
}

static int __reserve(struct vepc *vepc, struct epc_pool *pool, struct page_range part)
{
	struct missing missing = {.table = &vepc->table};
	int ret;

	page_ranges_missing(&vepc->reserved, part, count_missing, &missing);
	ret = epc_pool_reserve(pool, missing.count);
	if (ret)
		return ret;
	ret = page_ranges_add(&vepc->reserved, part);
	if (ret)
		epc_pool_unreserve(pool, missing.count);
	else
		vepc->reserved_left += missing.count;
	return ret;
}

static void explain_pool(struct epc_pool *pool, uint64_t count)
{
	struct epc_pool_counters counters = epc_pool_counters(pool);

	host_warn_once(
		"%llu pages of virtual EPC are to be set aside, and the host's pool has %llu left "
		"of %llu; make the pool larger with EXCLAVE_EPC, or the guest's EPC smaller",
		(unsigned long long)count, (unsigned long long)(counters.free - counters.reserved),
		(unsigned long long)counters.total);
}

int vepc_reserve(struct vepc *vepc, uint64_t index, uint64_t count)
{
	struct sgx_host *host;
	int ret = get_host(vepc, &host);

	if (ret || !count)
		return ret;
	vepc_lock(vepc);
	ret = __reserve(vepc, &host->pool, (struct page_range){index, index + count - 1});
	vepc_unlock(vepc);
	if (ret == -ENOMEM)
		explain_pool(&host->pool, count);
	return ret;
}

void vepc_set_node(struct vepc *vepc, int node)
{
	atomic_store(&vepc->node, node);
}

int vepc_lookup(const struct vepc *vepc, uint64_t index, hpa_t *hpa)
{
	*hpa = vepc_table_lookup(&vepc->table, index);
	return *hpa ? 0 : -ENOENT;
}

static unsigned int wanted_node(const struct vepc *vepc)
{
	int chosen = atomic_load(&vepc->node);
	unsigned int cpu, node = 0;

	if (chosen >= 0)
		return (unsigned int)chosen;
	return getcpu(&cpu, &node) ? 0 : node;
}

static int __allocate(struct vepc *vepc, struct sgx_host *host, uint64_t index, hpa_t *hpa)
{
	bool reserved = page_ranges_has(&vepc->reserved, index);
	_Atomic hpa_t *entry;

	/* Another processor may have been faster. */
	if (!vepc_lookup(vepc, index, hpa))
		return 0;
	entry = vepc_table_make(&vepc->table, index);
	if (!entry || epc_pool_take(&host->pool, wanted_node(vepc), reserved, hpa))
		return -ENOMEM;
	vepc->reserved_left -= reserved;
	atomic_store_explicit(entry, *hpa, memory_order_release);
	return 0;
}

int vepc_allocate(struct vepc *vepc, uint64_t index, hpa_t *hpa)
{
	struct sgx_host *host;
	int ret = get_host(vepc, &host);

	if (ret)
		return -EFAULT;
	vepc_lock(vepc);
	ret = __allocate(vepc, host, index, hpa);
	vepc_unlock(vepc);
	if (!ret)
		return 0;
	host_warn_once("a guest touches virtual EPC and no page is free: its KVM_RUN fails with "
		       "EFAULT; make the EPC larger with EXCLAVE_EPC");
	return -EFAULT;
}
