/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second page walk, written from the tables of SDM vol. 3 "Paging" line by
 * line and without a look at src/mmu: slow, on a list of entries instead of
 * memory. The permutation tests compare the two.
 */
#ifndef EXCLAVE_TESTS_UNIT_MMU_ORACLE_H
#define EXCLAVE_TESTS_UNIT_MMU_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

enum oracle_paging {
	ORACLE_32BIT,
	ORACLE_PAE,
	ORACLE_4LEVEL,
};

/* The tables of the SDM, one for each format of a present entry. */
enum oracle_format {
	FORMAT_PDE32_4M,
	FORMAT_PDE32,
	FORMAT_PTE32,
	FORMAT_PAE_PDE_2M,
	FORMAT_PAE_PDE,
	FORMAT_PAE_PTE,
	FORMAT_PML4E,
	FORMAT_PDPTE_1G,
	FORMAT_PDPTE,
	FORMAT_PDE_2M,
	FORMAT_PDE,
	FORMAT_PTE,
	NR_FORMATS,
};

struct oracle_cpu {
	enum oracle_paging paging;
	unsigned int maxphyaddr;
	bool wp, pse, pge, smep, smap, nxe, page1gb, ac;
	uint64_t reserved[NR_FORMATS]; /* filled by oracle_prepare() */
};

struct oracle_access {
	bool write, fetch, user, implicit;
};

struct oracle_result {
	bool fault;
	uint32_t error_code;
	uint64_t address; /* physical */
	bool may_read, may_write, may_fetch;
	bool user_page, global;
	unsigned int page_bits;
	unsigned int used; /* entries looked at */
};

void oracle_prepare(struct oracle_cpu *cpu);

/*
 * Walks @linear over @entry, topmost first, each next one being in the table
 * that the one before names. Sets the A and D flags in @entry.
 */
struct oracle_result oracle_walk(const struct oracle_cpu *cpu, struct oracle_access access,
				 uint64_t linear, uint64_t entry[4]);

#endif
