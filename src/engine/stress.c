// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Builds with debug_locks: what may happen at a safe point, but seldom does, happens
 * to one turn of the run loop in config.stress. No guest may notice.
 */
#include "engine/core.h"

#include <sched.h>

#ifdef EXCLAVE_DEBUG_LOCKS
static uint32_t next_random(struct engine_vcpu *v)
{
	v->probes = v->probes * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(v->probes >> 33);
}

/* The blocks of some page of code go, as if the guest had written there. */
static void drop_page(struct engine_vcpu *v)
{
	struct code_cache *cache = &v->engine->cache;
	uint32_t start = next_random(v);

	engine_lock_translate(v->engine);
	for (uint32_t i = 0; i < CACHE_HASH_SIZE; i++) {
		struct code_page *page = cache->pages[(start + i) % CACHE_HASH_SIZE];

		if (!page || !page->granules)
			continue;
		cache_invalidate_range(cache, page, 0, GUEST_PAGE_SIZE);
		v->engine->code_changes++;
		break;
	}
	engine_unlock_translate(v->engine);
}

static void disturb(struct engine_vcpu *v)
{
	switch (next_random(v) % 8) {
	case 0:
		vcpu_flush_all(v);
		break;
	case 1:
		safepoint_flush_others(v);
		break;
	case 2:
		/* Seldom: all that was translated has to be made again. */
		if (next_random(v) % 16 == 0)
			cache_empty_now(v);
		break;
	case 3:
		drop_page(v);
		break;
	case 4:
		safepoint_begin_exclusive(v);
		safepoint_end_exclusive(v);
		break;
	case 5:
		engine_memory_written(v->engine);
		code_serialize(v);
		break;
	case 6:
		sched_yield();
		break;
	default:
		break;
	}
}
#endif

void stress_turn(struct engine_vcpu *v)
{
#ifdef EXCLAVE_DEBUG_LOCKS
	uint32_t rate = v->engine->config.stress;

	if (!rate)
		return;
	/* Linked blocks come here when they are kicked. */
	if (next_random(v) % 2)
		engine_kick(v);
	if (next_random(v) % rate)
		return;
	vcpu_save_xstate(v);
	disturb(v);
#endif
}
