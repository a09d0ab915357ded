// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ends of blocks. Jumps inside the page are linked: an aligned rel32 that
 * first leads to the code behind it, which leaves to C with the place of that
 * rel32, so that C can point it at the target's block. Everything else goes
 * through the dispatcher by linear address.
 */
#include "engine/translate.h"

#include "lib/bits.h"

#define PAGE_SIZE 4096

static void jump_to_stub(struct translation *t, uint8_t *stub)
{
	uint8_t *rel32 = emit_jmp(&t->e);

	emit_patch(&t->e, rel32, cache_to_writable(t->cache, stub));
}

/* rip := linear address of @offset in (or off) the page. All registers are resident. */
static void set_rip(struct translation *t, int64_t offset)
{
	struct emitter *e = &t->e;

	emit_gs_store(e, X86_RCX, GS_GPR(X86_RCX));
	emit_gs_load(e, X86_RCX, GS(page_base));
	emit_lea(e, true, X86_RCX, X86_RCX, -1, 0, (int32_t)offset);
	if (offset != (int32_t)offset)
		t->failed = true;
	emit_gs_store(e, X86_RCX, GS(cpu.state.rip));
	emit_gs_load(e, X86_RCX, GS_GPR(X86_RCX));
}

void control_stop(struct translation *t, uint32_t offset, enum engine_stop stop)
{
	set_rip(t, offset);
	emit_gs_store_imm(&t->e, GS(stop), stop);
	jump_to_stub(t, t->stubs->leave);
}

void control_stop_for(struct translation *t, uint32_t offset, const struct insn *insn)
{
	uint64_t pointer = (uint64_t)(uintptr_t)insn;

	emit_gs_store_imm32(&t->e, GS(stop_insn), (uint32_t)pointer);
	emit_gs_store_imm32(&t->e, GS(stop_insn) + 4, (uint32_t)(pointer >> 32));
	control_stop(t, offset, ENGINE_STOP_INSTRUCTION);
}

static bool in_page(int64_t offset)
{
	return offset >= 0 && offset < PAGE_SIZE;
}

/* What a rel32 that is not linked yet leads to. */
static void emit_unlinked(struct translation *t, uint8_t *rel32, int64_t target)
{
	emit_patch(&t->e, rel32, t->e.p);
	set_rip(t, target);
	if (!in_page(target) || !t->is_linked) {
		jump_to_stub(t, t->dispatch);
		return;
	}
	emit_gs_store_imm(&t->e, GS(stop_site), (int32_t)(rel32 - t->cache->writable));
	emit_gs_store_imm(&t->e, GS(stop), ENGINE_STOP_LINK);
	jump_to_stub(t, t->stubs->leave);
}

static void emit_goto(struct translation *t, int64_t target)
{
	uint8_t *rel32;

	emit_align4(&t->e, 1);
	rel32 = emit_jmp(&t->e);
	emit_unlinked(t, rel32, target);
}

/* Leaves with the state before the branch when somebody wants the processor's attention. */
static uint8_t *emit_poll(struct translation *t)
{
	struct emitter *e = &t->e;

	regs_flush_rsp(t);
	regs_spill(t, X86_RCX);
	emit8(e, 0x65); /* movzx ecx, word gs:[1] */
	emit8(e, 0x0f);
	emit8(e, 0xb7);
	emit8(e, emit_modrm(0, X86_RCX, 4));
	emit8(e, 0x25);
	emit32(e, 1);
	emit8(e, 0xe3); /* jrcxz */
	emit8(e, 5);
	return emit_jmp(e);
}

static void emit_kick(struct translation *t, uint8_t *rel32, uint16_t spilled, uint32_t offset)
{
	if (!rel32)
		return;
	emit_patch(&t->e, rel32, t->e.p);
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (reg != X86_RSP && (spilled & BIT32(reg)))
			emit_gs_load(&t->e, reg, GS_GPR(reg));
	control_stop(t, offset, ENGINE_STOP_KICK);
}

/* JCC with its condition in the opcode's low bits; JRCXZ and LOOP keep their short form. */
static void emit_condition(struct translation *t, const struct insn *insn, int64_t next,
			   int64_t target)
{
	uint8_t opcode = insn->bytes[insn->opcode_at];
	struct emitter *e = &t->e;
	uint8_t *taken;

	if (opcode >= 0xe0 && opcode <= 0xe3) {
		if (insn->address_size == 4)
			emit8(e, 0x67);
		emit8(e, opcode);
		emit8(e, 2); /* over the short jump */
		emit8(e, 0xeb);
		emit8(e, 0);
		taken = e->p;
		emit_goto(t, target);
		if (taken <= e->end)
			taken[-1] = (uint8_t)(e->p - taken);
		emit_goto(t, next);
		return;
	}
	emit_align4(e, 2);
	emit8(e, 0x0f);
	emit8(e, (uint8_t)(0x80 |
			   ((opcode == 0x0f ? insn->bytes[insn->opcode_at + 1] : opcode) & 0x0f)));
	emit32(e, 0);
	taken = e->p - 4;
	emit_goto(t, next);
	emit_unlinked(t, taken, target);
}

/* The target of an indirect branch into `rip`. */
static void emit_target(struct translation *t, const struct insn *insn)
{
	unsigned int reg;

	if (insn->mem.present) {
		unsigned int addr = access_address(t, insn, insn->regs_read);

		reg = regs_scratch(t, (uint16_t)(insn->regs_read | BIT32(addr)), false);
		access_emit(t, ACCESS_LOAD, addr, reg, 8, false, BIT32(reg));
	} else if (insn->modrm_rm_gpr == X86_RSP) {
		reg = regs_rsp(t);
	} else {
		reg = insn->modrm_rm_gpr;
		regs_need(t, BIT32(reg));
	}
	emit_gs_store(&t->e, reg, GS(cpu.state.rip));
	regs_end_insn(t);
}

static void emit_push_return(struct translation *t, uint32_t next)
{
	struct emitter *e = &t->e;
	unsigned int rsp = regs_rsp(t);
	unsigned int addr = regs_scratch(t, 0, false);
	unsigned int value = regs_scratch(t, 0, false);

	emit_lea(e, true, addr, rsp, -1, 0, -8);
	emit_gs_load(e, value, GS(page_base));
	emit_lea(e, true, value, value, -1, 0, (int32_t)next);
	access_emit(t, ACCESS_PUSH, addr, value, 8, true, (uint16_t)(BIT32(addr) | BIT32(value)));
	regs_set_rsp(t, addr);
	regs_end_insn(t);
}

static void emit_return(struct translation *t, const struct insn *insn)
{
	struct emitter *e = &t->e;
	unsigned int addr = regs_rsp(t);
	unsigned int value = regs_scratch(t, 0, false);

	access_emit(t, ACCESS_POP, addr, value, 8, false, (uint16_t)(BIT32(addr) | BIT32(value)));
	emit_gs_store(e, value, GS(cpu.state.rip));
	emit_lea(e, true, addr, addr, -1, 0, 8 + (insn->imm_at ? (int32_t)(uint16_t)insn->imm : 0));
	regs_set_rsp(t, addr);
	regs_end_insn(t);
}

void control_emit(struct translation *t, const struct insn *insn)
{
	uint32_t offset = t->offset[t->current];
	int64_t next = (int64_t)offset + insn->length;
	int64_t target = next + insn->imm;
	uint8_t *poll = NULL;
	uint16_t spilled;

	if ((insn->kind == INSN_JCC || insn->kind == INSN_JMP) && target <= offset &&
	    !(t->mode & MODE_SINGLE))
		poll = emit_poll(t);
	spilled = t->spilled;
	switch (insn->kind) {
	case INSN_JCC:
		regs_finish(t);
		emit_condition(t, insn, next, target);
		break;
	case INSN_JMP:
		regs_finish(t);
		emit_goto(t, target);
		break;
	case INSN_CALL:
		emit_push_return(t, (uint32_t)next);
		regs_finish(t);
		emit_goto(t, target);
		break;
	case INSN_JMP_IND:
		emit_target(t, insn);
		regs_finish(t);
		jump_to_stub(t, t->dispatch);
		break;
	case INSN_CALL_IND:
		emit_target(t, insn);
		emit_push_return(t, (uint32_t)next);
		regs_finish(t);
		jump_to_stub(t, t->dispatch);
		break;
	case INSN_RET:
		emit_return(t, insn);
		regs_finish(t);
		jump_to_stub(t, t->dispatch);
		break;
	case INSN_COPY:
	case INSN_PUSH:
	case INSN_POP:
	case INSN_LEAVE:
	case INSN_SYSTEM:
	case INSN_INVALID:
		break;
	}
	emit_kick(t, poll, spilled, offset);
}

void control_fall_through(struct translation *t, uint32_t offset, bool by_address)
{
	regs_finish(t);
	if (!by_address && t->is_linked) {
		emit_goto(t, offset);
		return;
	}
	set_rip(t, offset);
	jump_to_stub(t, t->dispatch);
}
