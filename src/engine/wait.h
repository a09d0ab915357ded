/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for what another vCPU does. The waiter looks for some microseconds, then
 * sleeps: the other may need this very processor of the host to get on. Who changes
 * what somebody may wait for calls waits_notify() afterwards.
 *
 *	for (wait_start(&w, engine); !is_over(); wait_more(&w))
 *		;
 *	wait_end(&w);
 */
#ifndef EXCLAVE_ENGINE_WAIT_H
#define EXCLAVE_ENGINE_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Of an engine. Sleepers count themselves, then look: so they see a change, or are seen. */
struct waits {
	_Atomic uint32_t events;
	_Atomic uint32_t sleepers;
};

struct wait {
	struct waits *waits;
	uint64_t patience; /* the host's TSC at its end; 0: not started */
	uint32_t seen;     /* of `events` */
	bool is_counted;
};

void wait_start(struct wait *w, struct waits *waits);
void wait_more(struct wait *w);
void wait_end(struct wait *w);

void __waits_wake(struct waits *waits);

/* The change before it is sequentially consistent. */
static inline void waits_notify(struct waits *waits)
{
	if (atomic_load(&waits->sleepers))
		__waits_wake(waits);
}

#endif
