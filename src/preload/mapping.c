// SPDX-License-Identifier: GPL-2.0-or-later
/* munmap, madvise, mbind: of a decoy of virtual EPC they mean the virtual EPC. */
#include "preload/mapping.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/platform.h"
#include "host/vepc.h"
#include "preload/export.h"
#include "preload/real.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* <numaif.h>, which is not libc's. */
#define POLICY_MASK  0x7
#define POLICY_BIND  2
#define POLICY_FIRST 1 /* MPOL_PREFERRED */

static size_t whole_pages(size_t len)
{
	return align_up(len, SGX_PAGE_SIZE);
}

void mappings_forget(void *addr, size_t len)
{
	struct vepc_map *map = sgx_host_mappings();

	if (map && is_aligned((uintptr_t)addr, SGX_PAGE_SIZE))
		vepc_map_remove(map, (uintptr_t)addr, whole_pages(len));
}

/* The vEPC mapping that @addr begins in, with a reference. A range that leaves it has none. */
static bool find(void *addr, size_t len, struct vepc_mapping *found)
{
	struct vepc_map *map = sgx_host_mappings();

	return map && is_aligned((uintptr_t)addr, SGX_PAGE_SIZE) &&
	       vepc_map_find(map, (uintptr_t)addr, whole_pages(len), found);
}

static int result(int ret)
{
	if (!ret)
		return 0;
	errno = -ret;
	return -1;
}

DOOR int door_munmap(void *addr, size_t len)
{
	mappings_forget(addr, len);
	return REAL(munmap)(addr, len);
}

static bool concerns_vepc(int advice)
{
	return advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE ||
	       advice == MADV_DOFORK;
}

/*
 * Linux' driver lets nobody populate its mappings, and a VMM that wants pages beforehand
 * touches each. Here there is nothing behind the mapping to touch.
 */
static int advise(const struct vepc_mapping *mapping, int advice)
{
	if (advice != MADV_POPULATE_WRITE)
		return -EINVAL;
	return vepc_reserve(mapping->vepc, mapping->index, mapping->size / SGX_PAGE_SIZE);
}

DOOR int door_madvise(void *addr, size_t len, int advice)
{
	struct vepc_mapping mapping;
	int ret;

	if (!concerns_vepc(advice) || !find(addr, len, &mapping))
		return REAL(madvise)(addr, len, advice);
	ret = advise(&mapping, advice);
	vepc_put(mapping.vepc);
	return result(ret);
}

/* Return: the lowest node of @nodes, or -1. */
static int first_node(const unsigned long *nodes, unsigned long bits)
{
	for (unsigned long i = 0; nodes && i < bits && i < EPC_MAX_NODES; i++)
		if (nodes[i / 64] >> i % 64 & 1)
			return (int)i;
	return -1;
}

/* The function is libnuma's, which may not be there. */
DOOR long door_mbind(void *addr, unsigned long len, int mode, const unsigned long *nodes,
		     unsigned long max_node, unsigned int flags)
{
	int policy = mode & POLICY_MASK;
	struct vepc_mapping mapping;

	if (!find(addr, len, &mapping))
		return syscall(SYS_mbind, addr, len, mode, nodes, max_node, flags);
	if (policy == POLICY_BIND || policy == POLICY_FIRST)
		vepc_set_node(mapping.vepc, first_node(nodes, max_node));
	else
		vepc_set_node(mapping.vepc, -1);
	vepc_put(mapping.vepc);
	return 0;
}

EXPORT(door_munmap, munmap);
EXPORT(door_madvise, madvise);
EXPORT(door_mbind, mbind);
