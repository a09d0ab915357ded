// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "engine/cache.h"

#include "lib/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int code_cache_init(struct code_cache *cache, size_t size)
{
	int fd = memfd_create("exclave-code", MFD_CLOEXEC);
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

void code_cache_destroy(struct code_cache *cache)
{
	for (unsigned int i = 0; i < CACHE_HASH_SIZE; i++) {
		while (cache->hash[i]) {
			struct block *block = cache->hash[i];

			cache->hash[i] = block->hash_next;
			free(block->records);
			free(block);
		}
	}
	munmap(cache->writable, cache->size);
	munmap(cache->executable, cache->size);
	mem_release(cache->owner, cache->size / CACHE_GRANULE * sizeof(struct block *));
}

static unsigned int hash_of(gpa_t page, uint16_t offset)
{
	uint64_t key = page ^ offset;

	return (unsigned int)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 48);
}

struct block *cache_find(const struct code_cache *cache, gpa_t page, uint16_t offset, bool crosses,
			 gpa_t next_page)
{
	struct block *block = cache->hash[hash_of(page, offset)];

	while (block && (block->page != page || block->offset != offset ||
			 block->crosses != crosses || (crosses && block->next_page != next_page)))
		block = block->hash_next;
	return block;
}

void cache_insert(struct code_cache *cache, struct block *block)
{
	struct block **head = &cache->hash[hash_of(block->page, block->offset)];

	size_t first = (size_t)(block->code - cache->executable) / CACHE_GRANULE;
	size_t count = (block->code_length + CACHE_GRANULE - 1) / CACHE_GRANULE;

	for (size_t i = 0; i < count; i++)
		cache->owner[first + i] = block;
	block->hash_next = *head;
	*head = block;
}

struct block *cache_find_code(const struct code_cache *cache, const uint8_t *pc)
{
	size_t offset = (size_t)(pc - cache->executable);

	return offset < cache->size ? cache->owner[offset / CACHE_GRANULE] : NULL;
}

static int compare_record(const void *key, const void *element)
{
	uint32_t off = *(const uint32_t *)key;
	const struct fault_record *record = element;

	return (off > record->cache_off) - (off < record->cache_off);
}

const struct fault_record *block_find_record(const struct block *block, const uint8_t *pc)
{
	uint32_t off = (uint32_t)(pc - block->code);

	return bsearch(&off, block->records, block->record_count, sizeof(*block->records),
		       compare_record);
}
