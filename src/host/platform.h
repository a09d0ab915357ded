/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SGX machine of this process: the platform with its EPC, made at first use, shared by
 * all VMs of the process, never given back. A child of fork() has none of its parent's
 * (its EPC is not inherited) and makes its own; both have the user's identity.
 */
#ifndef EXCLAVE_HOST_PLATFORM_H
#define EXCLAVE_HOST_PLATFORM_H

#include "host/epc_pool.h"
#include "host/vepc_map.h"
#include "sgx/sgx.h"

#include <sys/types.h>

struct sgx_host {
	pid_t owner;
	struct sgx_platform platform;
	struct epc_pool pool;
	struct vepc_map map;
	/* SECS pages that outlived their vEPC: their children are in another's (vepc.c). */
	pthread_mutex_t zombies_lock; /* LOCK_VEPC_ZOMBIES */
	struct vepc_zombie *zombies;
	_Atomic unsigned int releases; /* how many vEPCs have given their pages back */
};

/*
 * This process's machine.
 * Return: 0; -EINVAL for a wrong EXCLAVE_EPC, -ENOMEM, or as identity_load(), with the
 * reason on standard error.
 */
int sgx_host_get(struct sgx_host **host);

/* The mappings of this process, or NULL when it certainly has none. */
struct vepc_map *sgx_host_mappings(void);

/*
 * @changed hears of every page of the EPC that was marked with sgx_watch_page() and has
 * changed, by its contents' address; any thread, without locks. For the whole process.
 */
void sgx_host_on_page_changed(void (*changed)(const uint8_t *page));

#endif
