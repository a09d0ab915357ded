// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/platform.h"

#include "host/identity.h"
#include "host/message.h"
#include "host/options.h"
#include "lib/crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Atomic(struct sgx_host *) current;
static _Atomic(void (*)(const uint8_t *page)) on_page_changed;

void sgx_host_on_page_changed(void (*changed)(const uint8_t *page))
{
	atomic_store(&on_page_changed, changed);
}

static void page_changed(void *ctx, hpa_t hpa)
{
	struct sgx_platform *platform = ctx;
	const struct epcm_entry *e = epc_lookup(&platform->epc, hpa);
	void (*changed)(const uint8_t *page) = atomic_load(&on_page_changed);

	if (e && changed)
		changed(epcm_page(e));
}

static int init_platform(struct sgx_platform *platform)
{
	struct sgx_identity identity;
	char error[512];
	int ret = identity_load(option_get(OPTION_IDENTITY), &identity, error, sizeof(error));

	if (ret) {
		host_warn("%s", error);
		return ret;
	}
	ret = sgx_platform_init(platform, &identity);
	crypto_wipe(&identity, sizeof(identity));
	if (ret)
		return ret;
	platform->page_changed = page_changed;
	platform->page_changed_ctx = platform;
	return 0;
}

/* Pages of a new platform are invalid: there is nothing that an earlier owner has left. */
static int init_pool(struct sgx_host *host)
{
	const char *text = option_get(OPTION_EPC);
	struct epc_config config;
	uint64_t size = EPC_DEFAULT_SIZE;
	int ret;

	if (text && epc_config_parse(text, &config)) {
		host_warn(
			"EXCLAVE_EPC=%s: is neither a size nor a list of NODE:SIZE, as 0:64M,1:1G",
			text);
		return -EINVAL;
	}
	if (text)
		return epc_pool_init(&host->pool, &host->platform, &config);
	config.count = 1;
	config.section[0].node = 0;
	/* Only address space, but some hosts are short of that. */
	do {
		config.section[0].size = size;
		ret = epc_pool_init(&host->pool, &host->platform, &config);
		size /= 2;
	} while (ret == -ENOMEM && size >= EPC_MIN_SIZE);
	return ret;
}

static void free_host(struct sgx_host *host)
{
	epc_pool_destroy(&host->pool);
	sgx_platform_destroy(&host->platform);
	free(host);
}

static int new_host(struct sgx_host **out)
{
	struct sgx_host *host = calloc(1, sizeof(*host));
	int ret;

	if (!host)
		return -ENOMEM;
	host->owner = getpid();
	ret = init_platform(&host->platform);
	if (ret)
		goto err_free;
	ret = init_pool(host);
	if (ret)
		goto err_destroy_platform;
	vepc_map_init(&host->map);
	pthread_mutex_init(&host->zombies_lock, NULL);
	*out = host;
	return 0;

err_destroy_platform:
	if (ret == -ENOMEM)
		host_warn("no address space for the EPC; choose a smaller one with EXCLAVE_EPC");
	sgx_platform_destroy(&host->platform);
err_free:
	free(host);
	return ret;
}

/* Asked at every munmap() of the process, so the system call comes last. */
struct vepc_map *sgx_host_mappings(void)
{
	struct sgx_host *host = atomic_load_explicit(&current, memory_order_acquire);

	if (!host || !atomic_load(&host->map.count) || host->owner != getpid())
		return NULL;
	return &host->map;
}

/* No lock, so that a child of fork() never waits for a thread that it lacks. */
int sgx_host_get(struct sgx_host **out)
{
	struct sgx_host *before = atomic_load_explicit(&current, memory_order_acquire);
	struct sgx_host *host;
	int ret;

	if (before && before->owner == getpid()) {
		*out = before;
		return 0;
	}
	ret = new_host(&host);
	if (ret)
		return ret;
	if (!atomic_compare_exchange_strong(&current, &before, host)) {
		free_host(host);
		host = before;
	}
	*out = host;
	return 0;
}
