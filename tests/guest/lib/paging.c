// SPDX-License-Identifier: GPL-2.0-or-later
#include "paging.h"

#include "guest.h"
#include "instr.h"

#define FREE_MEMORY     UINT64_C(0x1000000)
#define FREE_MEMORY_END UINT64_C(0x3000000)

static uint64_t next_page = FREE_MEMORY;

void *page_alloc(unsigned int pages)
{
	void *page = (void *)next_page;

	next_page += pages * UINT64_C(4096);
	if (next_page > FREE_MEMORY_END) {
		print("out of memory\n");
		outl(0xf4, 0x11);
	}
	for (uint64_t *p = page; p < (uint64_t *)next_page; p++)
		*p = 0;
	return page;
}

void pages_reset(void)
{
	next_page = FREE_MEMORY;
}

uint64_t *pte_in(uint64_t *pml4, uint64_t gva, unsigned int level)
{
	uint64_t *table = pml4;

	for (unsigned int l = 4; l > level; l--) {
		uint64_t *entry = &table[gva >> (12 + 9 * (l - 1)) & 511];

		if (!(*entry & PTE_P))
			*entry = (uint64_t)page_alloc(1) | PTE_P | PTE_W | PTE_U;
		table = (uint64_t *)(*entry & PTE_ADDRESS);
	}
	return &table[gva >> (12 + 9 * (level - 1)) & 511];
}

uint64_t *pte_of(uint64_t gva, unsigned int level)
{
	return pte_in(boot_pml4, gva, level);
}

void *page_map(uint64_t gva, const void *page, uint64_t flags)
{
	*pte_of(gva, 1) = (uint64_t)page | flags;
	invlpg((void *)gva);
	return (void *)gva;
}

void flush_all(void)
{
	uint64_t cr4 = read_cr4();

	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
}

void paging_reset(void)
{
	boot_pml4[TEST_BASE >> 39] = 0;
	write_cr3((uint64_t)boot_pml4);
	flush_all();
}
