// SPDX-License-Identifier: GPL-2.0-or-later
/* What live code needs of the host: the translate lock, and the way out of being live. */
#include "engine/core.h"

#include "lib/futex.h"
#include "lib/lock.h"

#include <x86intrin.h>

/* A translation takes microseconds: look that long before sleeping. */
#define PATIENCE_TICKS 20000

enum {
	FREE,
	HELD,
	HELD_AND_WAITED_FOR,
};

static bool try_lock(struct engine *engine)
{
	uint32_t expected = FREE;

	return atomic_compare_exchange_strong_explicit(&engine->translate_lock, &expected, HELD,
						       memory_order_acquire, memory_order_relaxed);
}

static bool lock_soon(struct engine *engine)
{
	uint64_t end = __rdtsc() + PATIENCE_TICKS;

	while (__rdtsc() < end) {
		__builtin_ia32_pause();
		if (atomic_load_explicit(&engine->translate_lock, memory_order_relaxed) == FREE &&
		    try_lock(engine))
			return true;
	}
	return false;
}

void engine_lock_translate(struct engine *engine)
{
	lock_rank_acquire(LOCK_TRANSLATE);
	if (likely(try_lock(engine)) || lock_soon(engine))
		return;
	/* The holder may need this very processor of the host to go on. */
	while (atomic_exchange_explicit(&engine->translate_lock, HELD_AND_WAITED_FOR,
					memory_order_acquire) != FREE)
		futex_wait(&engine->translate_lock, HELD_AND_WAITED_FOR);
}

void engine_unlock_translate(struct engine *engine)
{
	if (atomic_exchange_explicit(&engine->translate_lock, FREE, memory_order_release) ==
	    HELD_AND_WAITED_FOR)
		futex_wake(&engine->translate_lock, 1);
	lock_rank_release(LOCK_TRANSLATE);
}

void vcpu_save_xstate(struct engine_vcpu *v)
{
	if (v->xstate_saved)
		return;
	__asm__ volatile("xsave64 %0" : "+m"(v->xstate) : "a"(ENGINE_XFEATURES), "d"(0));
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"(v->default_mxcsr));
	v->xstate_saved = true;
}
