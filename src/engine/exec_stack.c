// SPDX-License-Identifier: GPL-2.0-or-later
/* Stack instructions that no host instruction stands for: the others are translated. */
#include "cpu/segment.h"
#include "cpu/stack.h"
#include "engine/operand.h"

/* Writes what was pushed, and loads RSP. */
static enum cpu_result commit_push(struct engine_vcpu *v, struct stack *stack)
{
	CPU_TRY(stack_check_room(&v->cpu, stack, 0));
	CPU_TRY(stack_write(&v->cpu, stack));
	stack_set_pointer(&v->cpu, &stack->ss, stack->is_64bit, stack->sp);
	return CPU_OK;
}

/* One byte encodes the old four in bits 4:3, and FS and GS in bit 3 of the second byte. */
static enum x86_seg segment_of_opcode(const struct insn *insn)
{
	uint8_t opcode = insn_opcode(insn);

	if (insn_is_two_byte(insn))
		return opcode & 8 ? X86_SEG_GS : X86_SEG_FS;
	return (enum x86_seg)(opcode >> 3 & 3);
}

enum cpu_result exec_push_segment(struct engine_vcpu *v, const struct insn *insn)
{
	unsigned int width = insn->operand_size;
	struct stack stack = stack_current(&v->cpu, width);

	/* SDM PUSH: with 32 bits, recent processors leave the upper half of the slot alone. */
	if (width == 4) {
		stack.sp = stack_above(&stack, -(uint64_t)2);
		stack.width = 2;
	}
	stack_push(&stack, v->cpu.state.seg[segment_of_opcode(insn)].selector);
	return exec_finish(v, insn, commit_push(v, &stack));
}

enum cpu_result exec_pop_segment(struct engine_vcpu *v, const struct insn *insn)
{
	/* POP SS moves the pointer as the segment that it replaces says. */
	struct stack stack = stack_current(&v->cpu, insn->operand_size);
	enum x86_seg seg = segment_of_opcode(insn);
	uint64_t selector;

	CPU_TRY(stack_read(&v->cpu, &stack, 0, &selector, 1));
	CPU_TRY(cpu_load_segment(&v->cpu, seg, (uint16_t)selector));
	stack_set_pointer(&v->cpu, &stack.ss, stack.is_64bit, stack_above(&stack, stack.width));
	if (seg == X86_SEG_SS)
		v->cpu.events.shadow |= CPU_SHADOW_MOV_SS;
	return exec_finish(v, insn, CPU_OK);
}

enum cpu_result exec_pusha(struct engine_vcpu *v, const struct insn *insn)
{
	struct stack stack = stack_current(&v->cpu, insn->operand_size);

	for (unsigned int reg = X86_RAX; reg <= X86_RDI; reg++)
		stack_push(&stack, v->cpu.state.gpr[reg]);
	return exec_finish(v, insn, commit_push(v, &stack));
}

enum cpu_result exec_popa(struct engine_vcpu *v, const struct insn *insn)
{
	struct stack stack = stack_current(&v->cpu, insn->operand_size);
	uint64_t slot[8];

	CPU_TRY(stack_read(&v->cpu, &stack, 0, slot, 8));
	for (unsigned int reg = X86_RAX; reg <= X86_RDI; reg++)
		if (reg != X86_RSP)
			exec_set_gpr(v, reg, stack.width, slot[X86_RDI - reg]);
	stack_set_pointer(&v->cpu, &stack.ss, stack.is_64bit, stack_above(&stack, 8 * stack.width));
	return exec_finish(v, insn, CPU_OK);
}

/* SDM ENTER: the frame pointers of the procedures around, and the one of this. */
static enum cpu_result push_display(struct engine_vcpu *v, struct stack *stack, unsigned int level,
				    uint64_t frame)
{
	struct stack outer = *stack;
	uint64_t pointer;

	outer.sp = v->cpu.state.gpr[X86_RBP];
	for (unsigned int i = 1; i < level; i++) {
		CPU_TRY(stack_read(&v->cpu, &outer, -(uint64_t)(i * stack->width), &pointer, 1));
		stack_push(stack, pointer);
	}
	if (level)
		stack_push(stack, frame);
	return CPU_OK;
}

/* The new top must be writable, although nothing is written there. */
static enum cpu_result check_top(struct engine_vcpu *v, const struct stack *stack, uint64_t sp)
{
	gva_t gva;

	CPU_TRY(exec_linear(v, X86_SEG_SS, sp, stack->width, true, &gva));
	return vcpu_probe_write(v, gva, stack->width);
}

enum cpu_result exec_enter(struct engine_vcpu *v, const struct insn *insn)
{
	struct stack stack = stack_current(&v->cpu, insn->operand_size);
	unsigned int level = insn->bytes[insn->imm_at + 2] & 31;
	uint64_t frame = stack_above(&stack, -(uint64_t)stack.width), top;

	stack_push(&stack, v->cpu.state.gpr[X86_RBP]);
	CPU_TRY(push_display(v, &stack, level, frame));
	top = stack_above(&stack, -(uint64_t)(stack.count * stack.width + (uint16_t)insn->imm));
	CPU_TRY(stack_check_room(&v->cpu, &stack, 0));
	CPU_TRY(check_top(v, &stack, top));
	CPU_TRY(stack_write(&v->cpu, &stack));
	stack_set_pointer(&v->cpu, &stack.ss, stack.is_64bit, top);
	exec_set_gpr(v, X86_RBP, stack.width, frame);
	return exec_finish(v, insn, CPU_OK);
}
