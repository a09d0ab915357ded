// SPDX-License-Identifier: GPL-2.0-or-later
/* What live code needs of the host: the translate lock, and the way out of being live. */
#include "engine/core.h"

#include "lib/lock.h"

#include <sched.h>

void engine_lock_translate(struct engine *engine)
{
	int expected = 0;

	lock_rank_acquire(LOCK_TRANSLATE);
	while (!atomic_compare_exchange_weak_explicit(&engine->translate_lock, &expected, 1,
						      memory_order_acquire, memory_order_relaxed)) {
		expected = 0;
		sched_yield();
	}
}

void engine_unlock_translate(struct engine *engine)
{
	atomic_store_explicit(&engine->translate_lock, 0, memory_order_release);
	lock_rank_release(LOCK_TRANSLATE);
}

void vcpu_save_xstate(struct engine_vcpu *v)
{
	if (!v->xstate_live)
		return;
	__asm__ volatile("xsave64 %0" : "+m"(v->xstate) : "a"(ENGINE_XFEATURES), "d"(0));
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(v->default_mxcsr));
	v->xstate_live = false;
}
