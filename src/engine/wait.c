// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/wait.h"

#include "lib/futex.h"

#include <x86intrin.h>

/* About as long as going to sleep and being woken takes. */
#define PATIENCE_TICKS 40000
#define PAUSES         8

void wait_start(struct wait *w, struct waits *waits)
{
	*w = (struct wait){.waits = waits};
}

void wait_more(struct wait *w)
{
	if (!w->patience)
		w->patience = __rdtsc() + PATIENCE_TICKS;
	if (__rdtsc() < w->patience) {
		for (int i = 0; i < PAUSES; i++)
			__builtin_ia32_pause();
		return;
	}
	if (!w->is_counted) {
		atomic_fetch_add(&w->waits->sleepers, 1);
		w->is_counted = true;
	} else {
		futex_wait(&w->waits->events, w->seen);
	}
	/* Before the caller looks again: what changes after that look counts further. */
	w->seen = atomic_load(&w->waits->events);
}

void wait_end(struct wait *w)
{
	if (w->is_counted)
		atomic_fetch_sub(&w->waits->sleepers, 1);
}

void __waits_wake(struct waits *waits)
{
	atomic_fetch_add(&waits->events, 1);
	futex_wake_all(&waits->events);
}
