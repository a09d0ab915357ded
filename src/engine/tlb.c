// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filling and emptying. Tables are too large to be cleared: each keeps a list of
 * the entries that were filled, and what does not fit into the list makes the
 * next flush give the whole table back to the host.
 */
#include "engine/tlb.h"

#include "lib/bits.h"
#include "lib/mem.h"
#include "mmu/mmu.h"

#include <stddef.h>
#include <string.h>

#define TABLE_BYTES (sizeof(uint64_t) * ENGINE_TLB_ENTRIES)

static uint64_t empty_tag(unsigned int entry)
{
	return entry == 0 || entry == ENGINE_TLB_ENTRIES - 1 ? ENGINE_TLB_EMPTY_ENDS : 0;
}

static void drop(struct engine_tlb *tlb, unsigned int entry)
{
	tlb->read[entry] = tlb->write[entry] = empty_tag(entry);
}

void tlb_init(struct engine_tlb *tlb)
{
	drop(tlb, 0);
	drop(tlb, ENGINE_TLB_ENTRIES - 1);
	tlb->count[TLB_LIST_LOCAL] = tlb->count[TLB_LIST_GLOBAL] = 0;
	tlb->large = 0;
}

static bool has_overflowed(const struct engine_tlb *tlb)
{
	return tlb->count[TLB_LIST_LOCAL] > ENGINE_TLB_LIST ||
	       tlb->count[TLB_LIST_GLOBAL] > ENGINE_TLB_LIST;
}

/* The host's pages beyond the tables' own borders stay, so their ends are cleared by hand. */
static void discard(void *table, size_t bytes)
{
	uint8_t *start = table, *end = start + bytes;
	uint8_t *first = (uint8_t *)align_up((uint64_t)(uintptr_t)start, GUEST_PAGE_SIZE);
	uint8_t *last = (uint8_t *)align_down((uint64_t)(uintptr_t)end, GUEST_PAGE_SIZE);

	memset(start, 0, (size_t)(first - start));
	mem_discard(first, (size_t)(last - first));
	memset(last, 0, (size_t)(end - last));
}

static void flush_all(struct engine_tlb *tlb)
{
	discard(tlb->read, TABLE_BYTES);
	discard(tlb->write, TABLE_BYTES);
	discard(tlb->host, TABLE_BYTES);
	memset(tlb->meta, 0, sizeof(tlb->meta));
	tlb_init(tlb);
}

static void drop_list(struct engine_tlb *tlb, enum tlb_list list)
{
	for (uint32_t i = 0; i < tlb->count[list]; i++) {
		drop(tlb, tlb->list[list][i]);
		tlb->meta[tlb->list[list][i]] = 0;
	}
	tlb->count[list] = 0;
}

void tlb_flush(struct engine_tlb *tlb)
{
	if (has_overflowed(tlb)) {
		flush_all(tlb);
		return;
	}
	drop_list(tlb, TLB_LIST_LOCAL);
	drop_list(tlb, TLB_LIST_GLOBAL);
	tlb->large = 0;
}

void tlb_flush_nonglobal(struct engine_tlb *tlb)
{
	const uint16_t *list = tlb->list[TLB_LIST_LOCAL];

	if (has_overflowed(tlb)) {
		flush_all(tlb);
		return;
	}
	/* An entry may have become that of a global page, or have been one before. */
	for (uint32_t i = 0; i < tlb->count[TLB_LIST_LOCAL]; i++) {
		tlb->meta[list[i]] &= (uint8_t)~TLB_LISTED(TLB_LIST_LOCAL);
		if (!(tlb->meta[list[i]] & TLB_GLOBAL))
			drop(tlb, list[i]);
	}
	tlb->count[TLB_LIST_LOCAL] = 0;
	if (!tlb->count[TLB_LIST_GLOBAL])
		tlb->large = 0;
}

static uint64_t large_bit(gva_t gva)
{
	return BIT64(gva >> 30 & 63);
}

/* Is @entry a fragment of the large page that maps @gva? */
static bool shares_large_page(const struct engine_tlb *tlb, unsigned int entry, gva_t gva)
{
	gva_t page = -tlb->read[entry];

	return (tlb->meta[entry] & TLB_LARGE) && !((page ^ gva) >> tlb->page_shift[entry]);
}

void tlb_flush_page(struct engine_tlb *tlb, gva_t gva)
{
	unsigned int entry = (uint16_t)(gva >> 12);

	if (!((-tlb->read[entry] ^ gva) >> 12))
		drop(tlb, entry);
	if (!(tlb->large & large_bit(gva)))
		return;
	if (has_overflowed(tlb)) {
		flush_all(tlb);
		return;
	}
	for (unsigned int list = 0; list < TLB_LISTS; list++)
		for (uint32_t i = 0; i < tlb->count[list]; i++)
			if (shares_large_page(tlb, tlb->list[list][i], gva))
				drop(tlb, tlb->list[list][i]);
}

static void protect_entry(struct engine_tlb *tlb, unsigned int entry, const uint8_t *host)
{
	uint64_t tag = tlb->write[entry];

	if (tag != empty_tag(entry) && tlb->host[entry] - tag == (uint64_t)(uintptr_t)host)
		tlb->write[entry] = empty_tag(entry);
}

void tlb_protect(struct engine_tlb *tlb, const uint8_t *host)
{
	if (has_overflowed(tlb)) {
		flush_all(tlb);
		return;
	}
	for (unsigned int list = 0; list < TLB_LISTS; list++)
		for (uint32_t i = 0; i < tlb->count[list]; i++)
			protect_entry(tlb, tlb->list[list][i], host);
}

static void enlist(struct engine_tlb *tlb, unsigned int entry, enum tlb_list list)
{
	if (tlb->meta[entry] & TLB_LISTED(list))
		return;
	tlb->meta[entry] |= TLB_LISTED(list);
	if (tlb->count[list] < ENGINE_TLB_LIST)
		tlb->list[list][tlb->count[list]] = (uint16_t)entry;
	if (tlb->count[list] <= ENGINE_TLB_LIST)
		tlb->count[list]++;
}

void tlb_enter(struct engine_tlb *tlb, gva_t gva, const struct mmu_page *page, uint8_t *host,
	       bool write)
{
	gva_t gva_page = align_down(gva, GUEST_PAGE_SIZE);
	unsigned int entry = (uint16_t)(gva >> 12);
	uint64_t addend = (uint64_t)(uintptr_t)host - gva_page;

	/* The addend serves both, so an entry of another page must go first. */
	if (tlb->host[entry] != addend)
		drop(tlb, entry);
	tlb->meta[entry] &= (uint8_t) ~(TLB_GLOBAL | TLB_LARGE);
	if (page->global)
		tlb->meta[entry] |= TLB_GLOBAL;
	if (page->page_shift > GUEST_PAGE_SHIFT) {
		tlb->meta[entry] |= TLB_LARGE;
		tlb->large |= large_bit(gva);
	}
	enlist(tlb, entry, page->global ? TLB_LIST_GLOBAL : TLB_LIST_LOCAL);
	tlb->page_shift[entry] = page->page_shift;
	tlb->host[entry] = addend;
	tlb->read[entry] = -gva_page;
	if (write)
		tlb->write[entry] = -gva_page;
}

void jumps_init(struct engine_jumps *jumps)
{
	jumps->rip[0] = ENGINE_JUMP_EMPTY_0;
	jumps->count = 0;
	memset(jumps->pages, 0, sizeof(jumps->pages));
}

static void drop_jump(struct engine_jumps *jumps, unsigned int entry)
{
	jumps->rip[entry] = entry ? 0 : ENGINE_JUMP_EMPTY_0;
}

void jumps_flush(struct engine_jumps *jumps)
{
	if (jumps->count > ENGINE_JUMP_LIST) {
		discard(jumps->rip, sizeof(jumps->rip));
		jumps_init(jumps);
		return;
	}
	for (uint32_t i = 0; i < jumps->count; i++)
		drop_jump(jumps, jumps->list[i]);
	jumps->count = 0;
	memset(jumps->pages, 0, sizeof(jumps->pages));
}

static uint64_t *page_bit(struct engine_jumps *jumps, uint64_t rip, uint64_t *bit)
{
	*bit = BIT64(rip >> GUEST_PAGE_SHIFT & 63);
	return &jumps->pages[rip >> (GUEST_PAGE_SHIFT + 6) & 63];
}

void jumps_flush_page(struct engine_jumps *jumps, uint64_t rip)
{
	uint64_t bit, *pages = page_bit(jumps, rip, &bit);

	if (!(*pages & bit))
		return;
	if (jumps->count > ENGINE_JUMP_LIST) {
		jumps_flush(jumps);
		return;
	}
	for (uint32_t i = 0; i < jumps->count; i++)
		if (!((-jumps->rip[jumps->list[i]] ^ rip) >> GUEST_PAGE_SHIFT))
			drop_jump(jumps, jumps->list[i]);
}

void jumps_enter(struct engine_jumps *jumps, uint64_t rip, uint64_t page_base, const uint8_t *code)
{
	unsigned int entry = (uint16_t)rip;
	bool was_empty = jumps->rip[entry] == (entry ? 0 : ENGINE_JUMP_EMPTY_0);
	uint64_t bit, *pages = page_bit(jumps, rip, &bit);

	*pages |= bit;
	/* An entry that was dropped alone is listed twice then: harmless. */
	if (was_empty) {
		if (jumps->count < ENGINE_JUMP_LIST)
			jumps->list[jumps->count] = (uint16_t)entry;
		if (jumps->count <= ENGINE_JUMP_LIST)
			jumps->count++;
	}
	jumps->code[entry] = (uint64_t)(uintptr_t)code;
	jumps->page_base[entry] = page_base;
	jumps->rip[entry] = -rip;
}
