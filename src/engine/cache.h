/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code cache of a VM: host code, the blocks it belongs to, and the pages of
 * guest code that the blocks were made from. Written through one mapping,
 * executed through another, never both through one.
 *
 * A page of guest code is known by the host memory behind it, so that all
 * guest-physical aliases of it are one. Everything here changes under the
 * engine's translate lock; running code takes none, and neither do
 * cache_find_page(), cache_find() and what they lead to: a page or block is complete
 * before it can be found, and one that is found no more still leads on to those
 * behind it.
 *
 * A block that is invalid keeps its memory until the whole cache is emptied: a
 * processor may still be inside it.
 */
#ifndef EXCLAVE_ENGINE_CACHE_H
#define EXCLAVE_ENGINE_CACHE_H

#include "lib/x86.h"

#include <stdatomic.h>
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
	uint16_t hull;      /* of several (group.c): bytes from miss_gva on, else 0; */
	uint16_t disp;      /* where in them the access is */
	bool read;
	bool write;
	bool atomic; /* a locked access: alone where it is done in parts */
	bool stack;  /* through SS: a bad address is #SS */
	uint8_t seg; /* enum x86_seg, or FAULT_RECORD_TARGET, of a call of the stub `segment` */
};

/* No access, but a branch: the address is that of its target in the code segment. */
#define FAULT_RECORD_TARGET 0xff

struct insn;

/* A jump that leads straight into a block. */
struct link {
	struct link *next;
	uint8_t *rel32;   /* writable address */
	int32_t unlinked; /* what it held before */
};

struct block {
	struct block *_Atomic hash_next;
	struct block *page_next[2]; /* of the blocks in each of its pages */
	struct code_page *page[2];  /* the second of a block that is one instruction across two */
	uint32_t mode;
	uint16_t offset; /* in the page */
	uint16_t guest_length;
	uint32_t code_length;
	bool valid;
	bool uses_xstate; /* behind the NOP is a BLOCK_XSTATE_DEMAND */
	uint8_t *code;    /* executable address */
	struct fault_record *records;
	uint32_t record_count;
	struct insn *stop_insn; /* the instruction for C that ends it, or NULL */
	struct link *incoming;
	uint8_t *bytes; /* guest_length bytes of guest code */
};

#define CODE_GRANULE 64 /* of guest code, for code_page.granules */

struct code_page {
	struct code_page *_Atomic hash_next;
	const uint8_t *host;
	/* Read without the lock: */
	_Atomic uint64_t granules;      /* bit n: bytes from n * CODE_GRANULE on are translated */
	_Atomic uint64_t epoch;         /* of the engine's, when the bytes were last compared */
	_Atomic unsigned int announced; /* vCPUs that are about to translate here */
	bool is_guarded; /* announced or translated, and nobody has a write entry for it any more */
	uint64_t ungrouped; /* granules in which blocks start that are made without groups */
	struct block *blocks;
	uint8_t bytes[4096]; /* as they were then, the translated ones as they were translated */
};

#define CACHE_HASH_SIZE 65536
#define CACHE_GRANULE   64 /* blocks start at multiples of it and share none */

struct code_cache {
	uint8_t *writable;
	uint8_t *executable;
	size_t size;
	size_t start; /* of the blocks, behind the stubs */
	size_t used;
	uint8_t *stale;       /* stub: where the entry of an invalid block leads */
	struct block **owner; /* sparse: the block of each granule of code */
	struct block *_Atomic hash[CACHE_HASH_SIZE];
	struct code_page *_Atomic pages[CACHE_HASH_SIZE];
};

/* Return: 0, or -errno (no memory, or the host forbids executable memory). */
int code_cache_init(struct code_cache *cache, size_t size);
void code_cache_destroy(struct code_cache *cache);

/* Frees all blocks and pages. No processor may be in them or know them. */
void code_cache_empty(struct code_cache *cache);

static inline uint8_t *cache_to_executable(const struct code_cache *cache, uint8_t *writable)
{
	return writable - cache->writable + cache->executable;
}

static inline uint8_t *cache_to_writable(const struct code_cache *cache, uint8_t *executable)
{
	return executable - cache->executable + cache->writable;
}

/* The page of code at @host (page-aligned), or NULL. */
struct code_page *cache_find_page(const struct code_cache *cache, const uint8_t *host);
/*
 * Likewise, made if need be, with @now its bytes as they were at @epoch.
 * Return: NULL when out of memory.
 */
struct code_page *cache_get_page(struct code_cache *cache, const uint8_t *host, const uint8_t *now,
				 uint64_t epoch);
/* Are the granules of @page with translated bytes in @now what they were? */
bool code_page_is_current(const struct code_page *page, const uint8_t *now);

/* @next: the second page of an instruction that crosses, else NULL. */
struct block *cache_find(const struct code_cache *cache, const struct code_page *page,
			 uint16_t offset, uint32_t mode, const struct code_page *next);
/* A block without code, or NULL when out of memory. */
struct block *block_new(const struct fault_record *records, uint32_t record_count,
			const uint8_t *bytes, uint16_t guest_length);
void block_free(struct block *block);
void cache_insert(struct code_cache *cache, struct block *block);

/* Points the jump of a block at @rel32 (writable) at @target. Return: false when out of memory. */
bool cache_link(struct code_cache *cache, uint8_t *rel32, struct block *target);

/* No processor enters @block any more. */
void cache_invalidate(struct code_cache *cache, struct block *block);
/* Invalidates the blocks with bytes in [@offset, @offset + @len) of @page; Return: were there any? */
bool cache_invalidate_range(struct code_cache *cache, struct code_page *page, uint32_t offset,
			    uint32_t len);
/* Invalidates the blocks of @page that were not made from its bytes as they were at @epoch: @now. */
void cache_revalidate(struct code_cache *cache, struct code_page *page, const uint8_t *now,
		      uint64_t epoch);

/* Does [@offset, @offset + @len) touch a granule with translated bytes? */
bool code_page_overlaps(const struct code_page *page, uint32_t offset, uint32_t len);

/* The block whose code contains @pc, or NULL. */
struct block *cache_find_code(const struct code_cache *cache, const uint8_t *pc);

/* The record of exactly @pc, or NULL. */
const struct fault_record *block_find_record(const struct block *block, const uint8_t *pc);

/* Every block starts with a NOP of this many bytes, which invalidation makes a jump. */
#define BLOCK_ENTRY_NOP 5
/* Bytes that see to it that the guest's extended state is in the host's registers. */
#define BLOCK_XSTATE_DEMAND 16

#endif
