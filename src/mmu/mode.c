// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Hierarchical Paging Structures": the geometry and the reserved bits of each paging mode. */
#include "mmu/walk.h"

/* Bits @high down to @low. */
static uint64_t mask(unsigned int high, unsigned int low)
{
	if (high < low)
		return 0;
	return (~UINT64_C(0) >> (63 - high)) & (~UINT64_C(0) << low);
}

/*
 * SDM "Formats of CR3 and Paging-Structure Entries with 32-Bit Paging". A 4-MiB
 * page's address bits 39:32 stand in bits 20:13, as far as MAXPHYADDR goes
 * (PSE-36); bit 21 is always reserved. Bit 12 is PAT.
 */
static void init_32bit(struct mmu_mode *mode, const struct mmu_registers *regs)
{
	unsigned int width = regs->maxphyaddr < 40 ? regs->maxphyaddr : 40;

	mode->paging = MMU_PAGING_32BIT;
	mode->levels = 2;
	mode->entry_size = 4;
	mode->index_bits = 10;
	mode->root = regs->cr3 & mask(31, 12);
	mode->frame_mask = mask(31, 12);
	if (regs->cr4 & X86_CR4_PSE) {
		mode->large_levels = BIT32(2);
		mode->reserved_page[2] = mask(21, width - 19);
	}
}

/* What PAE and 4-level paging share: PTEs and PDEs. */
static void init_64bit_entries(struct mmu_mode *mode, const struct mmu_registers *regs,
			       uint64_t reserved)
{
	mode->nxe = regs->efer & EFER_NX;
	mode->entry_size = 8;
	mode->index_bits = 9;
	mode->frame_mask = mask(51, 12);
	mode->large_levels = BIT32(2);
	for (unsigned int level = 1; level <= WALK_MAX_LEVELS; level++) {
		mode->reserved_table[level] = reserved | (mode->nxe ? 0 : PT_NX_MASK);
		mode->reserved_page[level] = mode->reserved_table[level];
	}
	mode->reserved_page[2] |= mask(20, 13);
}

static void init_pae(struct mmu_mode *mode, const struct mmu_registers *regs)
{
	mode->paging = MMU_PAGING_PAE;
	mode->levels = 2;
	mode->root = regs->cr3 & mask(31, 5);
	init_64bit_entries(mode, regs, mask(62, regs->maxphyaddr));
}

static void init_4level(struct mmu_mode *mode, const struct mmu_registers *regs)
{
	mode->paging = MMU_PAGING_4LEVEL;
	mode->levels = 4;
	mode->root = regs->cr3 & mask(51, 12);
	init_64bit_entries(mode, regs, mask(51, regs->maxphyaddr));
	mode->reserved_table[4] |= PT_PAGE_SIZE_MASK;
	if (regs->page1gb) {
		mode->large_levels |= BIT32(3);
		mode->reserved_page[3] |= mask(29, 13);
	} else {
		mode->reserved_table[3] |= PT_PAGE_SIZE_MASK;
	}
}

void mmu_mode_init(struct mmu_mode *mode, const struct mmu_registers *regs)
{
	struct mmu_mode made = {
		.wp = regs->cr0 & X86_CR0_WP,
		.smep = regs->cr4 & X86_CR4_SMEP,
		.smap = regs->cr4 & X86_CR4_SMAP,
		.pge = regs->cr4 & X86_CR4_PGE,
	};

	for (unsigned int i = 0; i < 4; i++)
		made.pdpte[i] = mode->pdpte[i];
	if (!(regs->cr0 & X86_CR0_PG))
		made.paging = MMU_PAGING_NONE;
	else if (regs->efer & EFER_LMA)
		init_4level(&made, regs);
	else if (regs->cr4 & X86_CR4_PAE)
		init_pae(&made, regs);
	else
		init_32bit(&made, regs);
	*mode = made;
}
