// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/vepc_release.h"

#include "host/message.h"
#include "lib/lock.h"

#include <errno.h>
#include <stdlib.h>

struct vepc_zombie {
	struct vepc_zombie *next;
	hpa_t hpa;
};

static bool is_removed(struct leaf_result res)
{
	return res.kind == LEAF_CODE && res.value == SGX_SUCCESS;
}

static bool has_children(struct leaf_result res)
{
	return res.kind == LEAF_CODE && res.value == SGX_CHILD_PRESENT;
}

struct remove_all {
	struct sgx_host *host;
	long left;
};

static long remove_one(void *ctx, _Atomic hpa_t *entry)
{
	struct remove_all *all = ctx;
	struct leaf_result res = sgx_remove_page(&all->host->platform, atomic_load(entry));

	if (is_removed(res))
		return 0;
	/* A processor is in the enclave: the VMM should have stopped it. */
	if (!has_children(res))
		return -EBUSY;
	all->left++;
	return 0;
}

long vepc_remove_pages(struct sgx_host *host, const struct vepc_table *table)
{
	struct remove_all all = {.host = host};
	long ret = vepc_table_for_each(table, remove_one, &all);

	return ret ? ret : all.left;
}

/* Return: is the page the pool's again? */
static bool free_page(struct sgx_host *host, hpa_t hpa)
{
	struct leaf_result res = sgx_remove_page(&host->platform, hpa);

	if (!is_removed(res)) {
		if (!has_children(res))
			host_warn_once("EREMOVE of EPC page 0x%llx failed (%d): kept until it can "
				       "be removed",
				       (unsigned long long)hpa, res.value);
		return false;
	}
	epc_pool_give(&host->pool, hpa);
	return true;
}

/* What a pass over a table does with pages that cannot be removed. */
struct release {
	struct sgx_host *host;
	bool last;                   /* they become zombies */
	struct vepc_zombie *zombies; /* the new ones */
};

static long release_one(void *ctx, _Atomic hpa_t *entry)
{
	struct release *release = ctx;
	hpa_t hpa = atomic_load(entry);
	struct vepc_zombie *zombie;

	if (free_page(release->host, hpa)) {
		atomic_store(entry, 0);
		return 0;
	}
	if (!release->last)
		return 0;
	atomic_store(entry, 0);
	zombie = malloc(sizeof(*zombie));
	/* Without memory to remember it by, it is lost to the pool. */
	if (!zombie) {
		epc_pool_give(&release->host->pool, hpa);
		return 0;
	}
	*zombie = (struct vepc_zombie){.next = release->zombies, .hpa = hpa};
	release->zombies = zombie;
	return 0;
}

static struct vepc_zombie *take_zombies(struct sgx_host *host)
{
	struct vepc_zombie *all;

	lock_rank_acquire(LOCK_VEPC_ZOMBIES);
	pthread_mutex_lock(&host->zombies_lock);
	all = host->zombies;
	host->zombies = NULL;
	pthread_mutex_unlock(&host->zombies_lock);
	lock_rank_release(LOCK_VEPC_ZOMBIES);
	return all;
}

static void put_zombies(struct sgx_host *host, struct vepc_zombie *zombies)
{
	struct vepc_zombie **end = &zombies;

	while (*end)
		end = &(*end)->next;
	lock_rank_acquire(LOCK_VEPC_ZOMBIES);
	pthread_mutex_lock(&host->zombies_lock);
	*end = host->zombies;
	host->zombies = zombies;
	pthread_mutex_unlock(&host->zombies_lock);
	lock_rank_release(LOCK_VEPC_ZOMBIES);
}

/* Return: those of @zombies that still cannot be removed. */
static struct vepc_zombie *retry(struct sgx_host *host, struct vepc_zombie *zombies)
{
	struct vepc_zombie *left = NULL;

	while (zombies) {
		struct vepc_zombie *zombie = zombies;

		zombies = zombie->next;
		if (free_page(host, zombie->hpa)) {
			free(zombie);
			continue;
		}
		zombie->next = left;
		left = zombie;
	}
	return left;
}

/*
 * Linux' sgx_vepc_release(). The first pass removes children, the second the SECS pages
 * whose children were here. Those left have children in another vEPC, and the other way
 * round: a zombie may have had its last child here. No lock is held meanwhile, so whoever
 * had zombies in hand while another release removed children tries them again.
 */
void vepc_release_pages(struct sgx_host *host, const struct vepc_table *table)
{
	struct release release = {.host = host};
	unsigned int releases;

	vepc_table_for_each(table, release_one, &release);
	release.last = true;
	vepc_table_for_each(table, release_one, &release);
	atomic_fetch_add(&host->releases, 1);
	put_zombies(host, release.zombies);
	do {
		releases = atomic_load(&host->releases);
		put_zombies(host, retry(host, take_zombies(host)));
	} while (atomic_load(&host->releases) != releases);
}
