// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Translated code and the memory it was made from. A page of code is in no write
 * TLB, so every store to it comes here: its bytes are looked up in the page's
 * granules, and blocks made from them go. What the VMM writes we do not see:
 * the engine's epoch counts when it may have, and a page whose epoch is older
 * is compared before its next use.
 */
#include "engine/core.h"

bool code_is_at(struct engine_vcpu *v, const uint8_t *host)
{
	const struct code_page *page = cache_find_page(&v->engine->cache, host);

	/* In this order: who withdraws an announcement has set the granules before. */
	return page && (page->announced || page->granules);
}

bool code_overlaps(struct engine_vcpu *v, const uint8_t *host, uint32_t offset, uint32_t len)
{
	const struct code_page *page = cache_find_page(&v->engine->cache, host);

	return page && code_page_overlaps(page, offset, len);
}

void code_written(struct engine_vcpu *v, const uint8_t *host, uint32_t offset, uint32_t len)
{
	struct engine *engine = v->engine;
	struct code_page *page;

	engine_lock_translate(engine);
	page = cache_find_page(&engine->cache, host);
	/* Who is translating it may have read the old bytes. */
	if (page)
		engine->code_changes++;
	if (page && code_page_overlaps(page, offset, len)) {
		vcpu_save_xstate(v);
		cache_invalidate_range(&engine->cache, page, offset, len);
	}
	engine_unlock_translate(engine);
}

static void page_changed(struct engine *engine, const void *arg)
{
	const uint8_t *host = arg;
	struct code_page *page;

	engine_lock_translate(engine);
	page = cache_find_page(&engine->cache, host);
	if (page)
		cache_invalidate_range(&engine->cache, page, 0, GUEST_PAGE_SIZE);
	engine->code_changes++;
	engine_unlock_translate(engine);
}

void engine_code_changed(const uint8_t *host)
{
	engines_visit(page_changed, host);
}

void code_serialize(struct engine_vcpu *v)
{
	uint64_t epoch = atomic_load_explicit(&v->engine->epoch, memory_order_acquire);

	if (epoch == v->epoch_seen)
		return;
	v->epoch_seen = epoch;
	for (unsigned int i = 0; i < ENGINE_MMU_INDICES; i++)
		jumps_flush(&v->jumps[i]);
}

/* Our own walks set A and D bits in page tables, which may share a page with code. */
void mmu_written(void *opaque, gpa_t gpa, size_t len)
{
	struct engine_vcpu *v = opaque;
	const struct memslot_array *slots = memslots_snapshot(v->mmu.slots, v->as_id);
	const struct memslot *slot = memslot_lookup(slots, gpa, &v->mmu.data_hint);

	if (memslot_is_writable(slot))
		code_written(v, memslot_hva(slot, align_down(gpa, GUEST_PAGE_SIZE)),
			     (uint32_t)(gpa % GUEST_PAGE_SIZE), (uint32_t)len);
}

void engine_memory_written(struct engine *engine)
{
	atomic_fetch_add_explicit(&engine->epoch, 1, memory_order_acq_rel);
}

void engine_bytes_written(struct engine_vcpu *v, const uint8_t *host, uint32_t len)
{
	uint32_t offset = (uint32_t)((uintptr_t)host % GUEST_PAGE_SIZE);

	code_written(v, host - offset, offset, len);
}
