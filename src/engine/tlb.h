/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software TLB and the table of indirect jumps: what translated code looks
 * up inline. One of each for every MMU index, so that SYSCALL, STAC and EENTER
 * flush nothing by themselves. They belong to their vCPU and have no lock.
 */
#ifndef EXCLAVE_ENGINE_TLB_H
#define EXCLAVE_ENGINE_TLB_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose accesses a TLB serves; chosen when code is translated. */
enum engine_mmu_index {
	ENGINE_MMU_USER,
	ENGINE_MMU_KERNEL,    /* CPL 0 to 2; SMAP counts */
	ENGINE_MMU_KERNEL_AC, /* likewise with RFLAGS.AC = 1 under SMAP */
	ENGINE_MMU_ENCLAVE,
	ENGINE_MMU_INDICES,
};

/*
 * Direct-mapped by the low 16 bits of the page number, which a look-up gets with
 * one MOVZX. Such a table is sparse: it costs memory for the pages that the guest
 * uses. Entries hold the negated page address, so that the look-up needs no
 * subtraction and leaves the flags alone.
 *
 * An empty entry holds the negated address of a page that belongs into another
 * entry. 0 will do for all but the first entry, so fresh memory is empty; and
 * for the last, where an access that wraps around would seem to hit page 0.
 */
#define ENGINE_TLB_ENTRIES    65536
#define ENGINE_TLB_EMPTY_ENDS (-(UINT64_C(0x8000) << 12))
#define ENGINE_TLB_LIST       16384

/* Bit n: in list n of those below. Entries of global pages have one of their own, for MOV to CR3 to pass over. */
#define TLB_LISTED(n) ((uint8_t)(1u << (n)))
#define TLB_GLOBAL    0x04
#define TLB_LARGE     0x08 /* a fragment of a page of more than 4 KiB */

enum tlb_list {
	TLB_LIST_LOCAL,
	TLB_LIST_GLOBAL,
	TLB_LISTS,
};

struct engine_tlb {
	uint64_t read[ENGINE_TLB_ENTRIES];
	uint64_t write[ENGINE_TLB_ENTRIES];
	uint64_t host[ENGINE_TLB_ENTRIES]; /* host page - guest page */
	uint8_t meta[ENGINE_TLB_ENTRIES];
	uint8_t page_shift[ENGINE_TLB_ENTRIES]; /* TLB_LARGE: of the page it is a fragment of */
	uint32_t count[TLB_LISTS]; /* of `list`; more than fit: empty the whole table */
	uint16_t list[TLB_LISTS][ENGINE_TLB_LIST]; /* entries filled since they were last empty */
	uint64_t
		large; /* bit of each GiB, modulo 64, in which there may be entries with TLB_LARGE */
};

/*
 * Indirect jumps: RIP to code, direct-mapped by its low 16 bits. As in the TLB,
 * addresses are negated and fresh memory is empty but for entry 0.
 */
#define ENGINE_JUMP_ENTRIES 65536
#define ENGINE_JUMP_EMPTY_0 UINT64_C(1)
#define ENGINE_JUMP_LIST    16384

struct engine_jumps {
	uint64_t rip[ENGINE_JUMP_ENTRIES];
	uint64_t page_base[ENGINE_JUMP_ENTRIES];
	uint64_t code[ENGINE_JUMP_ENTRIES];
	uint32_t mode; /* the mode of all entries */
	uint32_t count;
	uint64_t pages[64]; /* bit of each page with an entry, by the low 12 bits of its number */
	uint16_t list[ENGINE_JUMP_LIST];
};

/*
 * Instruction fetches, for C. An entry counts while its generation is the
 * table's, so emptying is one addition.
 */
#define ENGINE_ITLB_ENTRIES 256

struct engine_itlb {
	uint64_t generation; /* never 0 */
	struct {
		uint64_t generation;
		uint64_t page; /* linear, with the MMU index in the low bits */
		const uint8_t *host;
	} entry[ENGINE_ITLB_ENTRIES];
};

static inline void itlb_flush(struct engine_itlb *itlb)
{
	itlb->generation++;
}

/* The host page of code at linear page @page for MMU index @index, or NULL. */
static inline const uint8_t *itlb_lookup(const struct engine_itlb *itlb, gva_t page,
					 unsigned int index)
{
	unsigned int i = page >> 12 & (ENGINE_ITLB_ENTRIES - 1);

	if (itlb->entry[i].page != (page | index) || itlb->entry[i].generation != itlb->generation)
		return NULL;
	return itlb->entry[i].host;
}

static inline void itlb_enter(struct engine_itlb *itlb, gva_t page, unsigned int index,
			      const uint8_t *host)
{
	unsigned int i = page >> 12 & (ENGINE_ITLB_ENTRIES - 1);

	itlb->entry[i].generation = itlb->generation;
	itlb->entry[i].page = page | index;
	itlb->entry[i].host = host;
}

struct engine_vcpu;
struct mmu_page;

void tlb_init(struct engine_tlb *tlb);
/* Enters what @page says of @gva; with @write, its write entry too. */
void tlb_enter(struct engine_tlb *tlb, gva_t gva, const struct mmu_page *page, uint8_t *host,
	       bool write);
void tlb_flush(struct engine_tlb *tlb);
void tlb_flush_nonglobal(struct engine_tlb *tlb);
/* INVLPG: the entry of @gva and all fragments of a large page around it. */
void tlb_flush_page(struct engine_tlb *tlb, gva_t gva);
/* Drops the write entries that lead to the host page @host. */
void tlb_protect(struct engine_tlb *tlb, const uint8_t *host);

/* The host address of @gva, or NULL on a miss. */
static inline uint8_t *tlb_lookup(const struct engine_tlb *tlb, gva_t gva, bool write)
{
	unsigned int entry = (uint16_t)(gva >> 12);
	const uint64_t *tags = write ? tlb->write : tlb->read;

	if (tags[entry] + gva >= 4096)
		return NULL;
	return (uint8_t *)(uintptr_t)(tlb->host[entry] + gva);
}

void jumps_init(struct engine_jumps *jumps);
void jumps_flush(struct engine_jumps *jumps);
/* Drops the entries of the page at @rip. */
void jumps_flush_page(struct engine_jumps *jumps, uint64_t rip);
void jumps_enter(struct engine_jumps *jumps, uint64_t rip, uint64_t page_base, const uint8_t *code);

/* The code for @rip, and RIP of the start of its page, or NULL. */
static inline const uint8_t *jumps_lookup(const struct engine_jumps *jumps, uint64_t rip,
					  uint64_t *page_base)
{
	unsigned int entry = (uint16_t)rip;

	if (jumps->rip[entry] + rip)
		return NULL;
	*page_base = jumps->page_base[entry];
	return (const uint8_t *)(uintptr_t)jumps->code[entry];
}

#endif
