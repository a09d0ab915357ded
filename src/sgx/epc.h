/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Enclave Page Cache: sections of the model's physical address space, each
 * with its EPCM entries and its contents.
 *
 * Both are one sparse reservation for each section (lib/mem.h), so a page in
 * use costs its 4 KiB and its 64-byte entry, and a page never used costs
 * nothing. Contents are never handed out beyond the storeys that play the
 * processor.
 *
 * The list of sections is append-only while processors run: epc_add_section()
 * takes the section lock, look-ups take none.
 */
#ifndef EXCLAVE_SGX_EPC_H
#define EXCLAVE_SGX_EPC_H

#include "sgx/epcm.h"

#include <pthread.h>

#define EPC_MAX_SECTIONS     254
#define EPC_MAX_SECTION_SIZE (UINT64_C(512) << 30)
#define EPC_PHYS_BITS        52

struct epc_section {
	hpa_t base;
	uint64_t size;
	unsigned int node;
	struct epcm_entry *epcm;
	uint8_t *pages;
};

/*
 * Look-up by physical page takes one or two loads: the directory has a byte for
 * each GiB, which names the section that fills it or says that a table with a
 * byte for each page must be asked. Both are sparse.
 */
#define EPC_DIR_SHIFT  30
#define EPC_DIR_SIZE   (UINT64_C(1) << (EPC_PHYS_BITS - EPC_DIR_SHIFT))
#define EPC_DIR_TABLE  0xff
#define EPC_TABLE_SIZE (UINT64_C(1) << (EPC_DIR_SHIFT - SGX_PAGE_SHIFT))

struct epc {
	pthread_mutex_t sections_lock;
	unsigned int section_count; /* changed under the lock, read without it */
	struct epc_section sections[EPC_MAX_SECTIONS];
	_Atomic uint8_t *directory;       /* section number + 1, 0, or EPC_DIR_TABLE */
	_Atomic uint8_t *_Atomic *tables; /* one for each GiB that sections share */
};

/* Return: 0, or -ENOMEM. */
int epc_init(struct epc *epc);
void epc_destroy(struct epc *epc);

/*
 * Adds [@base, @base + @size) on NUMA node @node, all pages invalid. @base and
 * @size are multiples of the page size.
 * Return: 0; -EINVAL for a misaligned, empty, too large or unaddressable range;
 * -EEXIST when it overlaps another section; -ENOSPC beyond EPC_MAX_SECTIONS;
 * -ENOMEM.
 */
int epc_add_section(struct epc *epc, hpa_t base, uint64_t size, unsigned int node);

/* Return: the entry of the page at @hpa, or NULL outside every section. */
struct epcm_entry *epc_lookup(struct epc *epc, hpa_t hpa);

/* The physical address of an entry that epc_lookup() returned. */
hpa_t epc_hpa(struct epc *epc, const struct epcm_entry *e);

/*
 * Gives back the memory of the invalid pages in [@base, @base + @size), a range
 * of whole pages within one section that no processor can reach any more. Valid
 * pages keep theirs.
 * Return: the number of pages whose contents were given back.
 */
uint64_t epc_discard(struct epc *epc, hpa_t base, uint64_t size);

#endif
