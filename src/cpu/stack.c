// SPDX-License-Identifier: GPL-2.0-or-later
#include "cpu/stack.h"

#include "cpu/fault.h"
#include "cpu/segment.h"

#include <string.h>

static uint64_t stack_mask(const struct stack *stack)
{
	if (stack->is_64bit)
		return UINT64_MAX;
	return stack->ss.db ? 0xffffffff : 0xffff;
}

struct stack stack_current(const struct cpu *cpu, unsigned int width)
{
	struct stack stack = {
		.ss = cpu->state.seg[X86_SEG_SS],
		.is_64bit = x86_is_64bit(&cpu->state),
		.cpl = cpu->state.cpl,
		.width = width,
	};

	stack.sp = cpu->state.gpr[X86_RSP] & stack_mask(&stack);
	return stack;
}

void stack_push(struct stack *stack, uint64_t value)
{
	stack->slot[stack->count++] = value;
}

uint64_t stack_above(const struct stack *stack, uint64_t bytes)
{
	return (stack->sp + bytes) & stack_mask(stack);
}

static bool slot_is_inside(const struct cpu *cpu, const struct stack *stack, uint64_t sp)
{
	if (stack->is_64bit)
		return x86_is_canonical(&cpu->state, sp) &&
		       x86_is_canonical(&cpu->state, sp + stack->width - 1);
	return !stack->ss.unusable && segment_contains(&stack->ss, sp, stack->width);
}

enum cpu_result stack_check_room(struct cpu *cpu, const struct stack *stack, uint32_t error_code)
{
	for (unsigned int i = 1; i <= stack->count; i++)
		if (!slot_is_inside(cpu, stack, stack_above(stack, -(uint64_t)(i * stack->width))))
			return fault_code(cpu, SS_VECTOR, error_code);
	return CPU_OK;
}

static gva_t slot_gva(const struct stack *stack, uint64_t sp)
{
	return stack->is_64bit ? sp : (uint32_t)(stack->ss.base + sp);
}

static uint32_t stack_access(const struct stack *stack)
{
	return stack->cpl == 3 ? PFERR_USER_MASK : 0;
}

static enum cpu_result check_alignment(struct cpu *cpu, const struct stack *stack, gva_t gva)
{
	if (stack->cpl == 3 && (cpu->state.cr0 & X86_CR0_AM) &&
	    (cpu->state.rflags & X86_EFLAGS_AC) && !is_aligned(gva, stack->width))
		return fault_code(cpu, AC_VECTOR, 0);
	return CPU_OK;
}

/* All slots lie one below the other in one page, which is nearly always so. */
static bool is_contiguous(const struct stack *stack, uint64_t bottom, size_t len)
{
	gva_t gva = slot_gva(stack, bottom);

	return bottom + len - 1 <= stack_mask(stack) && bottom + len - 1 >= bottom &&
	       (gva & 0xfff) + len <= 0x1000;
}

static enum cpu_result write_at_once(struct cpu *cpu, const struct stack *stack, uint64_t bottom)
{
	uint8_t bytes[STACK_MAX_SLOTS * sizeof(uint64_t)];
	size_t len = stack->count * stack->width;
	gva_t gva = slot_gva(stack, bottom);
	enum cpu_result res;

	for (unsigned int i = 0; i < stack->count; i++)
		memcpy(bytes + len - (i + 1) * stack->width, &stack->slot[i], stack->width);
	CPU_TRY(check_alignment(cpu, stack, gva));
	res = cpu->ops->write(cpu, gva, bytes, len, stack_access(stack) | PFERR_WRITE_MASK);

	/* The processor pushes downward: the first slot is the one that it would have met. */
	if (res == CPU_FAULT && cpu->fault.vector == PF_VECTOR)
		cpu->fault.address = gva + len - stack->width;
	return res;
}

enum cpu_result stack_write(struct cpu *cpu, struct stack *stack)
{
	size_t len = stack->count * stack->width;
	uint64_t bottom = stack_above(stack, -(uint64_t)len);

	if (stack->count == 0)
		return CPU_OK;
	if (is_contiguous(stack, bottom, len)) {
		CPU_TRY(write_at_once(cpu, stack, bottom));
		stack->sp = bottom;
		return CPU_OK;
	}
	/* What a fault leaves half-written lies below the stack pointer, as with hardware. */
	for (unsigned int i = 0; i < stack->count; i++) {
		uint64_t sp = stack_above(stack, -(uint64_t)((i + 1) * stack->width));
		gva_t gva = slot_gva(stack, sp);

		CPU_TRY(check_alignment(cpu, stack, gva));
		CPU_TRY(cpu->ops->write(cpu, gva, &stack->slot[i], stack->width,
					stack_access(stack) | PFERR_WRITE_MASK));
	}
	stack->sp = bottom;
	return CPU_OK;
}

static enum cpu_result read_slot(struct cpu *cpu, const struct stack *stack, uint64_t sp,
				 uint64_t *value)
{
	gva_t gva = slot_gva(stack, sp);

	*value = 0;
	if (!slot_is_inside(cpu, stack, sp))
		return fault_code(cpu, SS_VECTOR, 0);
	CPU_TRY(check_alignment(cpu, stack, gva));
	return cpu->ops->read(cpu, gva, value, stack->width, stack_access(stack));
}

enum cpu_result stack_read(struct cpu *cpu, const struct stack *stack, uint64_t skip,
			   uint64_t *values, unsigned int count)
{
	size_t len = count * stack->width;
	uint64_t top = stack_above(stack, skip);
	uint8_t bytes[STACK_MAX_SLOTS * sizeof(uint64_t)];

	if (!is_contiguous(stack, top, len)) {
		for (unsigned int i = 0; i < count; i++)
			CPU_TRY(read_slot(cpu, stack, stack_above(stack, skip + i * stack->width),
					  &values[i]));
		return CPU_OK;
	}
	for (unsigned int i = 0; i < count; i++)
		if (!slot_is_inside(cpu, stack, top + i * stack->width))
			return fault_code(cpu, SS_VECTOR, 0);
	CPU_TRY(check_alignment(cpu, stack, slot_gva(stack, top)));
	CPU_TRY(cpu->ops->read(cpu, slot_gva(stack, top), bytes, len, stack_access(stack)));
	for (unsigned int i = 0; i < count; i++) {
		values[i] = 0;
		memcpy(&values[i], bytes + i * stack->width, stack->width);
	}
	return CPU_OK;
}

void stack_set_pointer(struct cpu *cpu, const struct x86_segment *ss, bool is_64bit, uint64_t sp)
{
	uint64_t *rsp = &cpu->state.gpr[X86_RSP];

	if (is_64bit)
		*rsp = sp;
	else if (ss->db)
		*rsp = (uint32_t)sp;
	else
		*rsp = (*rsp & 0xffff0000) | (sp & 0xffff);
}

void stack_switch_to(struct cpu *cpu, const struct stack *stack)
{
	cpu->state.seg[X86_SEG_SS] = stack->ss;
	stack_set_pointer(cpu, &stack->ss, stack->is_64bit, stack->sp);
}

static enum cpu_result read_tss(struct cpu *cpu, uint32_t offset, size_t len, uint32_t ext,
				void *dst)
{
	gva_t gva = cpu->tr.base + offset;

	if (cpu->tr.unusable || offset + len - 1 > cpu->tr.limit)
		return fault_selector(cpu, TS_VECTOR, cpu->tr.selector, ext);
	if (!cpu_in_long_mode(cpu))
		gva = (uint32_t)gva;
	return cpu->ops->read(cpu, gva, dst, len, CPU_ACCESS_IMPLICIT);
}

static enum cpu_result stack_from_tss64(struct cpu *cpu, unsigned int cpl, unsigned int ist,
					uint32_t ext, struct stack *stack)
{
	/* RSP0 stands at 4, IST1 at 36. */
	uint32_t offset = ist ? 28 + 8 * ist : 4 + 8 * cpl;

	CPU_TRY(read_tss(cpu, offset, 8, ext, &stack->sp));
	if (!x86_is_canonical(&cpu->state, stack->sp))
		return fault_code(cpu, SS_VECTOR, ext);
	stack->is_64bit = true;
	stack->ss = segment_null((uint16_t)cpl);
	stack->ss.dpl = (uint8_t)cpl;
	return CPU_OK;
}

enum cpu_result stack_from_tss(struct cpu *cpu, unsigned int cpl, unsigned int ist, uint32_t ext,
			       struct stack *stack)
{
	struct descriptor d;
	uint16_t ss;

	*stack = (struct stack){.cpl = (uint8_t)cpl};
	if (cpu_in_long_mode(cpu))
		return stack_from_tss64(cpu, cpl, ist, ext, stack);
	if (cpu->tr.type == DESC_TSS_BUSY) {
		uint64_t esp_ss;

		CPU_TRY(read_tss(cpu, 4 + 8 * cpl, 6, ext, memset(&esp_ss, 0, sizeof(esp_ss))));
		stack->sp = (uint32_t)esp_ss;
		ss = (uint16_t)(esp_ss >> 32);
	} else {
		uint32_t sp_ss;

		CPU_TRY(read_tss(cpu, 2 + 4 * cpl, 4, ext, &sp_ss));
		stack->sp = (uint16_t)sp_ss;
		ss = (uint16_t)(sp_ss >> 16);
	}
	CPU_TRY(segment_check_stack(cpu, ss, cpl, TS_VECTOR, ext, &d));
	stack->ss = descriptor_segment(&d);
	stack->sp &= stack_mask(stack);
	return CPU_OK;
}
