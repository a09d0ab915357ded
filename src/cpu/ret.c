// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/fault.h"
#include "cpu/return.h"
#include "cpu/transfer.h"

static enum cpu_result ret_real(struct cpu *cpu, const struct stack *stack, uint16_t release)
{
	uint64_t frame[2]; /* IP, CS */

	CPU_TRY(stack_read(cpu, stack, 0, frame, 2));
	if (frame[0] > cpu->state.seg[X86_SEG_CS].limit)
		return fault_gp(cpu);
	stack_set_pointer(cpu, &stack->ss, false, stack_above(stack, 2 * stack->width + release));
	segment_load_real(cpu, X86_SEG_CS, (uint16_t)frame[1]);
	cpu->state.rip = frame[0];
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

static enum cpu_result ret_same(struct cpu *cpu, const struct stack *stack, struct descriptor *cs,
				uint64_t rip, uint16_t release)
{
	CPU_TRY(cs_check_rip(cpu, cs, rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, cs));
	stack_set_pointer(cpu, &stack->ss, stack->is_64bit,
			  stack_above(stack, 2 * stack->width + release));
	cs_commit(cpu, cs, cpu->state.cpl, rip);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

/* SDM RET: @release is taken from the inner stack, and from the outer one as well. */
static enum cpu_result ret_outward(struct cpu *cpu, const struct stack *stack,
				   struct descriptor *cs, uint64_t rip, uint16_t release)
{
	struct x86_segment ss;
	uint64_t frame[2]; /* SP, SS */

	CPU_TRY(stack_read(cpu, stack, 2 * stack->width + release, frame, 2));
	CPU_TRY(return_check_ss(cpu, cs, (uint16_t)frame[1], &ss));
	CPU_TRY(cs_check_rip(cpu, cs, rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, cs));
	return_commit(cpu, cs, rip, &ss, frame[0] + release);
	return CPU_OK;
}

enum cpu_result cpu_far_ret(struct cpu *cpu, unsigned int width, uint16_t release)
{
	struct stack stack = stack_current(cpu, width);
	struct descriptor cs;
	uint64_t frame[2]; /* IP, CS */

	if (!cpu_in_protected_mode(cpu))
		return ret_real(cpu, &stack, release);
	CPU_TRY(stack_read(cpu, &stack, 0, frame, 2));
	CPU_TRY(return_check_cs(cpu, (uint16_t)frame[1], &frame[0], &cs));
	if (SELECTOR_RPL(cs.selector) == cpu->state.cpl)
		return ret_same(cpu, &stack, &cs, frame[0], release);
	return ret_outward(cpu, &stack, &cs, frame[0], release);
}
