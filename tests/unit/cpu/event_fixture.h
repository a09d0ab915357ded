/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A processor with a handler for every vector, for the suites of events. */
#ifndef EXCLAVE_TESTS_UNIT_CPU_EVENT_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_CPU_EVENT_FIXTURE_H

#include "tests.h"

#include "cpu/event.h"

static const struct x86_exception gp_fault = {GP_VECTOR, true, 0x1234, 0};

static inline struct cpu_event int_n(uint8_t vector)
{
	return cpu_event_software(CPU_EVENT_INT_N, vector, CODE_RIP + 2);
}

static inline enum cpu_result deliver_exception(struct fixture *f, struct x86_exception exception)
{
	struct cpu_event event = cpu_event_exception(&exception);

	return cpu_deliver(&f->cpu, &event);
}

static inline enum cpu_result deliver_int(struct fixture *f, uint8_t vector)
{
	struct cpu_event event = int_n(vector);

	return cpu_deliver(&f->cpu, &event);
}

/* The code selector of the mode. */
static inline uint16_t code_sel(enum mode mode, unsigned int dpl)
{
	return mode == MODE_PROTECTED ? SEL(GDT_CODE, dpl) : SEL(GDT_CODE64, dpl);
}

/* Handlers of every vector at HANDLER + 16 * vector, at CPL @dpl. */
static inline struct fixture *with_handlers(enum mode mode, unsigned int cpl, unsigned int dpl)
{
	struct fixture *f = fixture_init(mode, cpl);

	for (unsigned int v = 0; v < 256; v++)
		idt_set(f, (uint8_t)v, DESC_INT_GATE, 3, code_sel(mode, dpl), HANDLER + 16 * v, 0);
	return f;
}

static inline void assert_at_handler(const struct fixture *f, unsigned int vector)
{
	assert_int_equal(f->cpu.state.rip, HANDLER + 16 * vector);
}

static inline uint64_t slot(const struct fixture *f, unsigned int n, unsigned int width)
{
	return peek(f, f->cpu.state.gpr[X86_RSP] + n * width, width);
}

#endif
