/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the thread that runs a processor has of its own in registers which the guest or
 * translated code uses, and which the ABI keeps over a call: GS, and how x87 and SSE
 * round and trap.
 */
#ifndef EXCLAVE_ENGINE_CALLER_H
#define EXCLAVE_ENGINE_CALLER_H

#include "engine/engine.h"

#include <stdint.h>

struct caller_state {
	uint64_t gs;
	uint32_t mxcsr;
	uint16_t fcw;
};

/* Keeps the thread's in @caller, and lets GS point at @v. */
void caller_save(struct caller_state *caller, const struct engine_vcpu *v);
/* To be called when the guest's extended state is saved. */
void caller_restore(const struct caller_state *caller);

#endif
