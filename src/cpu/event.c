// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/event.h"

#include "cpu/debug.h"
#include "cpu/gate.h"

struct cpu_event cpu_event_exception(const struct x86_exception *exception)
{
	return (struct cpu_event){.kind = CPU_EVENT_EXCEPTION, .exception = *exception};
}

struct cpu_event cpu_event_interrupt(uint8_t vector)
{
	return (struct cpu_event){.kind = CPU_EVENT_INTERRUPT, .exception.vector = vector};
}

struct cpu_event cpu_event_nmi(void)
{
	return (struct cpu_event){.kind = CPU_EVENT_NMI, .exception.vector = NMI_VECTOR};
}

struct cpu_event cpu_event_debug(uint64_t dr6)
{
	return (struct cpu_event){
		.kind = CPU_EVENT_EXCEPTION,
		.exception.vector = DB_VECTOR,
		.exception.address = dr6,
	};
}

struct cpu_event cpu_event_software(enum cpu_event_kind kind, uint8_t vector, uint64_t next_rip)
{
	struct cpu_event event = {.kind = kind, .next_rip = next_rip};

	switch (kind) {
	case CPU_EVENT_INT3:
		vector = BP_VECTOR;
		break;
	case CPU_EVENT_INTO:
		vector = OF_VECTOR;
		break;
	case CPU_EVENT_INT1:
		vector = DB_VECTOR;
		break;
	case CPU_EVENT_INT_N:
	case CPU_EVENT_EXCEPTION:
	case CPU_EVENT_INTERRUPT:
	case CPU_EVENT_NMI:
		break;
	}
	event.exception.vector = vector;
	return event;
}

/* SDM "Interrupt and Exception Classes". */
enum event_class {
	CLASS_BENIGN,
	CLASS_CONTRIBUTORY,
	CLASS_PAGE_FAULT,
	CLASS_DOUBLE_FAULT,
};

static enum event_class event_class(const struct cpu_event *event)
{
	if (event->kind != CPU_EVENT_EXCEPTION)
		return CLASS_BENIGN;
	switch (event->exception.vector) {
	case DE_VECTOR:
	case TS_VECTOR:
	case NP_VECTOR:
	case SS_VECTOR:
	case GP_VECTOR:
	case CP_VECTOR:
		return CLASS_CONTRIBUTORY;
	case PF_VECTOR:
	case VE_VECTOR:
		return CLASS_PAGE_FAULT;
	case DF_VECTOR:
		return CLASS_DOUBLE_FAULT;
	default:
		return CLASS_BENIGN;
	}
}

/* SDM "Conditions for Generating a Double Fault": does @second during @first make one? */
static bool makes_double_fault(enum event_class first, enum event_class second)
{
	if (first == CLASS_CONTRIBUTORY)
		return second == CLASS_CONTRIBUTORY;
	return first == CLASS_PAGE_FAULT && second != CLASS_BENIGN;
}

/* What the processor records of an event before it looks for the handler. */
static void record(struct cpu *cpu, const struct cpu_event *event)
{
	if (event->kind == CPU_EVENT_NMI)
		cpu->events.nmi.blocked = true;
	if (event->kind != CPU_EVENT_EXCEPTION)
		return;
	if (event->exception.vector == PF_VECTOR)
		cpu->state.cr2 = event->exception.address;
	else if (event->exception.vector == DB_VECTOR)
		debug_record(cpu, event->exception.address);
}

/*
 * Classes end every real sequence after three turns; only a benign exception that
 * meets itself (#AC on a handler's misaligned stack at CPL 3) goes on for ever,
 * as on hardware, but here the caller looks at its other business meanwhile.
 */
#define DELIVERY_MAX_TURNS 8

enum cpu_result cpu_deliver(struct cpu *cpu, const struct cpu_event *event)
{
	struct cpu_event current = *event;
	bool nmi_was_blocked = cpu->events.nmi.blocked;

	for (unsigned int turn = 0; turn < DELIVERY_MAX_TURNS; turn++) {
		enum event_class first = event_class(&current);
		enum cpu_result res;

		record(cpu, &current);
		res = event_enter(cpu, &current);
		if (res == CPU_OK)
			cpu->events.shadow = 0;
		if (res == CPU_AGAIN || res == CPU_HOST_ERROR)
			cpu->events.nmi.blocked = nmi_was_blocked;
		if (res != CPU_FAULT)
			return res;
		/* SDM "Page-Fault Exception": the second fault's, also where it makes a double fault. */
		if (cpu->fault.vector == PF_VECTOR)
			cpu->state.cr2 = cpu->fault.address;
		if (first == CLASS_DOUBLE_FAULT)
			return CPU_SHUTDOWN;

		current = cpu_event_exception(&cpu->fault);
		if (makes_double_fault(first, event_class(&current)))
			current.exception = (struct x86_exception){
				.vector = DF_VECTOR,
				.has_error_code = true,
			};
	}
	cpu->events.nmi.blocked = nmi_was_blocked;
	return CPU_AGAIN;
}
