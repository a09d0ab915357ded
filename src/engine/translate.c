// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/translate.h"

#include "lib/bits.h"

#include <stdlib.h>

#define PAGE_SIZE 4096u

void translation_record(struct translation *t, const uint8_t *at, const struct access *a)
{
	struct fault_record *r = &t->records[t->record_count];

	if (t->record_count == BLOCK_MAX_RECORDS) {
		t->failed = true;
		return;
	}
	t->record_count++;
	*r = (struct fault_record){
		.cache_off = (uint32_t)(at - t->e.base),
		.spilled = t->spilled,
		.rsp = t->rsp_dirty ? t->rsp : NO_REG,
	};
	if (a) {
		r->guest_off = (uint16_t)(t->offset[a->insn] - t->start);
		r->length = t->insns[a->insn].length;
		r->addend = a->addend;
		r->size = (uint8_t)a->size;
		r->hull = a->hull;
		r->disp = (uint16_t)a->disp;
		r->read = a->read;
		r->write = a->write;
		r->atomic = a->atomic;
		r->stack = a->stack;
		r->seg = a->seg;
		r->spilled = a->spilled;
		r->rsp = a->rsp_home;
	} else {
		r->guest_off = (uint16_t)(t->offset[t->current] - t->start);
		r->length = t->insns[t->current].length;
	}
}

static bool ends_block(const struct insn *insn)
{
	switch (insn->kind) {
	case INSN_COPY:
	case INSN_PUSH:
	case INSN_POP:
	case INSN_LEAVE:
		return false;
	case INSN_INLINE:
		return inline_ends_block(insn);
	case INSN_JCC:
	case INSN_JMP:
	case INSN_CALL:
	case INSN_JMP_IND:
	case INSN_CALL_IND:
	case INSN_RET:
	case INSN_SYSTEM:
	case INSN_INVALID:
		break;
	}
	return true;
}

/*
 * Where a block may go on behind a branch that is mostly not taken: not for long,
 * since what it says there may never be executed, and is said elsewhere again.
 */
#define SIDE_MAX_BRANCHES 3
#define SIDE_MAX_INSNS    32

static bool goes_on_behind(const struct translation *t, const struct insn *insn)
{
	return control_may_be_side(t, insn) && insn->imm > 0 &&
	       t->planned_exits < SIDE_MAX_BRANCHES && t->count < SIDE_MAX_INSNS;
}

/* Decodes up to the first branch, or the end of the code or of our patience. */
static uint32_t decode_block(struct translation *t, const struct code_bytes *code)
{
	unsigned int max = code->crosses || (t->mode & MODE_SINGLE) ? 1 : BLOCK_MAX_INSNS;
	uint32_t done = 0;

	while (t->count < max && done < code->length) {
		struct insn *insn = &t->insns[t->count];

		if (!insn_decode(code->bytes + done, code->length - done, mode_code_size(t->mode),
				 insn))
			break;
		if (insn->kind == INSN_INVALID && !insn->length)
			insn->length = 1;
		if (insn_is_available(insn, t->mode) && inline_knows(insn, t->mode))
			insn->kind = INSN_INLINE;
		t->side[t->count] = SIDE_NONE;
		t->offset[t->count++] = (uint16_t)(code->offset + done);
		done += insn->length;
		if (max > 1 && goes_on_behind(t, insn)) {
			t->side[t->count - 1] = SIDE_TAKEN;
			t->planned_exits++;
			continue;
		}
		if (ends_block(insn) || !insn_is_available(insn, t->mode))
			break;
	}
	return done;
}

/* Does the branch that ends the block lead to its start? */
static bool is_loop(const struct translation *t)
{
	unsigned int last = t->count - 1;
	const struct insn *insn = &t->insns[last];

	return control_may_be_side(t, insn) &&
	       t->offset[last] + insn->length + insn->imm == t->start;
}

/*
 * A short loop becomes one block of several rounds, which share what stands
 * between blocks: the look at requests, and the ways of registers.
 */
#define LOOP_MAX_INSNS  32
#define LOOP_MAX_ROUNDS 4

static void unroll(struct translation *t)
{
	unsigned int count = t->count, rounds = LOOP_MAX_INSNS / count;
	unsigned int exits = t->planned_exits + 1;

	if (!is_loop(t))
		return;
	if (rounds > LOOP_MAX_ROUNDS)
		rounds = LOOP_MAX_ROUNDS;
	while (rounds > 1 && rounds * exits > BLOCK_MAX_EXITS)
		rounds--;
	for (unsigned int round = 1; round < rounds; round++) {
		t->side[t->count - 1] = SIDE_NOT_TAKEN;
		for (unsigned int i = 0; i < count; i++) {
			t->insns[t->count] = t->insns[i];
			t->offset[t->count] = t->offset[i];
			t->side[t->count] = i == count - 1 ? SIDE_NONE : t->side[i];
			t->count++;
		}
	}
}

static bool names_rsp(const struct insn *insn)
{
	return insn->modrm_reg_gpr == X86_RSP || insn->modrm_rm_gpr == X86_RSP ||
	       insn->vvvv_gpr == X86_RSP || insn->opcode_gpr == X86_RSP;
}

/* LEA's destination: partly, with zero-extension, or whole. */
static void emit_lea_result(struct translation *t, const struct insn *insn, unsigned int addr)
{
	unsigned int dst = insn->modrm_reg_gpr;
	struct emitter *e = &t->e;

	if (dst == X86_RSP) {
		regs_flush_rsp(t);
		t->rsp = NO_REG;
		if (insn->operand_size == 2)
			emit8(e, 0x66);
		else if (insn->operand_size == 4)
			emit_lea(e, false, addr, addr, -1, 0, 0);
		emit_gs(e, insn->operand_size != 2, 0x89, addr, GS_GPR(X86_RSP));
		return;
	}
	if (insn->operand_size == 2)
		emit8(e, 0x66);
	emit8(e, emit_rex(insn->operand_size == 8, addr, 0, dst));
	emit8(e, 0x89);
	emit8(e, emit_modrm(3, addr, dst));
}

/* dst := the signed bit offset in @reg, as wide as the operand. */
static void emit_sign_extended(struct emitter *e, const struct insn *insn, unsigned int dst,
			       unsigned int reg)
{
	emit8(e, emit_rex(true, dst, 0, reg));
	if (insn->operand_size == 2)
		emit_bytes(e, "\x0f\xbf", 2);
	else
		emit8(e, insn->operand_size == 4 ? 0x63 : 0x8b);
	emit8(e, emit_modrm(3, dst, reg));
}

/*
 * SDM "Bit(BitBase, BitOffset)": with a register offset the operand is the
 * word in which the bit lies. We move the address there and leave the
 * instruction the offset within the word, in a scratch register that takes
 * RSP's way into the encoding. Return: that register.
 */
static unsigned int emit_bit_string(struct translation *t, struct insn *insn, unsigned int addr,
				    unsigned int rsp, uint16_t avoid)
{
	unsigned int offset = rsp == NO_REG ? insn->modrm_reg_gpr : rsp;
	unsigned int log2 = insn->operand_size == 8 ? 6 : insn->operand_size == 4 ? 5 : 4;
	unsigned int word = regs_scratch(t, avoid, false);
	unsigned int count = regs_scratch(t, avoid, false);
	struct emitter *e = &t->e;

	emit_sign_extended(e, insn, word, offset);
	emit_mov_imm(e, count, log2);
	emit_shift(e, EMIT_SARX, word, word, count);
	emit_lea(e, true, addr, addr, (int)word, log2 - 3, 0);
	emit_mov_imm(e, count, 64 - log2);
	emit_shift(e, EMIT_SHLX, word, offset, count);
	emit_shift(e, EMIT_SHRX, word, word, count);
	t->busy &= (uint16_t)~BIT32(count);
	if (insn->mem.address_size < 8)
		emit_truncate(e, addr, addr, insn->mem.address_size);
	insn->modrm_reg_gpr = X86_RSP;
	return word;
}

/* [reg + disp] with no segment that has a base. */
static bool has_base_only(const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;

	return mem->base >= 0 && mem->index < 0 && mem->address_size == 8 &&
	       mem->seg != X86_SEG_FS && mem->seg != X86_SEG_GS && !insn->bit_string;
}

static void emit_copy(struct translation *t, struct insn *insn)
{
	uint16_t names = insn->regs_read | insn->regs_written;
	unsigned int rsp = NO_REG, addr;

	regs_claim(t, names);
	/* RCX comes back after the look-up, which needs it. */
	regs_need(t, insn->mem.size && !insn->bit_string ? insn->regs_read & ~BIT32(X86_RCX)
							 : insn->regs_read);
	if (names_rsp(insn) && !(insn->mem.present && !insn->mem.size)) {
		rsp = insn->no_rex ? regs_rsp_low(t) : regs_rsp(t);
	}
	if (insn->mem.size && has_base_only(insn) &&
	    group_access(t, ACCESS_INSN, (unsigned int)insn->mem.base, (int32_t)insn->mem.disp, rsp,
			 insn->mem.size, insn->mem.write, names)) {
		/* It shares a look-up. */
	} else if (insn->mem.size) {
		addr = access_offset(t, insn, names);
		if (insn->bit_string)
			rsp = emit_bit_string(t, insn, addr, rsp, names);
		access_linear(t, addr, (enum x86_seg)insn->mem.seg, insn->mem.size, insn->mem.write,
			      names);
		access_emit(t, ACCESS_INSN, addr, rsp, insn->mem.size, insn->mem.write, names);
	} else if (insn->mem.present) {
		/* An address that is only named: LEA into its register, nothing for a prefetch. */
		addr = access_offset(t, insn, names);
		if (insn->regs_written)
			emit_lea_result(t, insn, addr);
	} else {
		translation_record(t, t->e.p, NULL);
		relocate_emit(t, insn, NO_REG, NO_REG, 0, rsp);
	}
	if (rsp != NO_REG && (insn->regs_written & BIT32(X86_RSP)))
		regs_set_rsp(t, rsp);
	regs_written(t, insn->regs_written);
}

/* SDM "Instruction Exceptions": is the unit that @insn needs there and switched on? */
bool insn_is_available(const struct insn *insn, uint32_t mode)
{
	switch (insn->unit) {
	case INSN_UNIT_GENERAL:
		return true;
	case INSN_UNIT_X87:
		return !(mode & MODE_X87_NM);
	case INSN_UNIT_WAIT:
		return !(mode & MODE_WAIT_NM);
	case INSN_UNIT_MMX:
		return !(mode & (MODE_MMX_UD | MODE_VEC_NM));
	case INSN_UNIT_SSE:
		return !(mode & (MODE_SSE_UD | MODE_VEC_NM));
	case INSN_UNIT_AVX:
		return !(mode & (MODE_AVX_UD | MODE_VEC_NM));
	}
	return true;
}

void translation_stop_insn(struct translation *t, const struct insn *insn)
{
	t->stop_insn = malloc(sizeof(*t->stop_insn));
	if (!t->stop_insn) {
		t->failed = true;
		return;
	}
	*t->stop_insn = *insn;
	/* What C executes is what the instruction is, not what we might have made of it. */
	if (insn->kind == INSN_INLINE)
		t->stop_insn->kind = INSN_SYSTEM;
}

/* Ends the block at the current instruction, which is a function in C, or #UD or #NM. */
static void emit_for_c(struct translation *t, const struct insn *insn)
{
	translation_stop_insn(t, insn);
	regs_finish(t);
	control_stop_for(t, t->offset[t->current], t->stop_insn);
}

static void emit_probe(struct translation *t)
{
	uint8_t *rel32 = emit_call(&t->e);

	emit_patch(&t->e, rel32, cache_to_writable(t->cache, t->stubs->probe));
	translation_record(t, t->e.p, NULL);
}

static void translate_insn(struct translation *t, struct insn *insn)
{
	if (!insn_is_available(insn, t->mode)) {
		emit_for_c(t, insn);
		return;
	}
	switch (insn->kind) {
	case INSN_COPY:
		emit_copy(t, insn);
		break;
	case INSN_PUSH:
	case INSN_POP:
	case INSN_LEAVE:
		stack_emit(t, insn);
		break;
	case INSN_JCC:
	case INSN_JMP:
	case INSN_CALL:
	case INSN_JMP_IND:
	case INSN_CALL_IND:
	case INSN_RET:
		if (t->side[t->current] != SIDE_NONE)
			control_emit_side(t, insn, (enum side)t->side[t->current]);
		else
			control_emit(t, insn);
		break;
	case INSN_INLINE:
		inline_emit(t, insn);
		break;
	case INSN_SYSTEM:
	case INSN_INVALID:
		emit_for_c(t, insn);
		break;
	}
	regs_end_insn(t);
}

static void start(struct translation *t, const struct code_bytes *code, uint32_t mode)
{
	t->mode = mode;
	t->start = code->offset;
	t->count = t->access_count = t->record_count = t->exit_count = t->planned_exits = 0;
	t->failed = false;
	t->stop_insn = NULL;
	t->is_linked = !(mode & (MODE_SINGLE | MODE_SEGMENTED)) && !t->never_link;
	if (mode & MODE_SINGLE)
		t->dispatch = t->stubs->step;
	else
		t->dispatch =
			t->is_linked ? t->stubs->dispatch[mode & MODE_INDEX] : t->stubs->lookup;
}

static bool uses_xstate(const struct translation *t)
{
	for (unsigned int i = 0; i < t->count; i++)
		if (t->insns[i].unit != INSN_UNIT_GENERAL)
			return true;
	return false;
}

/*
 * Most of a kernel's ways to C and back meet no vector or x87 instruction, so whoever has one
 * brings the extended state along. RCX is free between blocks, the flags are the guest's.
 */
static void emit_demand_xstate(struct translation *t)
{
	struct emitter *e = &t->e;
	uint8_t *rel32;

	_Static_assert(BLOCK_XSTATE_DEMAND == 9 + 2 + 5, "the three instructions below");
	emit_bytes(e, "\x65\x0f\xb6\x0c\x25", 5); /* movzx ecx, byte gs:[xstate_saved] */
	emit32(e, (uint32_t)GS(xstate_saved));
	emit_bytes(e, "\xe3\x05\xe8", 3); /* jrcxz; call */
	emit32(e, 0);
	rel32 = e->p - 4;
	emit_patch(e, rel32, cache_to_writable(t->cache, t->stubs->need_xstate));
}

uint32_t translate_block(struct translation *t, const struct code_bytes *code, uint32_t mode)
{
	static const uint8_t nop[BLOCK_ENTRY_NOP] = {0x0f, 0x1f, 0x44, 0x00, 0x00};
	const struct insn *last;
	uint32_t length;

	start(t, code, mode);
	length = decode_block(t, code);
	if (!t->count)
		return 0;
	unroll(t);
	emit_bytes(&t->e, nop, sizeof(nop));
	t->uses_xstate = uses_xstate(t);
	if (t->uses_xstate)
		emit_demand_xstate(t);
	regs_start(t);
	for (t->current = 0; t->current < t->count; t->current++) {
		if (t->has_probes && t->current)
			emit_probe(t);
		translate_insn(t, &t->insns[t->current]);
		groups_end_insn(t, &t->insns[t->current]);
	}
	/* The instruction that did not fit is a block by itself, which nothing is linked to. */
	last = &t->insns[t->count - 1];
	if ((!ends_block(last) || t->side[t->count - 1] != SIDE_NONE) &&
	    insn_is_available(last, mode))
		control_fall_through(t, code->offset + length, t->count < BLOCK_MAX_INSNS);
	control_emit_exits(t);
	access_emit_slow_paths(t);
	return length;
}
