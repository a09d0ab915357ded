/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the run loop brings events into the guest. Private to run.c and deliver.c. */
#ifndef EXCLAVE_ENGINE_DELIVER_H
#define EXCLAVE_ENGINE_DELIVER_H

#include "cpu/event.h"
#include "engine/core.h"

enum run_next {
	RUN_RESUME,
	RUN_EXIT, /* v->exit says why */
};

static inline enum run_next vcpu_exit(struct engine_vcpu *v, enum engine_exit_reason reason)
{
	v->exit.reason = reason;
	return RUN_EXIT;
}

/* To the guest's handler. An event that cannot be delivered yet is kept in v->cpu.events. */
enum run_next vcpu_deliver(struct engine_vcpu *v, struct cpu_event *event);
/* The same of what an instruction has caused, which v->exception_bitmap may want elsewhere. */
enum run_next vcpu_raise(struct engine_vcpu *v, struct cpu_event *event);
/* v->trap_due. */
enum run_next vcpu_take_trap(struct engine_vcpu *v);
/* What was on its way when the processor stopped, then what may come in now. */
enum run_next vcpu_deliver_events(struct engine_vcpu *v);
/* Is there anything but interrupts? */
bool vcpu_has_event(const struct engine_vcpu *v);

#endif
