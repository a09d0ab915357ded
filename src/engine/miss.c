// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a look-up in translated code does when it does not hit: fill the TLB and
 * try again, lead this one access to the bounce page or past the TLB, or stop
 * before the instruction.
 */
#include "engine/core.h"

#define PAGE_SIZE 4096u

static enum miss_result stop(struct engine_vcpu *v, const struct block *block,
			     const struct fault_record *record, enum engine_stop why)
{
	engine_rebuild_state(v, block, record);
	v->stop = why;
	return MISS_STOP;
}

static enum miss_result stop_with(struct engine_vcpu *v, const struct block *block,
				  const struct fault_record *record, enum cpu_result result)
{
	engine_rebuild_state(v, block, record);
	v->result = result;
	v->stop = ENGINE_STOP_RESULT;
	return MISS_STOP;
}

static enum miss_result stop_with_vector(struct engine_vcpu *v, const struct block *block,
					 const struct fault_record *record, enum x86_vector vector)
{
	v->cpu.fault = (struct x86_exception){.vector = (uint8_t)vector, .has_error_code = true};
	return stop_with(v, block, record, CPU_FAULT);
}

/* The operand is copied into the bounce page and back afterwards. */
static enum miss_result bounce(struct engine_vcpu *v, const struct block *block,
			       const struct fault_record *record)
{
	gva_t gva = v->miss_gva;
	uint8_t *place = v->bounce + gva % 64;
	enum cpu_result result = CPU_OK;

	if (record->atomic) {
		vcpu_save_xstate(v);
		safepoint_begin_exclusive(v);
	}
	if (record->write)
		result = vcpu_probe_write(v, gva, record->size);
	if (result == CPU_OK && record->read)
		result = vcpu_read(v, gva, place, record->size, vcpu_access(v));
	if (result != CPU_OK)
		return stop_with(v, block, record, result);
	v->bounce_gva = gva;
	v->bounce_size = record->size;
	v->bounce_write = record->write;
	v->host_gpr[record->addend] = (uint64_t)(uintptr_t)place - gva;
	return MISS_BOUNCE;
}

/* The access goes to memory itself, this once. */
static enum miss_result direct(struct engine_vcpu *v, const struct fault_record *record,
			       const struct place *place)
{
	gva_t gva = v->miss_gva;

	v->bounce_size = 0;
	v->store_size = place->code ? record->size : 0;
	v->store_host = place->host;
	v->debug_pending |= vcpu_watch(v, gva, record->size, record->write);
	v->host_gpr[record->addend] = (uint64_t)(uintptr_t)place->host - gva;
	return MISS_BOUNCE;
}

/* A store to translated bytes would go on in a block that is no longer true. */
static bool must_be_alone(struct engine_vcpu *v, const struct place *place, uint32_t size)
{
	uint8_t *page = (uint8_t *)align_down((uint64_t)(uintptr_t)place->host, PAGE_SIZE);

	if (v->alone)
		return false;
	return place->device ||
	       (place->code && code_overlaps(v, page, (uint32_t)(place->host - page), size));
}

static bool is_canonical(gva_t gva)
{
	return (gva_t)((int64_t)(gva << 16) >> 16) == gva;
}

/* Both pages of an operand, of which a device or code may be one. */
static enum miss_result cross(struct engine_vcpu *v, const struct block *block,
			      const struct fault_record *record)
{
	unsigned int index = v->mode & MODE_INDEX;
	gva_t last = v->miss_gva + record->size - 1;

	if (!(v->mode & MODE_CODE64))
		last = (uint32_t)last;

	for (unsigned int i = 0; i < 2; i++) {
		gva_t gva = i ? align_down(last, PAGE_SIZE) : v->miss_gva;
		struct place place;
		enum cpu_result result;

		if (!(v->mode & MODE_CODE64))
			gva = (uint32_t)gva;
		result = vcpu_place(v, index, gva, record->write, &place);
		if (result != CPU_OK)
			return stop_with(v, block, record, result);
		if ((place.device || place.code || record->atomic) && !v->alone)
			return stop(v, block, record, ENGINE_STOP_ALONE);
	}
	return bounce(v, block, record);
}

/* A look-up for several accesses cannot bounce: the first runs alone, and the block is made anew. */
static enum miss_result ungroup(struct engine_vcpu *v, struct block *block,
				const struct fault_record *record)
{
	struct engine *engine = v->engine;

	/* Links are freed, by a libc that may use vector registers. */
	vcpu_save_xstate(v);
	engine_lock_translate(engine);
	if (block->valid) {
		block->page[0]->ungrouped |= BIT64(block->offset / CODE_GRANULE);
		cache_invalidate(&engine->cache, block);
	}
	engine_unlock_translate(engine);
	return stop(v, block, record, ENGINE_STOP_ALONE);
}

static enum miss_result miss_of_group(struct engine_vcpu *v, struct block *block,
				      const struct fault_record *record)
{
	unsigned int index = v->mode & MODE_INDEX;
	gva_t gva = v->miss_gva + record->disp;
	enum cpu_result result;
	struct place place;

	if (!is_canonical(gva) || !is_canonical(gva + record->size - 1))
		return stop_with_vector(v, block, record, record->stack ? SS_VECTOR : GP_VECTOR);
	if (v->miss_gva % PAGE_SIZE + record->hull > PAGE_SIZE)
		return ungroup(v, block, record);
	result = vcpu_place(v, index, gva, record->write, &place);
	if (result != CPU_OK)
		return stop_with(v, block, record, result);
	if (!tlb_lookup(&v->tlb[index], gva, record->write))
		return ungroup(v, block, record);
	return MISS_RETRY;
}

enum miss_result engine_miss(struct engine_vcpu *v)
{
	const uint8_t *pc = (const uint8_t *)v->miss_site;
	struct block *block = cache_find_code(&v->engine->cache, pc);
	const struct fault_record *record = block_find_record(block, pc);
	gva_t gva = v->miss_gva;
	enum cpu_result result;
	struct place place;

	if (record->hull)
		return miss_of_group(v, block, record);
	if ((v->mode & MODE_CODE64) &&
	    (!is_canonical(gva) || !is_canonical(gva + record->size - 1)))
		return stop_with_vector(v, block, record, record->stack ? SS_VECTOR : GP_VECTOR);
	if ((v->mode & MODE_ALIGN) && gva % record->size && record->size <= 8)
		return stop_with_vector(v, block, record, AC_VECTOR);
	if (gva % PAGE_SIZE + record->size > PAGE_SIZE)
		return cross(v, block, record);
	result = vcpu_place(v, v->mode & MODE_INDEX, gva, record->write, &place);
	if (result != CPU_OK)
		return stop_with(v, block, record, result);
	if (must_be_alone(v, &place, record->size))
		return stop(v, block, record, ENGINE_STOP_ALONE);
	if (!place.host)
		return bounce(v, block, record);
	if (tlb_lookup(&v->tlb[v->mode & MODE_INDEX], gva, record->write))
		return MISS_RETRY;
	return direct(v, record, &place);
}

/* miss_gva, an offset in the segment that the record names, becomes a linear address. */
enum miss_result engine_segment(struct engine_vcpu *v)
{
	const uint8_t *pc = (const uint8_t *)v->miss_site;
	const struct block *block = cache_find_code(&v->engine->cache, pc);
	const struct fault_record *record = block_find_record(block, pc);
	enum cpu_result result;

	if (record->seg == FAULT_RECORD_TARGET) {
		if (v->miss_gva > v->cpu.state.seg[X86_SEG_CS].limit)
			return stop_with_vector(v, block, record, GP_VECTOR);
		return MISS_RETRY;
	}
	result =
		exec_linear(v, record->seg, v->miss_gva, record->size, record->write, &v->miss_gva);
	return result == CPU_OK ? MISS_RETRY : stop_with(v, block, record, result);
}

/* Nothing here can be refused any more: bounce() has asked. */
enum miss_result engine_bounce_end(struct engine_vcpu *v)
{
	if (v->bounce_size && v->bounce_write &&
	    vcpu_write(v, v->bounce_gva, v->bounce + v->bounce_gva % 64, v->bounce_size,
		       vcpu_access(v)) != CPU_OK)
		v->lost_write = true;
	if (v->store_size) {
		uint8_t *page =
			(uint8_t *)align_down((uint64_t)(uintptr_t)v->store_host, PAGE_SIZE);

		code_written(v, page, (uint32_t)(v->store_host - page), v->store_size);
	}
	v->bounce_size = v->store_size = 0;
	return MISS_RETRY;
}

/*
 * ENGINE_DEBUG_FAULT_MAP: every fourth time or so, in no order that a loop could
 * have too, the state is rebuilt from the record and the block entered anew
 * from here. What the record gets wrong goes wrong in the guest.
 */
enum miss_result engine_probe(struct engine_vcpu *v)
{
	const uint8_t *pc = (const uint8_t *)v->miss_site;
	const struct block *block = cache_find_code(&v->engine->cache, pc);

	v->probes = v->probes * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	if (v->probes >> 62)
		return MISS_RETRY;
	return stop(v, block, block_find_record(block, pc), ENGINE_STOP_LOOKUP);
}
