/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way through a gate or a vector to a handler. Private to the folder.
 */
#ifndef EXCLAVE_CPU_GATE_H
#define EXCLAVE_CPU_GATE_H

#include "cpu/event.h"
#include "cpu/segment.h"
#include "cpu/stack.h"

/* One attempt to enter @event's handler; CPU_FAULT leaves all but memory unchanged. */
enum cpu_result event_enter(struct cpu *cpu, const struct cpu_event *event);

/*
 * Loads CS from @d and RIP, and gives the processor privilege @cpl. The checks
 * are done; the caller loads SS:RSP after it.
 */
void cs_commit(struct cpu *cpu, const struct descriptor *d, unsigned int cpl, uint64_t rip);

/*
 * Is @rip a place to go to in the code segment @d: canonical for 64-bit code,
 * else inside the limit? Else #GP with @ext.
 */
enum cpu_result cs_check_rip(struct cpu *cpu, const struct descriptor *d, uint64_t rip,
			     uint32_t ext);

#endif
