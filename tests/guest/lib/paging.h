/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of a test's own, in the 512 GiB from TEST_BASE up. */
#ifndef GUEST_PAGING_H
#define GUEST_PAGING_H

#include <stdint.h>

#define TEST_BASE UINT64_C(0x8000000000)

#define PTE_P       UINT64_C(0x001)
#define PTE_W       UINT64_C(0x002)
#define PTE_U       UINT64_C(0x004)
#define PTE_A       UINT64_C(0x020)
#define PTE_D       UINT64_C(0x040)
#define PTE_PS      UINT64_C(0x080)
#define PTE_G       UINT64_C(0x100)
#define PTE_NX      (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

#define PF_P    0x01
#define PF_W    0x02
#define PF_U    0x04
#define PF_RSVD 0x08
#define PF_I    0x10

extern uint64_t boot_pml4[512], boot_pdpt[512];

/*
 * The entry of @gva at @level (1: PTE ... 4: PML4E) below @pml4; makes the tables
 * above it, with all rights.
 */
uint64_t *pte_in(uint64_t *pml4, uint64_t gva, unsigned int level);
uint64_t *pte_of(uint64_t gva, unsigned int level);
/* Maps one page of 4 KiB at @gva and returns it. */
void *page_map(uint64_t gva, const void *page, uint64_t flags);
/* Nothing is mapped at TEST_BASE, in no TLB either. */
void paging_reset(void);
/* All translations, the global ones too. */
void flush_all(void);

#endif
