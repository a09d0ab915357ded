/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code cache of a VM: host code and the blocks it belongs to. Written
 * through one mapping, executed through another, never both through one.
 *
 * Translation happens under the cache's lock; running code takes none.
 */
#ifndef EXCLAVE_ENGINE_CACHE_H
#define EXCLAVE_ENGINE_CACHE_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the cache knows of one place in a block: enough to rebuild the guest's
 * state there. Places are ordered by cache_off.
 */
#define NO_REG 0xff

struct fault_record {
	uint32_t cache_off; /* a call's return address, or the start of a relocated instruction */
	uint16_t guest_off; /* of the instruction, from the block's start */
	uint16_t spilled;   /* bit n: GPR n is in the vCPU, not in its host register */
	uint8_t length;     /* of the instruction */
	uint8_t rsp;        /* host register that has the guest's RSP, or NO_REG: the vCPU has it */
	uint8_t addend;     /* host register that gets the addend of a look-up */
	uint8_t size;       /* of the access */
	bool write;
	bool stack;  /* through SS: a bad address is #SS */
	uint8_t seg; /* enum x86_seg, or FAULT_RECORD_TARGET, of a call of the stub `segment` */
};

/* No access, but a branch: the address is that of its target in the code segment. */
#define FAULT_RECORD_TARGET 0xff

struct block {
	struct block *hash_next;
	gpa_t page;      /* guest-physical */
	gpa_t next_page; /* the same, of a block that is one instruction across two pages */
	bool crosses;
	uint16_t offset; /* in the page */
	uint16_t guest_length;
	uint32_t code_length;
	uint8_t *code; /* executable address */
	struct fault_record *records;
	uint32_t record_count;
};

#define CACHE_HASH_SIZE 65536
#define CACHE_GRANULE   64 /* blocks start at multiples of it and share none */

struct code_cache {
	uint8_t *writable;
	uint8_t *executable;
	size_t size;
	size_t used;
	struct block **owner; /* sparse: the block of each granule of code */
	struct block *hash[CACHE_HASH_SIZE];
};

/* Return: 0, or -errno (no memory, or the host forbids executable memory). */
int code_cache_init(struct code_cache *cache, size_t size);
void code_cache_destroy(struct code_cache *cache);

static inline uint8_t *cache_to_executable(const struct code_cache *cache, uint8_t *writable)
{
	return writable - cache->writable + cache->executable;
}

static inline uint8_t *cache_to_writable(const struct code_cache *cache, uint8_t *executable)
{
	return executable - cache->executable + cache->writable;
}

/* With @crosses, one whose instruction ends in @next_page; without, one that does not cross. */
struct block *cache_find(const struct code_cache *cache, gpa_t page, uint16_t offset, bool crosses,
			 gpa_t next_page);
void cache_insert(struct code_cache *cache, struct block *block);

/* The block whose code contains @pc, or NULL. */
struct block *cache_find_code(const struct code_cache *cache, const uint8_t *pc);

/* The record of exactly @pc, or NULL. */
const struct fault_record *block_find_record(const struct block *block, const uint8_t *pc);

#endif
