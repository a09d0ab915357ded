/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual EPC: what an open of /dev/sgx_vepc stands for. It has a page of EPC for each of
 * its page indices that a guest has touched; descriptors, mappings (vepc_map.h) and memory
 * slots hold references.
 *
 * What a VMM maps is a decoy (vepc_decoy.c): the true pages are in no mapping. Look-ups take
 * no lock; LOCK_VEPC protects the making of pages and the reservations. Pages go only with
 * the last reference.
 *
 * All of it belongs to the process that opened it: others get EIO.
 */
#ifndef EXCLAVE_HOST_VEPC_H
#define EXCLAVE_HOST_VEPC_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vepc;

/* Return: with one reference, which is the caller's, or NULL when out of memory. */
struct vepc *vepc_new(void);
void vepc_get(struct vepc *vepc);
/* Not with a lock held: the last one EREMOVEs the pages. */
void vepc_put(struct vepc *vepc);

/*
 * As ioctl(2). SGX_IOC_VEPC_REMOVE_ALL, whose argument must be 0: EREMOVEs all pages,
 * which stay the vEPC's.
 * Return: how many SECS pages still have children; -EINVAL; -EBUSY a page is in use by a
 * processor; -EIO; -ENOTTY another request.
 */
long vepc_ioctl(struct vepc *vepc, unsigned long request, unsigned long arg);

/*
 * As mmap(2) of a descriptor that was opened with @access_mode.
 * Return: 0 with @mapped set; -EINVAL not MAP_SHARED, or misaligned; -EACCES; -EIO; what
 * mmap(2) returns.
 */
int vepc_mmap(struct vepc *vepc, int access_mode, void *addr, size_t size, int prot, int flags,
	      off_t offset, void **mapped);

/* MADV_POPULATE_WRITE: sets pages aside for @count indices from @index on. Return: 0, -ENOMEM. */
int vepc_reserve(struct vepc *vepc, uint64_t index, uint64_t count);

/* mbind(): new pages come from @node if it has any; -1: from the node that a vCPU runs on. */
void vepc_set_node(struct vepc *vepc, int node);

/* Return: 0 with @hpa set, or -ENOENT when index @index has no page. */
int vepc_lookup(const struct vepc *vepc, uint64_t index, hpa_t *hpa);

/*
 * The same, and gives it a page when it has none.
 * Return: 0, or -EFAULT when no page is to be had, as KVM_RUN fails on Linux.
 */
int vepc_allocate(struct vepc *vepc, uint64_t index, hpa_t *hpa);

/* vepc_decoy.c: maps @size bytes that read as ones. Return: 0 or a negative errno. */
int vepc_decoy_map(void *addr, size_t size, int prot, int flags, void **mapped);

#endif
