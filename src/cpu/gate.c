// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/gate.h"

#include "cpu/fault.h"

enum cpu_result cs_check_rip(struct cpu *cpu, const struct descriptor *d, uint64_t rip,
			     uint32_t ext)
{
	if (cpu_in_long_mode(cpu) && descriptor_is_64bit_code(d)) {
		if (!x86_is_canonical(&cpu->state, rip))
			return fault_code(cpu, GP_VECTOR, ext);
		return CPU_OK;
	}
	if (rip > descriptor_segment(d).limit)
		return fault_code(cpu, GP_VECTOR, ext);
	return CPU_OK;
}

void cs_commit(struct cpu *cpu, const struct descriptor *d, unsigned int cpl, uint64_t rip)
{
	struct x86_segment *cs = &cpu->state.seg[X86_SEG_CS];

	*cs = descriptor_segment(d);
	cs->selector = (uint16_t)((d->selector & ~3u) | cpl);
	cpu->state.cpl = (uint8_t)cpl;
	cpu->state.rip = rip;
}

/* SDM "Error Code" of an event: only what no instruction of the program asked for is external. */
static uint32_t event_ext(const struct cpu_event *event)
{
	switch (event->kind) {
	case CPU_EVENT_INT_N:
	case CPU_EVENT_INT3:
	case CPU_EVENT_INTO:
		return 0;
	case CPU_EVENT_EXCEPTION:
	case CPU_EVENT_INTERRUPT:
	case CPU_EVENT_NMI:
	case CPU_EVENT_INT1:
		return FAULT_EXT;
	}
	return FAULT_EXT;
}

static uint64_t event_return_rip(const struct cpu *cpu, const struct cpu_event *event)
{
	switch (event->kind) {
	case CPU_EVENT_INT_N:
	case CPU_EVENT_INT3:
	case CPU_EVENT_INTO:
	case CPU_EVENT_INT1:
		return event->next_rip;
	case CPU_EVENT_EXCEPTION:
	case CPU_EVENT_INTERRUPT:
	case CPU_EVENT_NMI:
		break;
	}
	return cpu->state.rip;
}

/*
 * SDM "Resume Flag": set in the image for every fault but that of an instruction
 * breakpoint, whose handler decides itself; traps and interrupts keep it.
 */
static uint64_t event_rflags(const struct cpu *cpu, const struct cpu_event *event)
{
	uint64_t rflags = cpu->state.rflags;

	if (event->kind != CPU_EVENT_EXCEPTION)
		return rflags;
	switch (event->exception.vector) {
	case DB_VECTOR:
	case BP_VECTOR:
	case OF_VECTOR:
	case DF_VECTOR:
	case MC_VECTOR:
		return rflags;
	default:
		return rflags | X86_EFLAGS_RF;
	}
}

/* SDM INT "REAL-ADDRESS-MODE": no error codes, no privilege, 16 bits of everything. */
static enum cpu_result enter_real(struct cpu *cpu, const struct cpu_event *event)
{
	uint64_t *rflags = &cpu->state.rflags;
	uint32_t offset = event->exception.vector * 4u;
	struct stack stack = stack_current(cpu, 2);
	uint32_t target;

	if (offset + 3 > cpu->idtr.limit)
		return fault_code(cpu, GP_VECTOR, offset * 2 | FAULT_IDT | event_ext(event));
	CPU_TRY(cpu->ops->read(cpu, (uint32_t)(cpu->idtr.base + offset), &target, 4,
			       CPU_ACCESS_IMPLICIT));
	stack_push(&stack, event_rflags(cpu, event));
	stack_push(&stack, cpu->state.seg[X86_SEG_CS].selector);
	stack_push(&stack, event_return_rip(cpu, event));
	CPU_TRY(stack_check_room(cpu, &stack, event_ext(event)));
	CPU_TRY(stack_write(cpu, &stack));

	stack_switch_to(cpu, &stack);
	segment_load_real(cpu, X86_SEG_CS, (uint16_t)(target >> 16));
	cpu->state.rip = target & 0xffff;
	*rflags &= ~(X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_RF);
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

struct gate {
	unsigned int type;
	unsigned int ist;
	uint16_t selector;
	uint64_t offset;
};

/* The vector's entry in the IDT, with the checks that concern the gate itself. */
static enum cpu_result gate_read(struct cpu *cpu, const struct cpu_event *event, struct gate *gate)
{
	bool is_long = cpu_in_long_mode(cpu);
	uint32_t size = is_long ? 16 : 8;
	uint32_t offset = event->exception.vector * size;
	uint32_t code = event->exception.vector * 8u | FAULT_IDT | event_ext(event);
	gva_t gva = cpu->idtr.base + offset;
	struct descriptor d = {0};
	uint64_t raw[2] = {0, 0};

	if (offset + size - 1 > cpu->idtr.limit)
		return fault_code(cpu, GP_VECTOR, code);
	CPU_TRY(cpu->ops->read(cpu, is_long ? gva : (uint32_t)gva, raw, size, CPU_ACCESS_IMPLICIT));
	d.low = raw[0];
	*gate = (struct gate){
		.type = descriptor_type(&d),
		.ist = is_long ? d.low >> 32 & 7 : 0,
		.selector = (uint16_t)(d.low >> 16),
		.offset =
			(d.low & 0xffff) | (d.low >> 32 & 0xffff0000) | (raw[1] & 0xffffffff) << 32,
	};
	if (!descriptor_is_system(&d))
		return fault_code(cpu, GP_VECTOR, code);
	switch (gate->type) {
	case DESC_INT_GATE:
	case DESC_TRAP_GATE:
		break;
	case DESC_INT_GATE16:
	case DESC_TRAP_GATE16:
		gate->offset &= 0xffff;
		if (!is_long)
			break;
		return fault_code(cpu, GP_VECTOR, code);
	default:
		/* A task gate too: there are no task switches (docs/errata.md). */
		return fault_code(cpu, GP_VECTOR, code);
	}
	if (!event_ext(event) && descriptor_dpl(&d) < cpu->state.cpl)
		return fault_code(cpu, GP_VECTOR, code);
	if (!descriptor_is_present(&d))
		return fault_code(cpu, NP_VECTOR, code);
	return CPU_OK;
}

static enum cpu_result handler_read(struct cpu *cpu, const struct gate *gate, uint32_t ext,
				    struct descriptor *cs)
{
	if (SELECTOR_IS_NULL(gate->selector))
		return fault_code(cpu, GP_VECTOR, ext);
	CPU_TRY(descriptor_read(cpu, gate->selector, GP_VECTOR, ext, cs));
	if (!descriptor_is_code(cs) || descriptor_dpl(cs) > cpu->state.cpl)
		return fault_selector(cpu, GP_VECTOR, gate->selector, ext);
	if (cpu_in_long_mode(cpu) && (!descriptor_is_64bit_code(cs) || descriptor_is_big(cs)))
		return fault_selector(cpu, GP_VECTOR, gate->selector, ext);
	if (!descriptor_is_present(cs))
		return fault_selector(cpu, NP_VECTOR, gate->selector, ext);
	return CPU_OK;
}

/* The stack that the handler starts on, empty. */
static enum cpu_result handler_stack(struct cpu *cpu, const struct gate *gate, unsigned int cpl,
				     uint32_t ext, struct stack *stack)
{
	bool is_long = cpu_in_long_mode(cpu);

	if (cpl < cpu->state.cpl || gate->ist) {
		CPU_TRY(stack_from_tss(cpu, cpl, gate->ist, ext, stack));
		if (cpl == cpu->state.cpl)
			stack->ss = cpu->state.seg[X86_SEG_SS];
	} else {
		*stack = stack_current(cpu, 0);
		if (is_long && !stack->is_64bit)
			stack->sp = cpu->state.gpr[X86_RSP];
	}
	if (is_long) {
		stack->is_64bit = true;
		stack->sp = align_down(stack->sp, 16);
	}
	stack->width = is_long ? 8 : gate->type >= DESC_INT_GATE ? 4 : 2;
	return CPU_OK;
}

static void push_frame(struct cpu *cpu, const struct cpu_event *event, bool with_stack,
		       struct stack *stack)
{
	const struct x86_state *state = &cpu->state;

	if (with_stack) {
		stack_push(stack, state->seg[X86_SEG_SS].selector);
		stack_push(stack, state->gpr[X86_RSP]);
	}
	stack_push(stack, event_rflags(cpu, event));
	stack_push(stack, state->seg[X86_SEG_CS].selector);
	stack_push(stack, event_return_rip(cpu, event));
	if (event->exception.has_error_code)
		stack_push(stack, event->exception.error_code);
}

static enum cpu_result enter_protected(struct cpu *cpu, const struct cpu_event *event)
{
	uint32_t ext = event_ext(event), room_code = ext;
	bool is_long = cpu_in_long_mode(cpu);
	struct descriptor cs;
	struct stack stack;
	struct gate gate;
	unsigned int cpl;

	CPU_TRY(gate_read(cpu, event, &gate));
	CPU_TRY(handler_read(cpu, &gate, ext, &cs));
	cpl = descriptor_is_conforming(&cs) ? cpu->state.cpl : descriptor_dpl(&cs);
	CPU_TRY(handler_stack(cpu, &gate, cpl, ext, &stack));
	push_frame(cpu, event, is_long || cpl < cpu->state.cpl, &stack);
	if (!is_long && cpl < cpu->state.cpl)
		room_code |= stack.ss.selector & 0xfffcu;
	CPU_TRY(stack_check_room(cpu, &stack, room_code));
	CPU_TRY(cs_check_rip(cpu, &cs, gate.offset, ext));
	CPU_TRY(descriptor_set_accessed(cpu, &cs));
	CPU_TRY(stack_write(cpu, &stack));

	cs_commit(cpu, &cs, cpl, gate.offset);
	stack_switch_to(cpu, &stack);
	cpu->state.rflags &= ~(X86_EFLAGS_TF | X86_EFLAGS_NT | X86_EFLAGS_VM | X86_EFLAGS_RF);
	if (gate.type == DESC_INT_GATE || gate.type == DESC_INT_GATE16)
		cpu->state.rflags &= ~X86_EFLAGS_IF;
	cpu->ops->mode_changed(cpu);
	return CPU_OK;
}

enum cpu_result event_enter(struct cpu *cpu, const struct cpu_event *event)
{
	if (cpu_in_protected_mode(cpu))
		return enter_protected(cpu, event);
	return enter_real(cpu, event);
}
