// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/transfer.h"

#include "cpu/fault.h"
#include "cpu/gate.h"

/* A far transfer while its checks are made. */
struct far {
	bool is_call;
	unsigned int width;
	uint64_t rip;
	uint64_t next_rip;
	struct descriptor cs;
};

static void push_return(struct cpu *cpu, const struct far *far, struct stack *stack)
{
	stack_push(stack, cpu->state.seg[X86_SEG_CS].selector);
	stack_push(stack, far->next_rip);
}

static enum cpu_result far_real(struct cpu *cpu, struct far *far, uint16_t selector)
{
	struct stack stack = stack_current(cpu, far->width);

	if (far->is_call) {
		push_return(cpu, far, &stack);
		CPU_TRY(stack_check_room(cpu, &stack, 0));
	}
	if (far->rip > cpu->state.seg[X86_SEG_CS].limit)
		return fault_gp(cpu);
	CPU_TRY(stack_write(cpu, &stack));
	stack_switch_to(cpu, &stack);
	segment_load_real(cpu, X86_SEG_CS, selector);
	cpu->state.rip = far->rip;
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

/* The end of every transfer that keeps the privilege. The descriptor has been checked. */
static enum cpu_result far_same_privilege(struct cpu *cpu, struct far *far, struct stack *stack)
{
	if (far->is_call) {
		push_return(cpu, far, stack);
		CPU_TRY(stack_check_room(cpu, stack, 0));
	}
	CPU_TRY(cs_check_rip(cpu, &far->cs, far->rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, &far->cs));
	if (far->is_call) {
		CPU_TRY(stack_write(cpu, stack));
		stack_set_pointer(cpu, &stack->ss, stack->is_64bit, stack->sp);
	}
	cs_commit(cpu, &far->cs, cpu->state.cpl, far->rip);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

/* SDM "Direct Calls or Jumps to Code Segments". */
static enum cpu_result far_direct(struct cpu *cpu, struct far *far)
{
	unsigned int dpl = descriptor_dpl(&far->cs), cpl = cpu->state.cpl;
	uint16_t selector = far->cs.selector;
	struct stack stack = stack_current(cpu, far->width);
	bool is_64bit = cpu_in_long_mode(cpu) && descriptor_is_64bit_code(&far->cs);

	if (is_64bit && descriptor_is_big(&far->cs))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (descriptor_is_conforming(&far->cs) ? dpl > cpl
					       : dpl != cpl || SELECTOR_RPL(selector) > cpl)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(&far->cs))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	if (!is_64bit)
		far->rip = (uint32_t)far->rip;
	return far_same_privilege(cpu, far, &stack);
}

/* SDM CALL "more privilege": the stack comes from the TSS, parameters from the old one. */
static enum cpu_result call_gate_inward(struct cpu *cpu, struct far *far, unsigned int params)
{
	bool is_long = cpu_in_long_mode(cpu);
	struct stack old = stack_current(cpu, far->width);
	unsigned int cpl = descriptor_dpl(&far->cs);
	uint64_t param[31];
	struct stack stack;

	CPU_TRY(stack_from_tss(cpu, cpl, 0, 0, &stack));
	stack.width = far->width;
	stack_push(&stack, cpu->state.seg[X86_SEG_SS].selector);
	stack_push(&stack, cpu->state.gpr[X86_RSP]);
	if (params) {
		CPU_TRY(stack_read(cpu, &old, 0, param, params));
		while (params--)
			stack_push(&stack, param[params]);
	}
	push_return(cpu, far, &stack);
	CPU_TRY(stack_check_room(cpu, &stack, is_long ? 0 : stack.ss.selector & 0xfffcu));
	CPU_TRY(cs_check_rip(cpu, &far->cs, far->rip, 0));
	CPU_TRY(descriptor_set_accessed(cpu, &far->cs));
	CPU_TRY(stack_write(cpu, &stack));

	cs_commit(cpu, &far->cs, cpl, far->rip);
	stack_switch_to(cpu, &stack);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

/* The code segment that a call gate names. */
static enum cpu_result gate_target(struct cpu *cpu, struct far *far, uint16_t selector)
{
	unsigned int dpl, cpl = cpu->state.cpl;

	if (SELECTOR_IS_NULL(selector))
		return fault_gp(cpu);
	CPU_TRY(descriptor_read(cpu, selector, GP_VECTOR, 0, &far->cs));
	dpl = descriptor_dpl(&far->cs);
	if (!descriptor_is_code(&far->cs) || dpl > cpl)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (cpu_in_long_mode(cpu) &&
	    (!descriptor_is_64bit_code(&far->cs) || descriptor_is_big(&far->cs)))
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!far->is_call && !descriptor_is_conforming(&far->cs) && dpl != cpl)
		return fault_selector(cpu, GP_VECTOR, selector, 0);
	if (!descriptor_is_present(&far->cs))
		return fault_selector(cpu, NP_VECTOR, selector, 0);
	return CPU_OK;
}

/* SDM "Accessing a Code Segment Through a Call Gate". The operand's offset is not used. */
static enum cpu_result far_gate(struct cpu *cpu, struct far *far, struct descriptor *gate)
{
	bool is_long = cpu_in_long_mode(cpu);
	struct stack stack;

	if (descriptor_dpl(gate) < cpu->state.cpl ||
	    descriptor_dpl(gate) < SELECTOR_RPL(gate->selector))
		return fault_selector(cpu, GP_VECTOR, gate->selector, 0);
	if (!descriptor_is_present(gate))
		return fault_selector(cpu, NP_VECTOR, gate->selector, 0);
	if (is_long)
		CPU_TRY(descriptor_read_high(cpu, GP_VECTOR, 0, gate));
	CPU_TRY(gate_target(cpu, far, (uint16_t)(gate->low >> 16)));

	far->rip = (gate->low & 0xffff) | (gate->low >> 32 & 0xffff0000) |
		   (gate->high & 0xffffffff) << 32;
	far->width = is_long ? 8 : 4;
	if (descriptor_type(gate) == DESC_CALL_GATE16) {
		far->rip &= 0xffff;
		far->width = 2;
	}
	if (far->is_call && !descriptor_is_conforming(&far->cs) &&
	    descriptor_dpl(&far->cs) < cpu->state.cpl)
		return call_gate_inward(cpu, far, is_long ? 0 : gate->low >> 32 & 31);
	stack = stack_current(cpu, far->width);
	if (is_long) {
		stack.is_64bit = true;
		stack.sp = cpu->state.gpr[X86_RSP];
	}
	return far_same_privilege(cpu, far, &stack);
}

static enum cpu_result far_transfer(struct cpu *cpu, struct far *far, uint16_t selector)
{
	struct descriptor d;

	if (far->width == 2)
		far->rip &= 0xffff;
	if (!cpu_in_protected_mode(cpu))
		return far_real(cpu, far, selector);
	if (SELECTOR_IS_NULL(selector))
		return fault_gp(cpu);
	CPU_TRY(descriptor_read(cpu, selector, GP_VECTOR, 0, &d));
	if (descriptor_is_code(&d)) {
		far->cs = d;
		return far_direct(cpu, far);
	}
	if (descriptor_is_system(&d) &&
	    (descriptor_type(&d) == DESC_CALL_GATE ||
	     (descriptor_type(&d) == DESC_CALL_GATE16 && !cpu_in_long_mode(cpu))))
		return far_gate(cpu, far, &d);
	return fault_selector(cpu, GP_VECTOR, selector, 0);
}

enum cpu_result cpu_far_jmp(struct cpu *cpu, uint16_t selector, uint64_t offset, unsigned int width)
{
	struct far far = {.width = width, .rip = offset};

	return far_transfer(cpu, &far, selector);
}

enum cpu_result cpu_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset,
			     unsigned int width, uint64_t next_rip)
{
	struct far far = {.is_call = true, .width = width, .rip = offset, .next_rip = next_rip};

	return far_transfer(cpu, &far, selector);
}
