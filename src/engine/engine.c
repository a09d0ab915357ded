// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "engine/engine.h"

#include "lib/bits.h"
#include "lib/mem.h"

#include <asm/prctl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define ARITHMETIC                                                                       \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_OF)
#define HOST_FLAGS (X86_EFLAGS_FIXED | X86_EFLAGS_IF)

int engine_init(struct engine *engine, const struct engine_ops *ops, size_t cache_size)
{
	int ret;

	memset(engine, 0, sizeof(*engine));
	engine->ops = ops;
	ret = code_cache_init(&engine->cache, cache_size);
	if (ret)
		return ret;
	ret = stubs_emit(engine);
	if (!ret)
		ret = fault_handlers_install();
	if (ret) {
		code_cache_destroy(&engine->cache);
		return ret;
	}
	pthread_mutex_init(&engine->translate_lock, NULL);
	fault_handlers_add(engine);
	return 0;
}

void engine_destroy(struct engine *engine)
{
	fault_handlers_remove(engine);
	pthread_mutex_destroy(&engine->translate_lock);
	code_cache_destroy(&engine->cache);
}

struct engine_vcpu *engine_vcpu_new(struct engine *engine)
{
	struct engine_vcpu *v = mem_reserve(sizeof(*v));
	uint16_t fcw = 0x37f;
	uint32_t mxcsr = MXCSR_DEFAULT;

	if (!v)
		return NULL;
	v->engine = engine;
	v->self = v;
	v->pext_page = ~UINT64_C(0xfff);
	v->default_mxcsr = MXCSR_DEFAULT;
	memcpy(v->xstate, &fcw, sizeof(fcw));
	memcpy(v->xstate + 24, &mxcsr, sizeof(mxcsr));
	engine_flush_tlb(v);
	return v;
}

void engine_vcpu_free(struct engine_vcpu *v)
{
	if (v)
		mem_release(v, sizeof(*v));
}

void engine_flush_tlb(struct engine_vcpu *v)
{
	mem_discard(v->tlb.read, align_down(sizeof(v->tlb), PAGE_SIZE));
	mem_discard(v->jumps.rip, align_down(sizeof(v->jumps), PAGE_SIZE));
	v->tlb.read[0] = v->tlb.write[0] = ENGINE_TLB_EMPTY_ENDS;
	v->tlb.read[ENGINE_TLB_ENTRIES - 1] = ENGINE_TLB_EMPTY_ENDS;
	v->tlb.write[ENGINE_TLB_ENTRIES - 1] = ENGINE_TLB_EMPTY_ENDS;
	v->jumps.rip[0] = ENGINE_JUMP_EMPTY_0;
}

static void fill_entry(struct engine_vcpu *v, gva_t gva, bool write, uint8_t *host)
{
	gva_t page = align_down(gva, PAGE_SIZE);
	unsigned int entry = (uint16_t)(gva >> 12);

	/* The addend serves both, so an entry of another page must go first. */
	if (v->tlb.host[entry] != (uint64_t)(uintptr_t)host - page) {
		uint64_t empty =
			entry == 0 || entry == ENGINE_TLB_ENTRIES - 1 ? ENGINE_TLB_EMPTY_ENDS : 0;

		v->tlb.read[entry] = v->tlb.write[entry] = empty;
	}
	v->tlb.host[entry] = (uint64_t)(uintptr_t)host - page;
	v->tlb.read[entry] = -page;
	if (write)
		v->tlb.write[entry] = -page;
}

static bool is_canonical(gva_t gva)
{
	return (gva_t)((int64_t)(gva << 16) >> 16) == gva;
}

/* Both pages of an operand that crosses a border, or one; copied to or from the bounce page. */
static bool copy_bounce(struct engine_vcpu *v, gva_t gva, uint32_t size, bool write, bool back)
{
	uint8_t *bounce = v->bounce + gva % 64;

	for (uint32_t done = 0; done < size;) {
		uint32_t len = PAGE_SIZE - (gva + done) % PAGE_SIZE;
		uint8_t *host;

		if (len > size - done)
			len = size - done;
		if (!v->engine->ops->fill(v, gva + done, write, &host, &v->fault))
			return false;
		host += (gva + done) % PAGE_SIZE;
		if (back)
			memcpy(host, bounce + done, len);
		else
			memcpy(bounce + done, host, len);
		done += len;
	}
	return true;
}

static enum miss_result stop_with_fault(struct engine_vcpu *v, const struct block *block,
					const struct fault_record *record)
{
	engine_rebuild_state(v, block, record);
	v->stop = ENGINE_STOP_FAULT;
	return MISS_STOP;
}

static enum miss_result bounce(struct engine_vcpu *v, const struct block *block,
			       const struct fault_record *record)
{
	gva_t gva = v->miss_gva;

	if (!copy_bounce(v, gva, record->size, record->write, false))
		return stop_with_fault(v, block, record);
	v->bounce_gva = gva;
	v->bounce_size = record->size;
	v->bounce_write = record->write;
	v->host_gpr[record->addend] = (uint64_t)(uintptr_t)(v->bounce + gva % 64) - gva;
	return MISS_BOUNCE;
}

enum miss_result engine_miss(struct engine_vcpu *v)
{
	struct engine *engine = v->engine;
	const uint8_t *pc = (const uint8_t *)v->miss_site;
	const struct block *block = cache_find_code(&engine->cache, pc);
	const struct fault_record *record = block_find_record(block, pc);
	gva_t gva = v->miss_gva;
	uint8_t *host;

	if (!is_canonical(gva) || !is_canonical(gva + record->size - 1)) {
		v->fault = (struct x86_exception){.vector = record->stack ? SS_VECTOR : GP_VECTOR,
						  .has_error_code = true};
		return stop_with_fault(v, block, record);
	}
	if (gva % PAGE_SIZE + record->size > PAGE_SIZE)
		return bounce(v, block, record);
	if (!engine->ops->fill(v, gva, record->write, &host, &v->fault))
		return stop_with_fault(v, block, record);
	fill_entry(v, gva, record->write, host);
	return MISS_RETRY;
}

enum miss_result engine_bounce_end(struct engine_vcpu *v)
{
	if (v->bounce_write)
		copy_bounce(v, v->bounce_gva, v->bounce_size, true, true);
	v->bounce_size = 0;
	return MISS_RETRY;
}

/* Guest code to be translated: the page, and the next one when an instruction crosses. */
struct code_source {
	gpa_t page;
	gpa_t next_page;
	const uint8_t *host;
	uint16_t offset;
	bool crosses;
	uint8_t bytes[2 * INSN_MAX_LENGTH]; /* of the instruction that crosses */
};

static struct block *new_block(struct code_cache *cache, const struct translation *t,
			       const struct code_source *source, uint32_t length)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	block->records = malloc((t->record_count + 1) * sizeof(*block->records));
	if (!block->records) {
		free(block);
		return NULL;
	}
	memcpy(block->records, t->records, t->record_count * sizeof(*block->records));
	block->record_count = t->record_count;
	block->page = source->page;
	block->next_page = source->next_page;
	block->crosses = source->crosses;
	block->offset = source->offset;
	block->guest_length = (uint16_t)length;
	block->code = cache_to_executable(cache, t->e.base);
	block->code_length = (uint32_t)(t->e.p - t->e.base);
	return block;
}

static struct block *translate(struct engine *engine, const struct code_source *source)
{
	struct translation *t = &engine->translation;
	struct code_cache *cache = &engine->cache;
	struct block *block;
	uint32_t length;

	if (cache->size - cache->used < BLOCK_MAX_CODE)
		return NULL;
	t->cache = cache;
	t->stubs = &engine->stubs;
	t->e.base = t->e.p = cache->writable + cache->used;
	t->e.end = t->e.base + BLOCK_MAX_CODE;
	length = translate_block(t, source->crosses ? source->bytes : source->host + source->offset,
				 source->offset, source->crosses);
	if (!length || t->failed || emit_overflowed(&t->e))
		return NULL;
	block = new_block(cache, t, source, length);
	if (!block)
		return NULL;
	cache->used = align_up((uint64_t)(t->e.p - cache->writable), CACHE_GRANULE);
	cache_insert(cache, block);
	return block;
}

/* The rest of an instruction that begins in the last bytes of its page. */
static bool fetch_crossing(struct engine_vcpu *v, struct code_source *source)
{
	gva_t next = align_down(v->rip, PAGE_SIZE) + PAGE_SIZE;
	uint32_t here = PAGE_SIZE - source->offset;
	const uint8_t *host;

	if (!v->engine->ops->fetch(v, next, &source->next_page, &host, &v->fault))
		return false;
	memcpy(source->bytes, source->host + source->offset, here);
	memcpy(source->bytes + here, host, INSN_MAX_LENGTH);
	source->crosses = true;
	return true;
}

static bool does_cross(const struct code_source *source)
{
	uint32_t here = PAGE_SIZE - source->offset;
	struct insn insn;

	return here < INSN_MAX_LENGTH && !insn_decode(source->host + source->offset, here, &insn);
}

static struct block *find_or_translate(struct engine *engine, const struct code_source *source)
{
	struct block *block;

	pthread_mutex_lock(&engine->translate_lock);
	block = cache_find(&engine->cache, source->page, source->offset, source->crosses,
			   source->next_page);
	if (!block)
		block = translate(engine, source);
	pthread_mutex_unlock(&engine->translate_lock);
	return block;
}

/* The block at v->rip; NULL with v->stop set when there is none. */
static struct block *find_block(struct engine_vcpu *v)
{
	struct code_source source = {.offset = v->rip % PAGE_SIZE};
	struct block *block;

	if (!is_canonical(v->rip)) {
		v->fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
		v->stop = ENGINE_STOP_FAULT;
		return NULL;
	}
	if (!v->engine->ops->fetch(v, v->rip, &source.page, &source.host, &v->fault) ||
	    (does_cross(&source) && !fetch_crossing(v, &source))) {
		v->stop = ENGINE_STOP_FAULT;
		return NULL;
	}
	block = find_or_translate(v->engine, &source);
	if (!block) {
		v->stop = ENGINE_STOP_INSTRUCTION;
		return NULL;
	}
	v->page_base = align_down(v->rip, PAGE_SIZE);
	return block;
}

static void link_jump(struct engine *engine, uint64_t site, const struct block *target)
{
	uint8_t *rel32 = engine->cache.writable + site;
	int32_t rel = (int32_t)(target->code - (cache_to_executable(&engine->cache, rel32) + 4));

	/* One aligned store: a processor that runs the jump sees the old or the new target. */
	__atomic_store_n((int32_t *)rel32, rel, __ATOMIC_RELEASE);
}

static void remember_jump(struct engine_vcpu *v, const struct block *block)
{
	unsigned int entry = (uint16_t)v->rip;

	v->jumps.code[entry] = (uint64_t)(uintptr_t)block->code;
	v->jumps.page_base[entry] = v->page_base;
	v->jumps.rip[entry] = -v->rip;
}

enum engine_stop engine_run(struct engine_vcpu *v)
{
	struct engine *engine = v->engine;
	void (*enter)(struct engine_vcpu *, void *);
	uint64_t gs_before;

	memcpy(&enter, &engine->stubs.enter, sizeof(enter));
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_before);
	syscall(SYS_arch_prctl, ARCH_SET_GS, v);
	v->stop = ENGINE_STOP_LOOKUP;
	while (v->stop == ENGINE_STOP_LOOKUP || v->stop == ENGINE_STOP_LINK) {
		struct block *block = find_block(v);

		if (!block)
			break;
		if (v->stop == ENGINE_STOP_LINK && !block->crosses)
			link_jump(engine, v->stop_site, block);
		else
			remember_jump(v, block);
		v->flags = (v->flags & ARITHMETIC) | HOST_FLAGS;
		enter(v, block->code);
	}
	v->flags &= ARITHMETIC;
	syscall(SYS_arch_prctl, ARCH_SET_GS, gs_before);
	return (enum engine_stop)v->stop;
}
