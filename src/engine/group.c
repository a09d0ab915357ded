// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One look-up for several accesses. Operands that have a base register and a
 * displacement, with the same base as others of the block, lie side by side: the
 * fields of a structure, the slots of a stack frame. The first of them looks up
 * the range of all (within a page), and leaves the host's address of it in a
 * register; the others are moves.
 *
 * The look-up asks for the rights of the first access alone, so that nothing
 * faults early and no page is dirty that is not written; a write after a read
 * has a look-up of its own, which later reads then share. Where the range
 * crosses a page border, or lies in a page that may not be in the TLB, the first
 * access is run alone and the block is made again without groups (miss.c).
 *
 * A host address may be kept from one access to the next because a block passes
 * no safe point inside.
 */
#include "engine/translate.h"

#include "lib/bits.h"

#include <Zydis/Zydis.h>

/* Long enough for a stack frame or a cache line of fields, and rarely across a page's end. */
#define GROUP_MAX_BYTES 512

static bool groups_are_possible(const struct translation *t)
{
	return mode_is_64bit(t->mode) && !(t->mode & (MODE_SINGLE | MODE_ALIGN)) && !t->no_groups &&
	       t->count > 1;
}

/* An operand of an instruction as groups see it. */
struct operand {
	unsigned int base;
	int32_t disp;
	uint32_t size;
};

static bool stack_operand(const struct insn *insn, struct operand *op)
{
	unsigned int size = insn->operand_size == 2 ? 2 : 8;

	if (insn->mem.present && insn->kind != INSN_CALL && insn->kind != INSN_RET)
		return false;
	switch (insn->kind) {
	case INSN_PUSH:
		*op = (struct operand){X86_RSP, -(int32_t)size, size};
		return true;
	case INSN_CALL:
	case INSN_CALL_IND:
		*op = (struct operand){X86_RSP, -8, 8};
		return true;
	case INSN_POP:
		*op = (struct operand){X86_RSP, 0, size};
		return true;
	case INSN_RET:
		*op = (struct operand){X86_RSP, 0, 8};
		return true;
	case INSN_LEAVE:
		*op = (struct operand){X86_RBP, 0, size};
		return true;
	case INSN_COPY:
	case INSN_JCC:
	case INSN_JMP:
	case INSN_JMP_IND:
	case INSN_INLINE:
	case INSN_SYSTEM:
	case INSN_INVALID:
		break;
	}
	return false;
}

static bool operand_of(const struct insn *insn, struct operand *op)
{
	const struct insn_mem *mem = &insn->mem;

	if (stack_operand(insn, op))
		return true;
	if (insn->kind != INSN_COPY || !mem->size || mem->base < 0 || mem->index >= 0 ||
	    mem->address_size != 8 || mem->seg == X86_SEG_FS || mem->seg == X86_SEG_GS ||
	    insn->bit_string)
		return false;
	*op = (struct operand){(unsigned int)mem->base, (int32_t)mem->disp, mem->size};
	return true;
}

/* Does @insn add a constant to @reg and do nothing else to it? */
static bool adds_constant(const struct insn *insn, unsigned int reg, int64_t *delta)
{
	const uint8_t *opcode = insn->bytes + insn->opcode_at;

	if (reg == X86_RSP && insn->kind == INSN_PUSH) {
		*delta = insn->operand_size == 2 ? -2 : -8;
		return true;
	}
	if (reg == X86_RSP && insn->kind == INSN_POP && insn->opcode_gpr != X86_RSP &&
	    insn->modrm_rm_gpr != X86_RSP) {
		*delta = insn->operand_size == 2 ? 2 : 8;
		return true;
	}
	if (insn->kind != INSN_COPY || insn->operand_size != 8)
		return false;
	if (insn->mnemonic == ZYDIS_MNEMONIC_LEA) {
		*delta = insn->mem.disp;
		return insn->mem.base == (int)reg && insn->mem.index < 0 &&
		       insn->mem.address_size == 8;
	}
	if (insn->mem.present || insn->modrm_rm_gpr != reg ||
	    (opcode[0] != 0x81 && opcode[0] != 0x83))
		return false;
	*delta = insn->mnemonic == ZYDIS_MNEMONIC_ADD ? insn->imm : -insn->imm;
	return insn->mnemonic == ZYDIS_MNEMONIC_ADD || insn->mnemonic == ZYDIS_MNEMONIC_SUB;
}

/* How far @base is after @insn from what it was; Return: false when nobody knows. */
static bool follow(const struct insn *insn, unsigned int base, int64_t *offset)
{
	int64_t delta;

	if (!(insn->regs_written & BIT32(base)) &&
	    !(base == X86_RSP &&
	      (insn->kind == INSN_PUSH || insn->kind == INSN_POP || insn->kind == INSN_LEAVE)))
		return true;
	if (!adds_constant(insn, base, &delta))
		return false;
	*offset += delta;
	return *offset == (int32_t)*offset;
}

/*
 * The range around @first, the operand of the current instruction, that later
 * ones share. Return: how many share it.
 */
static unsigned int plan(const struct translation *t, const struct operand *first,
			 struct group *group)
{
	unsigned int base = first->base, shared = 0;
	int64_t offset = 0, low = first->disp, high = low + first->size;

	for (unsigned int i = t->current; i < t->count; i++) {
		const struct insn *insn = &t->insns[i];
		struct operand op;

		if (i > t->current && operand_of(insn, &op) && op.base == base) {
			int64_t from = offset + op.disp, to = from + op.size;

			from = from < low ? from : low;
			to = to > high ? to : high;
			if (to - from <= GROUP_MAX_BYTES) {
				low = from;
				high = to;
				group->last = (uint8_t)i;
				shared++;
			}
		}
		if (!follow(insn, base, &offset))
			break;
	}
	group->base = (uint8_t)base;
	group->low = (int32_t)low;
	group->high = (int32_t)high;
	return shared;
}

static struct group *find(struct translation *t, const struct operand *op, bool write, bool low)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(t->groups); i++) {
		struct group *g = &t->groups[i];
		int64_t from = (int64_t)op->disp + t->moved[op->base];

		if (g->reg == NO_REG || g->base != op->base || (write && !g->write))
			continue;
		if (from >= g->low && from + op->size <= g->high && (g->reg < 8 || !low))
			return g;
	}
	return NULL;
}

static struct group *free_group(struct translation *t)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(t->groups); i++)
		if (t->groups[i].reg == NO_REG)
			return &t->groups[i];
	return NULL;
}

static void drop(struct translation *t, struct group *g)
{
	t->held &= (uint16_t)~BIT32(g->reg);
	g->reg = NO_REG;
}

void groups_start(struct translation *t)
{
	t->held = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(t->groups); i++)
		t->groups[i].reg = NO_REG;
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		t->moved[reg] = 0;
}

void groups_claim(struct translation *t, uint16_t mask)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(t->groups); i++)
		if (t->groups[i].reg != NO_REG && (mask & BIT32(t->groups[i].reg)))
			drop(t, &t->groups[i]);
}

void groups_end_insn(struct translation *t, const struct insn *insn)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(t->groups); i++) {
		struct group *g = &t->groups[i];
		int64_t offset;

		if (g->reg == NO_REG)
			continue;
		offset = t->moved[g->base];
		if (g->last <= t->current || !follow(insn, g->base, &offset))
			drop(t, g);
	}
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++) {
		int64_t offset = t->moved[reg];

		/* Who knows no more where it is has no group any more. */
		t->moved[reg] = follow(insn, reg, &offset) ? (int32_t)offset : 0;
	}
}

static void emit_shared(struct translation *t, const struct group *g, enum access_op op,
			const struct operand *operand, unsigned int value)
{
	uint16_t reads = op == ACCESS_INSN ? t->insns[t->current].regs_read : 0;
	struct access a = {
		.insn = (uint8_t)t->current,
		.op = op,
		.addr = g->reg,
		.addend = NO_REG,
		.disp = operand->disp + t->moved[operand->base] - g->low,
		.value = (uint8_t)value,
		.rsp = (uint8_t)value,
		.size = operand->size,
	};

	regs_need(t, reads & BIT32(X86_RCX));
	a.spilled = t->spilled;
	a.rsp_home = t->rsp_dirty ? t->rsp : NO_REG;
	access_emit_operation(t, &a);
}

bool group_access(struct translation *t, enum access_op op, unsigned int base, int32_t disp,
		  unsigned int value, uint32_t size, bool write, uint16_t avoid)
{
	const struct insn *insn = &t->insns[t->current];
	struct operand operand = {base, disp, size};
	struct group *g, planned = {0};
	unsigned int addr;

	if (!groups_are_possible(t))
		return false;
	g = find(t, &operand, write, insn->no_rex);
	if (g) {
		emit_shared(t, g, op, &operand, value);
		return true;
	}
	g = free_group(t);
	if (!g || insn->no_rex || !plan(t, &operand, &planned))
		return false;
	if (base != X86_RSP)
		regs_need(t, (uint16_t)BIT32(base));
	addr = regs_scratch(t, (uint16_t)(avoid | BIT32(base)), false);
	emit_lea(&t->e, true, addr, base == X86_RSP ? regs_rsp(t) : base, -1, 0, planned.low);
	planned.low += t->moved[base];
	planned.high += t->moved[base];
	planned.write = write;
	planned.reg =
		(uint8_t)access_emit_first(t, op, addr, value, &planned,
					   disp + t->moved[base] - planned.low, size, write, avoid);
	if (planned.reg == NO_REG)
		return true;
	*g = planned;
	t->held |= (uint16_t)BIT32(g->reg);
	return true;
}
