// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host registers inside a block. A guest register leaves its host register when
 * a scratch register is needed and comes back when an instruction names it. The
 * victim is the register whose next use in the block is farthest away.
 *
 * Between blocks most guest registers are in their host registers, but a few are
 * in the vCPU (REGS_AT_HOME): those that every look-up needs as scratch, and
 * that compilers use least. Outside 64-bit mode R8 to R15 are never the guest's.
 */
#include "engine/translate.h"

#include "lib/bits.h"

#define ALL_GPRS 0xffff
#define RSP_BIT  BIT32(X86_RSP)
#define LOW_GPRS 0x00ff

/* Registers that are in their host registers between blocks. */
static uint16_t resident_gprs(const struct translation *t)
{
	return (mode_is_64bit(t->mode) ? ALL_GPRS : LOW_GPRS) & (uint16_t)~REGS_AT_HOME;
}

void regs_start(struct translation *t)
{
	t->spilled = RSP_BIT | (uint16_t)~resident_gprs(t);
	t->saved = t->spilled;
	groups_start(t);
	t->busy = RSP_BIT;
	t->rsp = NO_REG;
	t->rsp_dirty = false;
}

void regs_flush_rsp(struct translation *t)
{
	if (t->rsp_dirty)
		emit_gs_store(&t->e, t->rsp, GS_GPR(X86_RSP));
	t->rsp_dirty = false;
}

void regs_claim(struct translation *t, uint16_t mask)
{
	groups_claim(t, mask);
	if (t->rsp == NO_REG || !(mask & BIT32(t->rsp)))
		return;
	regs_flush_rsp(t);
	t->rsp = NO_REG;
}

/* What the current instruction writes must not be taken for RSP afterwards. */
static uint16_t names_of_current(const struct translation *t)
{
	const struct insn *insn = &t->insns[t->current < t->count ? t->current : t->count - 1];

	return insn->regs_read | insn->regs_written;
}

unsigned int regs_rsp(struct translation *t)
{
	if (t->rsp == NO_REG) {
		uint16_t busy = t->busy;
		unsigned int reg = regs_scratch(t, names_of_current(t), false);

		emit_gs_load(&t->e, reg, GS_GPR(X86_RSP));
		t->rsp = (uint8_t)reg;
		t->busy = busy;
	}
	return t->rsp;
}

unsigned int regs_rsp_low(struct translation *t)
{
	uint16_t busy = t->busy;
	unsigned int high = regs_rsp(t), low;

	if (high < 8)
		return high;
	low = regs_scratch(t, names_of_current(t), true);
	emit_mov(&t->e, low, high);
	t->rsp = (uint8_t)low;
	t->busy = busy;
	return low;
}

void regs_set_rsp(struct translation *t, unsigned int reg)
{
	t->rsp = (uint8_t)reg;
	t->rsp_dirty = true;
}

void regs_need(struct translation *t, uint16_t mask)
{
	regs_claim(t, mask & t->spilled);
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++) {
		if (reg == X86_RSP || !(mask & t->spilled & BIT32(reg)))
			continue;
		emit_gs_load(&t->e, reg, GS_GPR(reg));
		t->spilled &= (uint16_t)~BIT32(reg);
	}
}

void regs_spill(struct translation *t, unsigned int reg)
{
	if (!((t->saved | t->spilled) & BIT32(reg)))
		emit_gs_store(&t->e, reg, GS_GPR(reg));
	t->saved |= (uint16_t)BIT32(reg);
	t->spilled |= (uint16_t)BIT32(reg);
}

/* How many instructions from now until the block names @reg. */
static unsigned int distance(const struct translation *t, unsigned int reg)
{
	unsigned int i = t->current;

	while (i < t->count && !((t->insns[i].regs_read | t->insns[i].regs_written) & BIT32(reg)))
		i++;
	return i - t->current;
}

unsigned int regs_scratch(struct translation *t, uint16_t avoid, bool low)
{
	unsigned int best = NO_REG, best_score = 0;

	/* RCX is the register of JRCXZ in every look-up, so it is no one's scratch. */
	avoid |= t->busy | t->held | BIT32(X86_RCX);
	if (t->rsp != NO_REG)
		avoid |= (uint16_t)BIT32(t->rsp);
	for (unsigned int reg = 0; reg < (low ? 8u : X86_NR_GPRS); reg++) {
		unsigned int score;

		if (avoid & BIT32(reg))
			continue;
		score = 1 + 2 * distance(t, reg);
		if (t->spilled & BIT32(reg))
			score += 1000;
		else if (t->saved & BIT32(reg))
			score += 1;
		if (score > best_score) {
			best = reg;
			best_score = score;
		}
	}
	if (best == NO_REG) {
		t->failed = true;
		return X86_RAX;
	}
	regs_spill(t, best);
	t->busy |= (uint16_t)BIT32(best);
	return best;
}

void regs_written(struct translation *t, uint16_t mask)
{
	mask &= (uint16_t)~RSP_BIT;
	t->spilled &= (uint16_t)~mask;
	t->saved &= (uint16_t)~mask;
}

void regs_end_insn(struct translation *t)
{
	t->busy = RSP_BIT;
}

void regs_go_home(struct translation *t)
{
	regs_flush_rsp(t);
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (REGS_AT_HOME & BIT32(reg))
			regs_spill(t, reg);
}

void regs_finish(struct translation *t)
{
	regs_go_home(t);
	t->rsp = NO_REG;
	regs_need(t, resident_gprs(t));
}
