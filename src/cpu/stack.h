/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack in the middle of a control transfer: a segment, a pointer and the
 * privilege with which it is used, before any of them is in a register. What is
 * pushed is collected, checked against the limit as a whole and then written,
 * so that a transfer can make its other checks in between. Lives on the C stack
 * of one transfer, or of one instruction of engine/ that pushes or pops.
 */
#ifndef EXCLAVE_CPU_STACK_H
#define EXCLAVE_CPU_STACK_H

#include "cpu/cpu.h"

/* SS, SP, FLAGS, CS, IP and an error code, or 31 parameters with SS, SP, CS and IP. */
#define STACK_MAX_SLOTS 35

struct stack {
	struct x86_segment ss;
	uint64_t sp;
	bool is_64bit;
	uint8_t cpl;
	unsigned int width; /* of a slot, in bytes: 2, 4 or 8 */
	unsigned int count;
	uint64_t slot[STACK_MAX_SLOTS]; /* in the order pushed */
};

/* The stack in use now. */
struct stack stack_current(const struct cpu *cpu, unsigned int width);

void stack_push(struct stack *stack, uint64_t value);

/*
 * Is there room for what was pushed? Else #SS with @error_code. With
 * stack_write() the first thing that can fault after it is paging.
 */
enum cpu_result stack_check_room(struct cpu *cpu, const struct stack *stack, uint32_t error_code);

/* Writes what was pushed and moves stack->sp down. Faults: #PF, #AC. */
enum cpu_result stack_write(struct cpu *cpu, struct stack *stack);

/*
 * Reads @count slots, @skip bytes above the top. stack->sp stays.
 * Faults: #SS(0), #PF, #AC.
 */
enum cpu_result stack_read(struct cpu *cpu, const struct stack *stack, uint64_t skip,
			   uint64_t *values, unsigned int count);

/* The stack pointer @bytes above the top, wrapped as the segment's size says. */
uint64_t stack_above(const struct stack *stack, uint64_t bytes);

/*
 * Loads RSP: all of it, the low half with a clear upper one, or only SP when the
 * segment is a 16-bit one (SDM "Stack Size Attribute").
 */
void stack_set_pointer(struct cpu *cpu, const struct x86_segment *ss, bool is_64bit, uint64_t sp);

/* Loads SS and RSP from @stack. */
void stack_switch_to(struct cpu *cpu, const struct stack *stack);

/*
 * SDM "Stack Switching": the stack that the TSS holds for privilege @cpl, whose
 * faults carry @ext. With @ist, 1..7, the entry of the interrupt stack table.
 */
enum cpu_result stack_from_tss(struct cpu *cpu, unsigned int cpl, unsigned int ist, uint32_t ext,
			       struct stack *stack);

#endif
