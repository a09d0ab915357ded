// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PUSH, POP, LEAVE. RSP moves after the last access, so that a fault leaves it.
 *
 * Outside 64-bit mode SS.B says how much of ESP is the stack pointer: with a
 * 16-bit stack segment SP wraps and the rest of ESP stays.
 */
#include "engine/translate.h"

#include "lib/bits.h"

static bool has_stack16(const struct translation *t)
{
	return !mode_is_64bit(t->mode) && (t->mode & MODE_STACK16);
}

/* Of what an instruction with the operand size of @insn pushes or pops. */
static unsigned int slot_size(const struct translation *t, const struct insn *insn)
{
	if (insn->operand_size == 2)
		return 2;
	return mode_is_64bit(t->mode) ? 8 : 4;
}

/* dst := the offset in SS that is @disp above the pointer in @pointer. */
static void emit_stack_offset(struct translation *t, unsigned int dst, unsigned int pointer,
			      int32_t disp)
{
	emit_lea(&t->e, mode_is_64bit(t->mode), dst, pointer, -1, 0, disp);
	if (has_stack16(t))
		emit_movzx16(&t->e, dst, dst);
}

unsigned int stack_slot(struct translation *t, int32_t disp, uint32_t size, bool write,
			uint16_t avoid)
{
	unsigned int rsp = regs_rsp(t), addr;

	if (mode_is_64bit(t->mode) && !disp)
		return rsp;
	addr = regs_scratch(t, avoid, false);
	emit_stack_offset(t, addr, rsp, disp);
	access_linear(t, addr, X86_SEG_SS, size, write, avoid);
	return addr;
}

void stack_move(struct translation *t, int32_t delta, unsigned int slot)
{
	unsigned int rsp = regs_rsp(t);

	if (has_stack16(t)) {
		emit_lea(&t->e, false, slot, rsp, -1, 0, delta);
		emit_mov16(&t->e, rsp, slot);
	} else {
		emit_lea(&t->e, mode_is_64bit(t->mode), rsp, rsp, -1, 0, delta);
	}
	regs_set_rsp(t, rsp);
}

/* A register operand, in the opcode or in ModRM. */
static unsigned int register_operand(const struct insn *insn)
{
	return insn->opcode_gpr == INSN_NO_GPR ? insn->modrm_rm_gpr : insn->opcode_gpr;
}

/* What PUSH stores, in a host register. */
static unsigned int pushed_value(struct translation *t, const struct insn *insn, unsigned int size)
{
	uint16_t names = insn->regs_read & ~BIT32(X86_RSP);
	unsigned int source = register_operand(insn);
	struct emitter *e = &t->e;
	unsigned int value, addr;

	if (insn->mem.present) {
		addr = access_address(t, insn, names);
		value = regs_scratch(t, names, false);
		access_emit(t, ACCESS_LOAD, addr, value, size, false, names);
		t->busy = (uint16_t)(BIT32(X86_RSP) | BIT32(value));
		return value;
	}
	if (source == X86_RSP)
		return regs_rsp(t);
	if (source != INSN_NO_GPR) {
		regs_need(t, BIT32(source));
		return source;
	}
	value = regs_scratch(t, names, false);
	emit8(e, emit_rex(true, 0, 0, value));
	emit8(e, 0xc7);
	emit8(e, emit_modrm(3, 0, value));
	emit32(e, (uint32_t)insn->imm);
	return value;
}

static void emit_push(struct translation *t, const struct insn *insn)
{
	unsigned int size = slot_size(t, insn);
	unsigned int value = pushed_value(t, insn, size), addr;

	if (!insn->mem.present && group_access(t, ACCESS_PUSH, X86_RSP, -(int32_t)size, value, size,
					       true, BIT32(value))) {
		stack_move(t, -(int32_t)size, NO_REG);
		return;
	}
	addr = stack_slot(t, -(int32_t)size, size, true, BIT32(value));

	access_emit(t, ACCESS_PUSH, addr, value, size, true, BIT32(value));
	if (mode_is_64bit(t->mode))
		regs_set_rsp(t, addr);
	else
		stack_move(t, -(int32_t)size, addr);
}

/*
 * SDM POP: an address with ESP is computed after ESP has moved. With a 16-bit
 * stack it moves by more than a displacement says when SP wraps.
 */
static unsigned int address_after_pop(struct translation *t, const struct insn *insn,
				      unsigned int size, uint16_t avoid)
{
	struct insn shifted = *insn;
	unsigned int before = regs_rsp(t), addr;

	if (insn->mem.base != X86_RSP || !has_stack16(t)) {
		if (insn->mem.base == X86_RSP)
			shifted.mem.disp += size;
		return access_address(t, &shifted, avoid);
	}
	/* While RSP seems to be another register, a fault must find it in the vCPU. */
	regs_flush_rsp(t);
	avoid |= (uint16_t)BIT32(before);
	t->rsp = (uint8_t)regs_scratch(t, avoid, false);
	emit_mov(&t->e, t->rsp, before);
	addr = regs_scratch(t, avoid, false);
	emit_lea(&t->e, false, addr, before, -1, 0, (int32_t)size);
	emit_mov16(&t->e, t->rsp, addr);
	addr = access_address(t, insn, avoid);
	t->rsp = (uint8_t)before;
	return addr;
}

static void emit_pop_memory(struct translation *t, const struct insn *insn, unsigned int size)
{
	uint16_t names = insn->regs_read & ~BIT32(X86_RSP);
	unsigned int slot = stack_slot(t, 0, size, false, names);
	unsigned int value = regs_scratch(t, names, false);
	unsigned int addr;

	access_emit(t, ACCESS_POP, slot, value, size, false, names);
	names |= (uint16_t)BIT32(value);
	t->busy = (uint16_t)(BIT32(X86_RSP) | BIT32(value));
	addr = address_after_pop(t, insn, size, names);
	access_emit(t, ACCESS_STORE, addr, value, size, true, names);
	stack_move(t, (int32_t)size, addr);
}

/* POP SP: the pointer has moved when the lower half of it is replaced. */
static void emit_moved_rsp(struct translation *t, unsigned int dst)
{
	unsigned int rsp = regs_rsp(t);

	if (has_stack16(t))
		emit_mov(&t->e, dst, rsp);
	else
		emit_lea(&t->e, mode_is_64bit(t->mode), dst, rsp, -1, 0, 2);
}

static void emit_pop(struct translation *t, const struct insn *insn)
{
	unsigned int size = slot_size(t, insn);
	unsigned int reg = register_operand(insn);
	unsigned int value, slot;

	if (insn->mem.present) {
		emit_pop_memory(t, insn, size);
		return;
	}
	regs_claim(t, BIT32(reg));
	if (size == 8 && reg != X86_RSP &&
	    group_access(t, ACCESS_POP, X86_RSP, 0, reg, size, false, BIT32(reg))) {
		regs_written(t, BIT32(reg));
		stack_move(t, (int32_t)size, NO_REG);
		return;
	}
	slot = stack_slot(t, 0, size, false, BIT32(reg));
	value = regs_scratch(t, BIT32(reg), false);
	/* A 16-bit pop leaves the rest of the register. */
	if (size == 2 && reg == X86_RSP) {
		emit_moved_rsp(t, value);
	} else if (size == 2) {
		regs_need(t, BIT32(reg));
		emit_mov(&t->e, value, reg);
	}
	access_emit(t, ACCESS_POP, slot, value, size, false, BIT32(reg));
	if (reg == X86_RSP) {
		regs_set_rsp(t, value);
		return;
	}
	stack_move(t, (int32_t)size, slot);
	emit_mov(&t->e, reg, value);
	regs_written(t, BIT32(reg));
}

static void emit_leave(struct translation *t, const struct insn *insn)
{
	unsigned int size = slot_size(t, insn);
	struct emitter *e = &t->e;
	unsigned int value, addr;

	regs_claim(t, BIT32(X86_RBP));
	regs_need(t, BIT32(X86_RBP));
	if (has_stack16(t))
		regs_rsp(t);
	addr = regs_scratch(t, BIT32(X86_RBP), false);
	value = regs_scratch(t, BIT32(X86_RBP), false);
	emit_stack_offset(t, addr, X86_RBP, 0);
	access_linear(t, addr, X86_SEG_SS, size, false, BIT32(X86_RBP));
	emit_mov(e, value, X86_RBP); /* a 16-bit pop leaves the rest */
	access_emit(t, ACCESS_POP, addr, value, size, false, BIT32(X86_RBP));
	emit_lea(e, mode_is_64bit(t->mode), addr, X86_RBP, -1, 0, (int32_t)size);
	if (has_stack16(t)) {
		emit_mov16(e, regs_rsp(t), addr);
		addr = regs_rsp(t);
	}
	regs_set_rsp(t, addr);
	emit_mov(e, X86_RBP, value);
	regs_written(t, BIT32(X86_RBP));
}

void stack_emit(struct translation *t, const struct insn *insn)
{
	if (insn->kind == INSN_PUSH)
		emit_push(t, insn);
	else if (insn->kind == INSN_POP)
		emit_pop(t, insn);
	else
		emit_leave(t, insn);
}
