/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a function of the processor, here or in engine/, reports an exception. */
#ifndef EXCLAVE_CPU_FAULT_H
#define EXCLAVE_CPU_FAULT_H

#include "cpu/cpu.h"
#include "lib/bits.h"

/* SDM "Error Code": bits below the selector index. */
#define FAULT_EXT 0x1
#define FAULT_IDT 0x2

static inline enum cpu_result fault_code(struct cpu *cpu, enum x86_vector vector, uint32_t code)
{
	cpu->fault = (struct x86_exception){
		.vector = (uint8_t)vector,
		.has_error_code = true,
		.error_code = code,
	};
	return CPU_FAULT;
}

static inline enum cpu_result fault_gp(struct cpu *cpu)
{
	return fault_code(cpu, GP_VECTOR, 0);
}

/* Names @selector; @ext is FAULT_EXT while an event is delivered, else 0. */
static inline enum cpu_result fault_selector(struct cpu *cpu, enum x86_vector vector,
					     uint16_t selector, uint32_t ext)
{
	return fault_code(cpu, vector, (selector & 0xfffcu) | ext);
}

/* An exception without an error code. */
static inline enum cpu_result fault_plain(struct cpu *cpu, enum x86_vector vector)
{
	cpu->fault = (struct x86_exception){.vector = (uint8_t)vector};
	return CPU_FAULT;
}

static inline enum cpu_result fault_ud(struct cpu *cpu)
{
	return fault_plain(cpu, UD_VECTOR);
}

#endif
