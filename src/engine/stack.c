// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PUSH, POP, LEAVE. RSP moves after the last access, so that a fault leaves it.
 */
#include "engine/translate.h"

#include "lib/bits.h"

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
	unsigned int size = insn->operand_size == 2 ? 2 : 8;
	unsigned int value = pushed_value(t, insn, size);
	unsigned int rsp = regs_rsp(t);
	unsigned int addr = regs_scratch(t, BIT32(value), false);

	emit_lea(&t->e, true, addr, rsp, -1, 0, -(int32_t)size);
	access_emit(t, ACCESS_PUSH, addr, value, size, true, BIT32(value));
	regs_set_rsp(t, addr);
}

/* POP to memory: its address is computed with RSP as it is after the pop. */
static void emit_pop_memory(struct translation *t, const struct insn *insn, unsigned int size)
{
	uint16_t names = insn->regs_read & ~BIT32(X86_RSP);
	struct insn shifted = *insn;
	unsigned int rsp = regs_rsp(t);
	unsigned int value = regs_scratch(t, names, false);
	unsigned int addr;

	access_emit(t, ACCESS_POP, rsp, value, size, false, names);
	t->busy = (uint16_t)(BIT32(X86_RSP) | BIT32(value));
	if (insn->mem.base == X86_RSP)
		shifted.mem.disp += size;
	addr = access_address(t, &shifted, (uint16_t)(names | BIT32(value)));
	access_emit(t, ACCESS_STORE, addr, value, size, true, (uint16_t)(names | BIT32(value)));
	rsp = regs_rsp(t);
	emit_lea(&t->e, true, rsp, rsp, -1, 0, (int32_t)size);
	regs_set_rsp(t, rsp);
}

static void emit_pop(struct translation *t, const struct insn *insn)
{
	unsigned int size = insn->operand_size == 2 ? 2 : 8;
	unsigned int reg = register_operand(insn);
	struct emitter *e = &t->e;
	unsigned int value, rsp;

	if (insn->mem.present) {
		emit_pop_memory(t, insn, size);
		return;
	}
	regs_claim(t, BIT32(reg));
	rsp = regs_rsp(t);
	value = regs_scratch(t, BIT32(reg), false);
	/* A 16-bit pop leaves the rest of the register; SP counts up before it is loaded. */
	if (size == 2 && reg == X86_RSP) {
		emit_lea(e, true, value, rsp, -1, 0, 2);
	} else if (size == 2) {
		regs_need(t, BIT32(reg));
		emit_mov(e, value, reg);
	}
	access_emit(t, ACCESS_POP, rsp, value, size, false, BIT32(reg));
	if (reg == X86_RSP) {
		regs_set_rsp(t, value);
		return;
	}
	emit_lea(e, true, rsp, rsp, -1, 0, (int32_t)size);
	regs_set_rsp(t, rsp);
	emit_mov(e, reg, value);
	regs_written(t, BIT32(reg));
}

static void emit_leave(struct translation *t, const struct insn *insn)
{
	unsigned int size = insn->operand_size == 2 ? 2 : 8;
	struct emitter *e = &t->e;
	unsigned int value, addr;

	regs_claim(t, BIT32(X86_RBP));
	regs_need(t, BIT32(X86_RBP));
	addr = regs_scratch(t, BIT32(X86_RBP), false);
	value = regs_scratch(t, BIT32(X86_RBP), false);
	emit_mov(e, addr, X86_RBP);
	emit_mov(e, value, X86_RBP); /* a 16-bit pop leaves the rest */
	access_emit(t, ACCESS_POP, addr, value, size, false, BIT32(X86_RBP));
	emit_lea(e, true, addr, addr, -1, 0, (int32_t)size);
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
