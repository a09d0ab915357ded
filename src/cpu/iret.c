// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/fault.h"
#include "cpu/flags.h"
#include "cpu/return.h"
#include "cpu/transfer.h"

/* In the order popped. */
struct iret_frame {
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

static enum cpu_result read_frame(struct cpu *cpu, const struct stack *stack, unsigned int first,
				  unsigned int count, struct iret_frame *frame)
{
	uint64_t slot[5];

	CPU_TRY(stack_read(cpu, stack, first * stack->width, slot, count));
	for (unsigned int i = 0; i < count; i++)
		(&frame->rip)[first + i] = slot[i];
	return CPU_OK;
}

static enum cpu_result iret_real(struct cpu *cpu, const struct stack *stack)
{
	struct iret_frame frame;

	CPU_TRY(read_frame(cpu, stack, 0, 3, &frame));
	if (frame.rip > cpu->state.seg[X86_SEG_CS].limit)
		return fault_gp(cpu);
	stack_set_pointer(cpu, &stack->ss, false, stack_above(stack, 3 * stack->width));
	segment_load_real(cpu, X86_SEG_CS, (uint16_t)frame.cs);
	cpu->state.rip = frame.rip;
	cpu->state.rflags = flags_after_iret(cpu, frame.rflags, stack->width);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

static enum cpu_result iret_with_stack(struct cpu *cpu, struct descriptor *cs,
				       const struct iret_frame *frame, unsigned int width)
{
	uint64_t rflags = flags_after_iret(cpu, frame->rflags, width);
	struct x86_segment ss;

	CPU_TRY(return_check_ss(cpu, cs, (uint16_t)frame->ss, &ss));
	CPU_TRY(cs_check_rip(cpu, cs, frame->rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, cs));
	cpu->state.rflags = rflags;
	return_commit(cpu, cs, frame->rip, &ss, frame->rsp);
	return CPU_OK;
}

static enum cpu_result iret_same(struct cpu *cpu, const struct stack *stack, struct descriptor *cs,
				 const struct iret_frame *frame)
{
	CPU_TRY(cs_check_rip(cpu, cs, frame->rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, cs));
	stack_set_pointer(cpu, &stack->ss, false, stack_above(stack, 3 * stack->width));
	cpu->state.rflags = flags_after_iret(cpu, frame->rflags, stack->width);
	cs_commit(cpu, cs, cpu->state.cpl, frame->rip);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

static enum cpu_result iret_protected(struct cpu *cpu, const struct stack *stack)
{
	struct iret_frame frame;
	struct descriptor cs;

	/* A nested task's return, and below the way to virtual-8086 mode: docs/errata.md. */
	if (cpu->state.rflags & X86_EFLAGS_NT)
		return fault_gp(cpu);
	/* SDM IRET "IA-32e-MODE": 64-bit mode pops the stack pointer at every privilege. */
	CPU_TRY(read_frame(cpu, stack, 0, stack->is_64bit ? 5 : 3, &frame));
	if (!cpu_in_long_mode(cpu) && (frame.rflags & X86_EFLAGS_VM) && cpu->state.cpl == 0)
		return fault_gp(cpu);
	CPU_TRY(return_check_cs(cpu, (uint16_t)frame.cs, &frame.rip, &cs));
	if (stack->is_64bit)
		return iret_with_stack(cpu, &cs, &frame, stack->width);
	if (SELECTOR_RPL(frame.cs) == cpu->state.cpl)
		return iret_same(cpu, stack, &cs, &frame);
	CPU_TRY(read_frame(cpu, stack, 3, 2, &frame));
	return iret_with_stack(cpu, &cs, &frame, stack->width);
}

enum cpu_result cpu_iret(struct cpu *cpu, unsigned int width)
{
	struct stack stack = stack_current(cpu, width);

	/* SDM "NMI unblocking due to IRET": done before anything that may fault. */
	cpu->events.nmi.blocked = false;
	if (!cpu_in_protected_mode(cpu))
		return iret_real(cpu, &stack);
	return iret_protected(cpu, &stack);
}
