// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "engine/cache.h"

#include "lib/bits.h"
#include "lib/mem.h"
#include "lib/memfd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_SIZE 4096u

int code_cache_init(struct code_cache *cache, size_t size)
{
	int fd = memfd_make("exclave-code", MFD_CLOEXEC);
	int error;

	memset(cache, 0, sizeof(*cache));
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0)
		goto err_close;
	cache->size = size;
	cache->writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cache->executable = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (cache->writable == MAP_FAILED || cache->executable == MAP_FAILED)
		goto err_unmap;
	cache->owner = mem_reserve(size / CACHE_GRANULE * sizeof(struct block *));
	if (!cache->owner)
		goto err_unmap;
	close(fd);
	return 0;

err_unmap:
	error = errno;
	if (cache->writable != MAP_FAILED)
		munmap(cache->writable, size);
	if (cache->executable != MAP_FAILED)
		munmap(cache->executable, size);
	errno = error;
err_close:
	error = errno;
	close(fd);
	return -error;
}

static size_t granules_of(const struct block *block)
{
	return (block->code_length + CACHE_GRANULE - 1) / CACHE_GRANULE;
}

void code_cache_empty(struct code_cache *cache)
{
	size_t first = cache->start / CACHE_GRANULE, last = cache->used / CACHE_GRANULE;

	for (size_t i = first; i < last;) {
		struct block *block = cache->owner[i];

		i += block ? granules_of(block) : 1;
		if (block)
			block_free(block);
	}
	memset(cache->owner + first, 0, (last - first) * sizeof(struct block *));
	memset(cache->hash, 0, sizeof(cache->hash));
	for (unsigned int i = 0; i < CACHE_HASH_SIZE; i++) {
		while (cache->pages[i]) {
			struct code_page *page = cache->pages[i];

			cache->pages[i] = page->hash_next;
			free(page);
		}
	}
	cache->used = cache->start;
}

void code_cache_destroy(struct code_cache *cache)
{
	code_cache_empty(cache);
	munmap(cache->writable, cache->size);
	munmap(cache->executable, cache->size);
	mem_release(cache->owner, cache->size / CACHE_GRANULE * sizeof(struct block *));
}

static unsigned int hash_of(uint64_t key)
{
	return (unsigned int)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 48);
}

static unsigned int hash_of_block(const struct code_page *page, uint16_t offset, uint32_t mode)
{
	return hash_of((uint64_t)(uintptr_t)page->host ^ offset ^ (uint64_t)mode << 48);
}

struct code_page *cache_find_page(const struct code_cache *cache, const uint8_t *host)
{
	struct code_page *_Atomic const *p = &cache->pages[hash_of((uint64_t)(uintptr_t)host)];
	struct code_page *page;

	while ((page = atomic_load_explicit(p, memory_order_acquire)) && page->host != host)
		p = &page->hash_next;
	return page;
}

struct code_page *cache_get_page(struct code_cache *cache, const uint8_t *host, const uint8_t *now,
				 uint64_t epoch)
{
	struct code_page *_Atomic *head = &cache->pages[hash_of((uint64_t)(uintptr_t)host)];
	struct code_page *page = cache_find_page(cache, host);

	if (page) {
		/* One that was only announced knows no bytes yet. */
		if (!page->granules) {
			memcpy(page->bytes, now, PAGE_SIZE);
			page->epoch = epoch;
		}
		return page;
	}
	page = calloc(1, sizeof(*page));
	if (!page)
		return NULL;
	page->host = host;
	page->epoch = epoch;
	memcpy(page->bytes, now, PAGE_SIZE);
	page->hash_next = *head;
	*head = page;
	return page;
}

bool code_page_is_current(const struct code_page *page, const uint8_t *now)
{
	for (uint64_t left = page->granules; left; left &= left - 1) {
		unsigned int at = (unsigned int)__builtin_ctzll(left) * CODE_GRANULE;

		if (memcmp(page->bytes + at, now + at, CODE_GRANULE) != 0)
			return false;
	}
	return true;
}

struct block *cache_find(const struct code_cache *cache, const struct code_page *page,
			 uint16_t offset, uint32_t mode, const struct code_page *next)
{
	struct block *_Atomic const *p = &cache->hash[hash_of_block(page, offset, mode)];
	struct block *block;

	while ((block = atomic_load_explicit(p, memory_order_acquire)) &&
	       (block->page[0] != page || block->offset != offset || block->mode != mode ||
		block->page[1] != next))
		p = &block->hash_next;
	return block;
}

struct block *block_new(const struct fault_record *records, uint32_t record_count,
			const uint8_t *bytes, uint16_t guest_length)
{
	size_t record_bytes = record_count * sizeof(*records);
	struct block *block = calloc(1, sizeof(*block) + record_bytes + guest_length);

	if (!block)
		return NULL;
	block->records = (struct fault_record *)(block + 1);
	block->bytes = (uint8_t *)(block + 1) + record_bytes;
	memcpy(block->records, records, record_bytes);
	memcpy(block->bytes, bytes, guest_length);
	block->record_count = record_count;
	block->guest_length = guest_length;
	return block;
}

static void free_links(struct block *block)
{
	while (block->incoming) {
		struct link *link = block->incoming;

		block->incoming = link->next;
		free(link);
	}
}

void block_free(struct block *block)
{
	free_links(block);
	free(block->stop_insn);
	free(block);
}

/* The bytes of @block that lie in its page number @i, as [@from, @to) of the page. */
static void range_in_page(const struct block *block, unsigned int i, uint32_t *from, uint32_t *to)
{
	uint32_t end = (uint32_t)block->offset + block->guest_length;

	*from = i ? 0 : block->offset;
	*to = i ? end - PAGE_SIZE : end;
	if (!i && *to > PAGE_SIZE)
		*to = PAGE_SIZE;
}

/* Bits of the granules that [@from, @to) touches. */
static uint64_t granule_mask(uint32_t from, uint32_t to)
{
	uint32_t first = from / CODE_GRANULE, last = (to - 1) / CODE_GRANULE;

	return (~UINT64_C(0) >> (63 - last)) & (~UINT64_C(0) << first);
}

bool code_page_overlaps(const struct code_page *page, uint32_t offset, uint32_t len)
{
	return page->granules & granule_mask(offset, offset + len);
}

static void add_to_page(struct block *block, unsigned int i)
{
	uint32_t from, to;

	if (!block->page[i])
		return;
	range_in_page(block, i, &from, &to);
	memcpy(block->page[i]->bytes + from, block->bytes + (i ? PAGE_SIZE - block->offset : 0),
	       to - from);
	block->page[i]->granules |= granule_mask(from, to);
	block->page_next[i] = block->page[i]->blocks;
	block->page[i]->blocks = block;
}

void cache_insert(struct code_cache *cache, struct block *block)
{
	struct block *_Atomic *head =
		&cache->hash[hash_of_block(block->page[0], block->offset, block->mode)];
	size_t first = (size_t)(block->code - cache->executable) / CACHE_GRANULE;

	block->valid = true;
	/* Whoever runs its code looks it up without the lock. */
	for (size_t i = 0; i < granules_of(block); i++)
		__atomic_store_n(&cache->owner[first + i], block, __ATOMIC_RELEASE);
	add_to_page(block, 0);
	/* A block is in the list of a page once, also where both its pages are the same memory. */
	if (block->page[1] != block->page[0])
		add_to_page(block, 1);
	else
		block->page[0]->granules |= 1;
	/* Last: it may be found from here on. */
	block->hash_next = *head;
	*head = block;
}

/* Where the jump at @rel32 enters @target: a block that uses the extended state leaves it in place. */
static const uint8_t *link_entry(const struct code_cache *cache, const uint8_t *rel32,
				 const struct block *target)
{
	const struct block *source =
		cache->owner[(size_t)(rel32 - cache->writable) / CACHE_GRANULE];
	const uint8_t *entry = target->code + BLOCK_ENTRY_NOP;

	return target->uses_xstate && source->uses_xstate ? entry + BLOCK_XSTATE_DEMAND : entry;
}

bool cache_link(struct code_cache *cache, uint8_t *rel32, struct block *target)
{
	const uint8_t *code = link_entry(cache, rel32, target);
	int32_t rel = (int32_t)(code - (cache_to_executable(cache, rel32) + 4));
	struct link *link = malloc(sizeof(*link));

	if (!link)
		return false;
	link->rel32 = rel32;
	memcpy(&link->unlinked, rel32, sizeof(link->unlinked));
	link->next = target->incoming;
	target->incoming = link;
	/* One aligned store: a processor that runs the jump sees the old or the new target. */
	__atomic_store_n((int32_t *)rel32, rel, __ATOMIC_RELEASE);
	return true;
}

static struct block **page_link(struct code_page *page, struct block *block)
{
	return &block->page_next[block->page[0] != page];
}

static void remove_from_page(struct code_page *page, const struct block *block)
{
	struct block **p = &page->blocks;
	uint64_t granules = 0;

	while (*p && *p != block)
		p = page_link(page, *p);
	if (*p)
		*p = *page_link(page, *p);
	for (struct block *b = page->blocks; b; b = *page_link(page, b)) {
		uint32_t from, to;

		range_in_page(b, b->page[0] != page, &from, &to);
		granules |= granule_mask(from, to);
		if (b->page[0] == b->page[1])
			granules |= 1;
	}
	page->granules = granules;
}

/* The NOP at the entry becomes a jump, in one store of the eight bytes around it. */
static void close_entry(struct code_cache *cache, struct block *block)
{
	uint8_t *entry = cache_to_writable(cache, block->code);
	int32_t rel = (int32_t)(cache->stale - (block->code + BLOCK_ENTRY_NOP));
	uint64_t word;

	memcpy(&word, entry, sizeof(word));
	word = (word & ~UINT64_C(0xffffffffff)) | 0xe9 | (uint64_t)(uint32_t)rel << 8;
	__atomic_store_n((uint64_t *)entry, word, __ATOMIC_RELEASE);
}

void cache_invalidate(struct code_cache *cache, struct block *block)
{
	struct block *_Atomic *p =
		&cache->hash[hash_of_block(block->page[0], block->offset, block->mode)];

	while (*p != block)
		p = &(*p)->hash_next;
	*p = block->hash_next;
	block->valid = false;
	for (struct link *link = block->incoming; link; link = link->next)
		__atomic_store_n((int32_t *)link->rel32, link->unlinked, __ATOMIC_RELEASE);
	free_links(block);
	close_entry(cache, block);
	remove_from_page(block->page[0], block);
	if (block->page[1] && block->page[1] != block->page[0])
		remove_from_page(block->page[1], block);
}

static bool block_overlaps(const struct block *block, const struct code_page *page, uint32_t offset,
			   uint32_t len)
{
	uint32_t from, to;

	for (unsigned int i = 0; i < 2; i++) {
		if (block->page[i] != page)
			continue;
		range_in_page(block, i, &from, &to);
		if (offset < to && from < offset + len)
			return true;
	}
	return false;
}

bool cache_invalidate_range(struct code_cache *cache, struct code_page *page, uint32_t offset,
			    uint32_t len)
{
	struct block *next;
	bool any = false;

	for (struct block *block = page->blocks; block; block = next) {
		next = *page_link(page, block);
		if (!block_overlaps(block, page, offset, len))
			continue;
		cache_invalidate(cache, block);
		any = true;
	}
	return any;
}

/* The part of a block in the other page is compared when that page is used. */
static bool is_current(const struct block *block, const struct code_page *page, const uint8_t *now)
{
	uint32_t from, to;

	for (unsigned int i = 0; i < 2; i++) {
		if (block->page[i] != page)
			continue;
		range_in_page(block, i, &from, &to);
		if (memcmp(now + from, block->bytes + (i ? PAGE_SIZE - block->offset : 0),
			   to - from) != 0)
			return false;
	}
	return true;
}

void cache_revalidate(struct code_cache *cache, struct code_page *page, const uint8_t *now,
		      uint64_t epoch)
{
	struct block *next;

	for (struct block *block = page->blocks; block; block = next) {
		next = *page_link(page, block);
		if (!is_current(block, page, now))
			cache_invalidate(cache, block);
	}
	/* Of the bytes around the blocks, too, only what is there now need be met again. */
	memcpy(page->bytes, now, PAGE_SIZE);
	page->epoch = epoch;
}

struct block *cache_find_code(const struct code_cache *cache, const uint8_t *pc)
{
	size_t offset = (size_t)(pc - cache->executable);

	if (offset >= cache->size)
		return NULL;
	return __atomic_load_n(&cache->owner[offset / CACHE_GRANULE], __ATOMIC_ACQUIRE);
}

const struct fault_record *block_find_record(const struct block *block, const uint8_t *pc)
{
	uint32_t off = (uint32_t)(pc - block->code);
	uint32_t low = 0, high = block->record_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (block->records[middle].cache_off < off)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == block->record_count || block->records[low].cache_off != off)
		return NULL;
	return &block->records[low];
}
