// SPDX-License-Identifier: GPL-2.0-or-later
/* The block at RIP: from the cache, or made now. */
#include "engine/core.h"

#include "cpu/debug.h"
#include "mmu/guest_access.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE 4096u

/* What executes where nothing answers: the abort page reads as ones. */
static const uint8_t abort_page[PAGE_SIZE]
	__attribute__((aligned(4096))) = {[0 ... PAGE_SIZE - 1] = 0xff};

/* Where the code is. */
struct place_of_code {
	const uint8_t *host[2]; /* pages; the second of an instruction that crosses */
	bool is_epc[2];
	uint32_t offset;
	struct code_page *announced[2];
	uint64_t generation; /* of the cache when they were */
	uint64_t changes;    /* the engine's code_changes before anything was looked at */
};

static enum cpu_result gp(struct engine_vcpu *v)
{
	v->cpu.fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
	return CPU_FAULT;
}

static enum cpu_result host_error(struct engine_vcpu *v, int error)
{
	v->cpu.host_errno = error;
	return CPU_HOST_ERROR;
}

/* SDM "Limit Checking": the instruction's bytes lie inside CS, or in canonical space. */
static enum cpu_result check_rip(struct engine_vcpu *v)
{
	const struct x86_state *s = &v->cpu.state;

	if (x86_is_64bit(s))
		return x86_is_canonical(s, s->rip) ? CPU_OK : gp(v);
	return s->rip <= s->seg[X86_SEG_CS].limit ? CPU_OK : gp(v);
}

/* Page @n of @at, with @pc in it. */
static enum cpu_result fetch_page(struct engine_vcpu *v, gva_t pc, struct place_of_code *at,
				  unsigned int n)
{
	gva_t linear = align_down(pc, PAGE_SIZE);
	struct mmu_page page = {0};

	at->host[n] = itlb_lookup(&v->itlb, linear, v->mode & MODE_INDEX);
	if (at->host[n])
		return CPU_OK;
	CPU_TRY(vcpu_fetch(v, pc, &page));
	if (page.kind == MEMSLOT_MMIO) {
		v->exit.reason = ENGINE_EXIT_INTERNAL_ERROR;
		v->exit.insn.length = 0;
		return CPU_AGAIN;
	}
	if (!page.global)
		v->nonglobal_code |= (v->mode & MODE_INDEX) != ENGINE_MMU_USER;
	at->host[n] = page.hva ? page.hva : abort_page;
	at->is_epc[n] = page.kind == MEMSLOT_EPC;
	/* A page of the EPC is watched anew at each translation. */
	if (at->is_epc[n] && page.hva)
		sgx_watch_page(v->sgx->platform, page.hpa);
	else
		itlb_enter(&v->itlb, linear, v->mode & MODE_INDEX, at->host[n]);
	return CPU_OK;
}

/* How many bytes of code may be looked at from RIP on, in its page. */
static uint32_t room(const struct engine_vcpu *v, uint32_t offset)
{
	const struct x86_state *s = &v->cpu.state;
	uint64_t len = PAGE_SIZE - offset;

	if (!x86_is_64bit(s) && s->seg[X86_SEG_CS].limit - s->rip < len)
		len = s->seg[X86_SEG_CS].limit - s->rip + 1;
	return (uint32_t)len;
}

static enum cpu_result copy_code(struct engine_vcpu *v, const struct place_of_code *at,
				 struct code_bytes *code)
{
	uint32_t len = room(v, at->offset);
	int err;

	if (len > sizeof(code->bytes))
		len = sizeof(code->bytes);
	code->offset = (uint16_t)at->offset;
	code->length = (uint16_t)len;
	code->crosses = false;
	err = guest_copy_from(code->bytes, at->host[0] + at->offset, len);
	return err ? host_error(v, err) : CPU_OK;
}

static bool does_cross(struct engine_vcpu *v, const struct code_bytes *code, uint32_t mode)
{
	struct insn insn;

	if (code->length >= INSN_MAX_LENGTH)
		return false;
	vcpu_save_xstate(v);
	return !insn_decode(code->bytes, code->length, mode_code_size(mode), &insn);
}

/* The rest of an instruction that begins in the last bytes of its page. */
static enum cpu_result copy_crossing(struct engine_vcpu *v, struct place_of_code *at,
				     struct code_bytes *code)
{
	uint32_t here = PAGE_SIZE - at->offset;
	gva_t next = vcpu_linear_pc(v) + here;
	int err;

	/* It ends beyond the limit of CS, not in another page. */
	if (code->length < here)
		return gp(v);
	if (!x86_is_64bit(&v->cpu.state))
		next = (uint32_t)next;
	CPU_TRY(fetch_page(v, next, at, 1));
	code->length = INSN_MAX_LENGTH;
	code->crosses = true;
	err = guest_copy_from(code->bytes + here, at->host[1], INSN_MAX_LENGTH - here);
	return err ? host_error(v, err) : CPU_OK;
}

/* Has a block from here met the end of a page in the middle of a group? */
static bool is_ungrouped(const struct code_cache *cache, const struct place_of_code *at)
{
	const struct code_page *page = cache_find_page(cache, at->host[0]);

	return page && (page->ungrouped & BIT64(at->offset / CODE_GRANULE));
}

static struct block *make_block(struct engine *engine, const struct place_of_code *at,
				const struct code_bytes *code, uint32_t mode)
{
	uint8_t(*now)[PAGE_SIZE] = engine->page_bytes;
	struct translation *t = &engine->translation;
	struct code_cache *cache = &engine->cache;
	struct block *block;
	uint32_t length;

	t->cache = cache;
	t->stubs = &engine->stubs;
	t->has_probes = (engine->config.debug & ENGINE_DEBUG_FAULT_MAP) && !(mode & MODE_SINGLE);
	t->never_link = engine->config.debug & ENGINE_DEBUG_NO_CHAIN;
	t->no_groups = is_ungrouped(cache, at);
	t->e.base = t->e.p = cache->writable + cache->used;
	t->e.end = t->e.base + BLOCK_MAX_CODE;
	length = translate_block(t, code, mode);
	if (!length || t->failed || emit_overflowed(&t->e)) {
		free(t->stop_insn);
		return NULL;
	}
	/* What is undefined may be so because of a byte in the other page. */
	if (at->host[1] && at->offset + length <= PAGE_SIZE)
		length = INSN_MAX_LENGTH;
	block = block_new(t->records, t->record_count, code->bytes, (uint16_t)length);
	if (!block) {
		free(t->stop_insn);
		return NULL;
	}
	block->stop_insn = t->stop_insn;
	block->mode = mode;
	block->uses_xstate = t->uses_xstate;
	block->offset = (uint16_t)at->offset;
	block->page[0] = cache_get_page(cache, at->host[0], now[0], engine->page_epoch);
	block->page[1] =
		at->host[1] ? cache_get_page(cache, at->host[1], now[1], engine->page_epoch) : NULL;
	block->code = cache_to_executable(cache, t->e.base);
	block->code_length = (uint32_t)(t->e.p - t->e.base);
	if (!block->page[0] || (at->host[1] && !block->page[1])) {
		block_free(block);
		return NULL;
	}
	cache->used = align_up((uint64_t)(t->e.p - cache->writable), CACHE_GRANULE);
	cache_insert(cache, block);
	return block;
}

/* All blocks go, and with them all that the jump tables know. Nobody else is running. */
static void empty_alone(struct engine *engine)
{
	engine_lock_vcpus(engine);
	for (struct engine_vcpu *other = engine->vcpus; other; other = other->next)
		for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++)
			jumps_flush(&other->jumps[i]);
	engine_unlock_vcpus(engine);
	engine_lock_translate(engine);
	code_cache_empty(&engine->cache);
	engine->cache_generation++;
	engine_unlock_translate(engine);
}

void cache_empty_now(struct engine_vcpu *v)
{
	safepoint_begin_exclusive(v);
	empty_alone(v->engine);
	safepoint_end_exclusive(v);
}

/* A safe point. */
static void empty_full_cache(struct engine_vcpu *v)
{
	struct engine *engine = v->engine;

	safepoint_begin_exclusive(v);
	/* Another may have done it while we waited. */
	if (engine->cache.size - engine->cache.used < BLOCK_MAX_CODE)
		empty_alone(engine);
	safepoint_end_exclusive(v);
}

static const uint8_t no_bytes[PAGE_SIZE];

/* ANNOUNCE_AGAIN: a safe point was passed, look from the start. */
enum announce {
	ANNOUNCE_DONE,
	ANNOUNCE_AGAIN,
	ANNOUNCE_NO_MEMORY,
};

/* Write entries for the announced page @n of @at go. */
static enum announce guard(struct engine_vcpu *v, const struct place_of_code *at, unsigned int n)
{
	struct engine *engine = v->engine;
	bool stayed = safepoint_protect(v, at->host[n]);

	engine_lock_translate(engine);
	if (at->generation == engine->cache_generation)
		at->announced[n]->is_guarded = true;
	engine_unlock_translate(engine);
	return stayed ? ANNOUNCE_DONE : ANNOUNCE_AGAIN;
}

/*
 * Page @n of @at becomes one of code before its bytes are read, so that stores
 * that come later are seen. withdraw() ends that.
 */
static enum announce announce_page(struct engine_vcpu *v, struct place_of_code *at, unsigned int n)
{
	struct engine *engine = v->engine;
	struct code_page *page;
	bool is_open = true, is_full;

	engine_lock_translate(engine);
	is_full = engine->cache.size - engine->cache.used < BLOCK_MAX_CODE;
	page = cache_find_page(&engine->cache, at->host[n]);
	if (!page && !is_full)
		page = cache_get_page(&engine->cache, at->host[n], no_bytes, 0);
	if (page && !is_full) {
		if (!page->granules && !page->announced)
			page->is_guarded = false;
		is_open = !page->is_guarded;
		page->announced++;
		at->announced[n] = page;
		at->generation = engine->cache_generation;
	}
	engine_unlock_translate(engine);
	if (is_full) {
		empty_full_cache(v);
		return ANNOUNCE_AGAIN;
	}
	if (!page)
		return ANNOUNCE_NO_MEMORY;
	return is_open ? guard(v, at, n) : ANNOUNCE_DONE;
}

/* Pages of a cache that was emptied meanwhile are gone. */
static void withdraw(struct engine *engine, const struct place_of_code *at)
{
	engine_lock_translate(engine);
	for (unsigned int n = 0; n < 2; n++)
		if (at->announced[n] && at->generation == engine->cache_generation)
			at->announced[n]->announced--;
	engine_unlock_translate(engine);
}

/* Those bytes of @granules, each at its place in the page. */
static int copy_granules(uint8_t now[PAGE_SIZE], const uint8_t *host, uint64_t granules)
{
	for (uint64_t left = granules; left; left &= left - 1) {
		unsigned int at = (unsigned int)__builtin_ctzll(left) * CODE_GRANULE;
		int err = guest_copy_from(now + at, host + at, CODE_GRANULE);

		if (err)
			return err;
	}
	return 0;
}

/*
 * Mostly the VMM has written nothing, and of the page a few granules are code: are they
 * as they were? Then the page is of @epoch. One that has got more of them since is not looked at.
 */
static enum cpu_result compare_page(struct engine_vcpu *v, const uint8_t *host, uint64_t epoch,
				    bool *is_current)
{
	struct engine *engine = v->engine;
	struct code_page *page = cache_find_page(&engine->cache, host);
	uint64_t granules = page ? page->granules : 0;
	uint8_t now[PAGE_SIZE];
	int err = copy_granules(now, host, granules);

	*is_current = false;
	if (err)
		return host_error(v, err);
	engine_lock_translate(engine);
	page = cache_find_page(&engine->cache, host);
	if (page && !(page->granules & ~granules) && code_page_is_current(page, now)) {
		page->epoch = epoch;
		*is_current = true;
	}
	engine_unlock_translate(engine);
	return CPU_OK;
}

/* A block may be found, but the VMM may have written to its page since; not to the EPC. */
static enum cpu_result revalidate(struct engine_vcpu *v, const struct place_of_code *at,
				  unsigned int n)
{
	const uint8_t *host = at->host[n];
	struct engine *engine = v->engine;
	uint64_t epoch = engine->epoch;
	struct code_page *page;
	uint8_t now[PAGE_SIZE];
	bool is_current;
	int err;

	if (at->is_epc[n])
		return CPU_OK;
	page = cache_find_page(&engine->cache, host);
	if (!page || page->epoch == epoch)
		return CPU_OK;
	CPU_TRY(compare_page(v, host, epoch, &is_current));
	if (is_current)
		return CPU_OK;
	err = guest_copy_from(now, host, PAGE_SIZE);
	if (err)
		return host_error(v, err);
	vcpu_save_xstate(v);
	engine_lock_translate(engine);
	page = cache_find_page(&engine->cache, host);
	if (page)
		cache_revalidate(&engine->cache, page, now, epoch);
	engine_unlock_translate(engine);
	return CPU_OK;
}

static struct block *find(struct engine *engine, const struct place_of_code *at, uint32_t mode)
{
	const struct code_page *page = cache_find_page(&engine->cache, at->host[0]);
	const struct code_page *next = NULL;

	if (at->host[1])
		next = cache_find_page(&engine->cache, at->host[1]);
	if (!page || (at->host[1] && !next))
		return NULL;
	return cache_find(&engine->cache, page, (uint16_t)at->offset, mode, next);
}

/* The whole pages, for later comparisons. The epoch is taken before the bytes. */
static enum cpu_result copy_pages(struct engine_vcpu *v, const struct place_of_code *at,
				  uint8_t now[2][PAGE_SIZE], uint64_t *epoch)
{
	*epoch = v->engine->epoch;
	for (unsigned int i = 0; i < 2 && at->host[i]; i++) {
		int err = guest_copy_from(now[i], at->host[i], PAGE_SIZE);

		if (err)
			return host_error(v, err);
	}
	return CPU_OK;
}

/*
 * CPU_OK without a block: code has changed, maybe this one after its bytes were
 * read, so all must be looked at again.
 *
 * A block that is too long for its tables or for the code buffer is made again
 * as one of a single instruction, which always fits.
 */
static enum cpu_result translate(struct engine_vcpu *v, const struct place_of_code *at,
				 struct code_bytes *code, uint32_t mode, struct block **made)
{
	struct engine *engine = v->engine;
	uint8_t now[2][PAGE_SIZE];
	uint64_t epoch;
	bool is_stale;

	CPU_TRY(copy_pages(v, at, now, &epoch));
	engine_lock_translate(engine);
	engine->page_bytes = now;
	engine->page_epoch = epoch;
	is_stale = engine->code_changes != at->changes ||
		   engine->cache_generation != at->generation ||
		   engine->cache.size - engine->cache.used < BLOCK_MAX_CODE;
	*made = is_stale ? NULL : make_block(engine, at, code, mode);
	if (!*made && !is_stale) {
		code->length = INSN_MAX_LENGTH < code->length ? INSN_MAX_LENGTH : code->length;
		*made = make_block(engine, at, code, mode);
	}
	engine->page_bytes = NULL;
	engine_unlock_translate(engine);
	return *made || is_stale ? CPU_OK : host_error(v, -ENOMEM);
}

/* Segmented blocks know no limit of CS: a block that reaches beyond it runs one by one. */
static bool fits_limit(const struct engine_vcpu *v, const struct block *block)
{
	const struct x86_state *s = &v->cpu.state;

	return x86_is_64bit(s) || s->rip + block->guest_length - 1 <= s->seg[X86_SEG_CS].limit;
}

/* The pages of @at, of which the first is announced, as a block. */
static enum cpu_result read_and_translate(struct engine_vcpu *v, struct place_of_code *at,
					  uint32_t mode, struct block **found)
{
	struct code_bytes code;

	CPU_TRY(copy_code(v, at, &code));
	if (does_cross(v, &code, mode)) {
		CPU_TRY(copy_crossing(v, at, &code));
		CPU_TRY(revalidate(v, at, 1));
		*found = find(v->engine, at, mode);
		if (*found)
			return CPU_OK;
		switch (announce_page(v, at, 1)) {
		case ANNOUNCE_DONE:
			break;
		case ANNOUNCE_AGAIN:
			return CPU_OK;
		case ANNOUNCE_NO_MEMORY:
			return host_error(v, -ENOMEM);
		}
		/* Its bytes once more: now nobody changes them unseen. */
		CPU_TRY(copy_crossing(v, at, &code));
	}
	return translate(v, at, &code, mode, found);
}

/* CPU_OK without a block: look again. */
static enum cpu_result find_or_translate(struct engine_vcpu *v, uint32_t mode, struct block **found)
{
	struct place_of_code at = {.offset = vcpu_linear_pc(v) % PAGE_SIZE,
				   .changes = v->engine->code_changes};
	enum cpu_result result = CPU_OK;

	CPU_TRY(check_rip(v));
	CPU_TRY(fetch_page(v, vcpu_linear_pc(v), &at, 0));
	CPU_TRY(revalidate(v, &at, 0));
	*found = find(v->engine, &at, mode);
	if (*found && fits_limit(v, *found))
		return CPU_OK;
	if (*found)
		mode |= MODE_SINGLE;
	*found = NULL;
	vcpu_save_xstate(v);
	switch (announce_page(v, &at, 0)) {
	case ANNOUNCE_DONE:
		result = read_and_translate(v, &at, mode, found);
		break;
	case ANNOUNCE_AGAIN:
		break;
	case ANNOUNCE_NO_MEMORY:
		result = host_error(v, -ENOMEM);
		break;
	}
	withdraw(v->engine, &at);
	return result;
}

struct block *block_at_rip(struct engine_vcpu *v, uint32_t mode, enum cpu_result *result)
{
	struct block *block = NULL;

	do {
		*result = find_or_translate(v, mode, &block);
		if (*result != CPU_OK)
			return NULL;
	} while (!block);
	v->page_base = v->cpu.state.rip - block->offset;
	return block;
}

/*
 * The jump table did not know RIP. What needs more than a look at the cache goes
 * the long way, through the run loop.
 */
const uint8_t *engine_dispatch(struct engine_vcpu *v)
{
	uint64_t rip = v->cpu.state.rip;
	struct place_of_code at = {.offset = rip % PAGE_SIZE};
	struct block *block;

	if (unlikely(debug_is_watching(&v->cpu)) && vcpu_watches_code_here(v))
		return NULL;
	at.host[0] = itlb_lookup(&v->itlb, align_down(rip, PAGE_SIZE), v->mode & MODE_INDEX);
	if (!at.host[0] || revalidate(v, &at, 0) != CPU_OK)
		return NULL;
	block = find(v->engine, &at, v->mode);
	if (!block)
		return NULL;
	v->page_base = rip - at.offset;
	jumps_enter(&v->jumps[v->mode & MODE_INDEX], rip, v->page_base, block->code);
	return block->code;
}
