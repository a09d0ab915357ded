// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Exceptions, interrupts and traps on their way into the guest, or, where a debugger of the
 * embedder's has asked for them, out of it.
 */
#include "engine/deliver.h"

#include "cpu/debug.h"
#include "engine/operand.h"

/* An event that could not be delivered yet stays, for us or for who saves the state. */
static void keep_event(struct cpu_events *events, const struct cpu_event *event)
{
	switch (event->kind) {
	case CPU_EVENT_EXCEPTION:
		events->exception.injected = true;
		events->exception.soft = false;
		events->exception.vector = event->exception.vector;
		events->exception.has_error_code = event->exception.has_error_code;
		events->exception.error_code = event->exception.error_code;
		events->exception.payload = event->exception.address;
		break;
	case CPU_EVENT_INTERRUPT:
		events->interrupt.injected = true;
		events->interrupt.soft = false;
		events->interrupt.vector = event->exception.vector;
		break;
	case CPU_EVENT_NMI:
		events->nmi.injected = true;
		break;
	case CPU_EVENT_INT_N:
	case CPU_EVENT_INT3:
	case CPU_EVENT_INTO:
	case CPU_EVENT_INT1:
		break;
	}
}

enum run_next vcpu_deliver(struct engine_vcpu *v, struct cpu_event *event)
{
	enum cpu_result result;

	/* A jump that waits to be linked does not lead to the handler. */
	v->stop = ENGINE_STOP_EVENT;
	if (exec_in_enclave(v))
		enclave_leave_by_event(v, event);
	result = cpu_deliver(&v->cpu, event);
	vcpu_update_mode(v);
	switch (result) {
	case CPU_OK:
	case CPU_FAULT:
		code_serialize(v);
		break;
	case CPU_SHUTDOWN:
		return vcpu_exit(v, ENGINE_EXIT_SHUTDOWN);
	case CPU_AGAIN:
		keep_event(&v->cpu.events, event);
		return RUN_EXIT;
	case CPU_HOST_ERROR:
		keep_event(&v->cpu.events, event);
		v->exit.host_errno = v->cpu.host_errno;
		return vcpu_exit(v, ENGINE_EXIT_HOST_ERROR);
	}
	v->mmio.read_count = v->mmio.read_used = 0;
	return RUN_RESUME;
}

/* Has the embedder's debugger asked for it? SDM "Exception Bitmap". */
static bool is_intercepted(struct engine_vcpu *v, const struct cpu_event *event)
{
	uint8_t vector = event->exception.vector;

	return unlikely(v->exception_bitmap) && event->kind == CPU_EVENT_EXCEPTION &&
	       (vector == DB_VECTOR || vector == BP_VECTOR) &&
	       (v->exception_bitmap & BIT32(vector));
}

/* What an instruction has caused, in the difference to what the VMM has injected. */
enum run_next vcpu_raise(struct engine_vcpu *v, struct cpu_event *event)
{
	if (!is_intercepted(v, event))
		return vcpu_deliver(v, event);
	v->exit.exception.vector = event->exception.vector;
	v->exit.exception.dr6 = event->exception.address;
	if (exec_in_enclave(v)) {
		enclave_leave_by_event(v, event);
		vcpu_update_mode(v);
	}
	return vcpu_exit(v, ENGINE_EXIT_EXCEPTION);
}

/* INT3 or INTO, at which RIP still is. */
static struct cpu_event soft_event(const struct engine_vcpu *v)
{
	bool is_int3 = v->cpu.events.exception.vector == BP_VECTOR;
	uint64_t rip = v->cpu.state.rip + 1;

	return cpu_event_software(is_int3 ? CPU_EVENT_INT3 : CPU_EVENT_INTO, 0,
				  x86_is_64bit(&v->cpu.state) ? rip : (uint32_t)rip);
}

/* What was on its way when the processor stopped, then what may come in now. */
enum run_next vcpu_deliver_events(struct engine_vcpu *v)
{
	struct cpu_events *events = &v->cpu.events;
	const struct engine_ops *ops = v->engine->config.ops;
	struct cpu_event event;
	int vector;

	if (events->triple_fault) {
		events->triple_fault = false;
		return vcpu_exit(v, ENGINE_EXIT_SHUTDOWN);
	}
	if (events->exception.injected || events->exception.pending) {
		struct x86_exception x = {
			.vector = events->exception.vector,
			.has_error_code = events->exception.has_error_code,
			.error_code = events->exception.error_code,
			.address = events->exception.payload,
		};

		if (x.vector == PF_VECTOR && !events->exception.has_payload)
			x.address = v->cpu.state.cr2;
		events->exception.injected = events->exception.pending = false;
		event = events->exception.soft ? soft_event(v) : cpu_event_exception(&x);
		return vcpu_deliver(v, &event);
	}
	if (events->nmi.injected) {
		events->nmi.injected = false;
		event = cpu_event_nmi();
		return vcpu_deliver(v, &event);
	}
	if (events->interrupt.injected) {
		events->interrupt.injected = false;
		event = cpu_event_interrupt(events->interrupt.vector);
		return vcpu_deliver(v, &event);
	}
	if (v->block_events)
		return RUN_RESUME;
	if (events->nmi.pending && cpu_may_nmi(&v->cpu)) {
		events->nmi.pending = false;
		event = cpu_event_nmi();
		return vcpu_deliver(v, &event);
	}
	if (ops && ops->take_interrupt && cpu_may_interrupt(&v->cpu)) {
		vcpu_save_xstate(v);
		vector = ops->take_interrupt(v);
		if (vector >= 0) {
			event = cpu_event_interrupt((uint8_t)vector);
			return vcpu_deliver(v, &event);
		}
	}
	return RUN_RESUME;
}

bool vcpu_has_event(const struct engine_vcpu *v)
{
	const struct cpu_events *events = &v->cpu.events;

	return events->exception.injected || events->exception.pending || events->nmi.injected ||
	       events->interrupt.injected || events->nmi.pending || events->triple_fault;
}

/* The #DB of an instruction that is complete. SDM "Priority Among Concurrent Events". */
enum run_next vcpu_take_trap(struct engine_vcpu *v)
{
	struct cpu_event event = cpu_event_debug(v->trap_due);
	enum run_next next;

	v->trap_due = 0;
	next = vcpu_raise(v, &event);
	vcpu_update_mode(v);
	return next;
}
