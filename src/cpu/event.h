/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Interrupt and Exception Handling": delivery of one event through the
 * IVT or IDT, with all that may go wrong on the way, up to the triple fault.
 */
#ifndef EXCLAVE_CPU_EVENT_H
#define EXCLAVE_CPU_EVENT_H

#include "cpu/cpu.h"

enum cpu_event_kind {
	CPU_EVENT_EXCEPTION,
	CPU_EVENT_INTERRUPT, /* external */
	CPU_EVENT_NMI,
	CPU_EVENT_INT_N,
	CPU_EVENT_INT3,
	CPU_EVENT_INTO,
	CPU_EVENT_INT1,
};

struct cpu_event {
	enum cpu_event_kind kind;
	struct x86_exception exception;
	uint64_t next_rip; /* INT n, INT3, INTO, INT1: where the handler returns to */
};

struct cpu_event cpu_event_exception(const struct x86_exception *exception);
struct cpu_event cpu_event_interrupt(uint8_t vector);
struct cpu_event cpu_event_nmi(void);
/* @kind is one of the four instructions; @vector counts for INT n alone. */
struct cpu_event cpu_event_software(enum cpu_event_kind kind, uint8_t vector, uint64_t next_rip);
/* #DB with @dr6 as collected by debug.h; state.rip is where the handler returns to. */
struct cpu_event cpu_event_debug(uint64_t dr6);

/*
 * Delivers @event. A fault on the way is delivered in its place, or with it as
 * a double fault, so the result is never CPU_FAULT.
 * Return: CPU_OK with the handler's CS:RIP loaded; CPU_SHUTDOWN; CPU_AGAIN or
 * CPU_HOST_ERROR, after which the same call may be made again.
 */
enum cpu_result cpu_deliver(struct cpu *cpu, const struct cpu_event *event);

/*
 * What a device's interrupt and an NMI must wait for. MOV SS holds back NMIs and
 * debug traps too; we let STI hold back NMIs as well, which the SDM permits.
 */
static inline bool cpu_may_interrupt(const struct cpu *cpu)
{
	return (cpu->state.rflags & X86_EFLAGS_IF) && !cpu->events.shadow;
}

static inline bool cpu_may_nmi(const struct cpu *cpu)
{
	return !cpu->events.nmi.blocked && !cpu->events.shadow;
}

#endif
