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

/* Bytes of RIP outside of which a branch leaves nothing; SDM "Operand-Size Attribute". */
static unsigned int rip_size(const struct translation *t, const struct insn *insn)
{
	if (mode_is_64bit(t->mode))
		return 8;
	return insn->operand_size == 2 ? 2 : 4;
}

/* Of the next instruction, or of one that stops here. */
static unsigned int whole_rip_size(const struct translation *t)
{
	return mode_is_64bit(t->mode) ? 8 : 4;
}

/* reg := RIP of @offset in (or off) the page, @size bytes of it. */
static void load_rip(struct translation *t, unsigned int reg, int64_t offset, unsigned int size)
{
	struct emitter *e = &t->e;

	emit_gs_load(e, reg, GS(page_base));
	emit_lea(e, size == 8, reg, reg, -1, 0, (int32_t)offset);
	if (size == 2)
		emit_movzx16(e, reg, reg);
	if (offset != (int32_t)offset)
		t->failed = true;
}

/* rip := that of @offset, at the end of a block, where RCX is free. */
static void set_rip(struct translation *t, int64_t offset, unsigned int size)
{
	load_rip(t, X86_RCX, offset, size);
	emit_gs_store(&t->e, X86_RCX, GS(cpu.state.rip));
}

void control_stop(struct translation *t, uint32_t offset, enum engine_stop stop)
{
	set_rip(t, offset, whole_rip_size(t));
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

/* Where a branch leads. */
struct target {
	int64_t offset;    /* in the page */
	unsigned int size; /* of RIP */
	bool check;        /* against the limit of CS, before anything is done */
};

/* RIP wraps at 64 KiB with a 16-bit operand size: that depends on where the page lies. */
static bool may_link(const struct translation *t, const struct target *target)
{
	return t->is_linked && in_page(target->offset) && target->size != 2;
}

/* What a rel32 that is not linked yet leads to. */
static void emit_unlinked(struct translation *t, uint8_t *rel32, const struct target *target)
{
	emit_patch(&t->e, rel32, t->e.p);
	if (target->check && (t->mode & MODE_SEGMENTED)) {
		load_rip(t, X86_R8, target->offset, target->size);
		access_check_target(t, X86_R8, t->spilled);
	}
	set_rip(t, target->offset, target->size);
	if (!may_link(t, target)) {
		jump_to_stub(t, t->dispatch);
		return;
	}
	emit_gs_store_imm(&t->e, GS(stop_site), (int32_t)(rel32 - t->cache->writable));
	emit_gs_store_imm(&t->e, GS(stop), ENGINE_STOP_LINK);
	jump_to_stub(t, t->stubs->leave);
}

static void emit_goto(struct translation *t, const struct target *target)
{
	uint8_t *rel32;

	emit_align4(&t->e, 1);
	rel32 = emit_jmp(&t->e);
	emit_unlinked(t, rel32, target);
}

uint8_t *control_poll_byte(struct translation *t, int32_t disp)
{
	struct emitter *e = &t->e;

	regs_go_home(t);
	emit8(e, 0x65); /* movzx ecx, byte gs:[disp] */
	emit8(e, 0x0f);
	emit8(e, 0xb6);
	emit8(e, emit_modrm(0, X86_RCX, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
	emit8(e, 0xe3); /* jrcxz */
	emit8(e, 5);
	return emit_jmp(e);
}

/* Leaves with the state before the branch when somebody wants the processor's attention. */
static uint8_t *emit_poll(struct translation *t)
{
	struct emitter *e = &t->e;

	regs_go_home(t);
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

/* At the place where @rel32 leads, with @spilled registers out there and none here. */
static void land(struct translation *t, uint8_t *rel32, uint16_t spilled)
{
	emit_patch(&t->e, rel32, t->e.p);
	for (unsigned int reg = 0; reg < X86_NR_GPRS; reg++)
		if (reg != X86_RSP && (spilled & ~t->spilled & BIT32(reg)))
			emit_gs_load(&t->e, reg, GS_GPR(reg));
}

static void emit_kick(struct translation *t, uint8_t *rel32, uint16_t spilled, uint32_t offset)
{
	if (!rel32)
		return;
	land(t, rel32, spilled);
	control_stop(t, offset, ENGINE_STOP_KICK);
}

void control_leave_for_c(struct translation *t, uint8_t *rel32, uint16_t spilled, uint32_t offset,
			 const struct insn *insn)
{
	land(t, rel32, spilled);
	translation_stop_insn(t, insn);
	control_stop_for(t, offset, t->stop_insn);
}

/*
 * The host has no LOOP and JCXZ with 16-bit counters. Theirs is CX with the rest
 * of RCX aside in R8, which restore_counter() puts back; LOOP counts once more.
 */
static void emit_counter16(struct translation *t, uint8_t opcode)
{
	struct emitter *e = &t->e;

	emit_mov(e, X86_R8, X86_RCX);
	if (opcode != 0xe3) {
		emit_lea(e, false, X86_RCX, X86_RCX, -1, 0, -1);
		emit_mov16(e, X86_R8, X86_RCX);
	}
	emit_movzx16(e, X86_RCX, X86_RCX);
	if (opcode != 0xe3)
		emit_lea(e, false, X86_RCX, X86_RCX, -1, 0, 1);
}

/* What LOOP has counted is the vCPU's, too. */
static void restore_counter(struct translation *t, const struct insn *insn)
{
	if (insn->address_size == 2)
		emit_mov(&t->e, X86_RCX, X86_R8);
	if (insn->bytes[insn->opcode_at] != 0xe3)
		emit_gs_store(&t->e, X86_RCX, GS_GPR(X86_RCX));
}

/* JCXZ and LOOP keep their short form. The block is finished: the vCPU has RCX. */
static void emit_counted(struct translation *t, const struct insn *insn, const struct target *next,
			 struct target *target)
{
	uint8_t opcode = insn->bytes[insn->opcode_at];
	struct emitter *e = &t->e;
	uint8_t *not_taken, *taken;

	emit_gs_load(e, X86_RCX, GS_GPR(X86_RCX));
	if (insn->address_size == 2)
		emit_counter16(t, opcode);
	else if (insn->address_size == 4)
		emit8(e, 0x67);
	emit8(e, opcode);
	emit8(e, 5); /* over the jump */
	not_taken = emit_jmp(e);
	/* A target outside of CS leaves the counter as it was. */
	if (t->mode & MODE_SEGMENTED) {
		emit_mov(e, X86_R9, insn->address_size == 2 ? X86_R8 : X86_RCX);
		load_rip(t, X86_R8, target->offset, target->size);
		access_check_target(t, X86_R8, t->spilled);
		target->check = false;
		emit_mov(e, X86_RCX, X86_R9);
		if (opcode != 0xe3)
			emit_gs_store(e, X86_RCX, GS_GPR(X86_RCX));
	} else {
		restore_counter(t, insn);
	}
	emit_align4(e, 1);
	taken = emit_jmp(e);
	emit_unlinked(t, taken, target);
	emit_patch(e, not_taken, e->p);
	restore_counter(t, insn);
	emit_goto(t, next);
}

/* The opcode bits of the condition of JCC. */
static uint8_t condition_of(const struct insn *insn)
{
	uint8_t opcode = insn->bytes[insn->opcode_at];

	return (opcode == 0x0f ? insn->bytes[insn->opcode_at + 1] : opcode) & 0x0f;
}

static bool is_counted(const struct insn *insn)
{
	uint8_t opcode = insn->bytes[insn->opcode_at];

	return opcode >= 0xe0 && opcode <= 0xe3;
}

bool control_may_be_side(const struct translation *t, const struct insn *insn)
{
	return insn->kind == INSN_JCC && !is_counted(insn) && t->is_linked &&
	       mode_is_64bit(t->mode) && t->exit_count < BLOCK_MAX_EXITS;
}

void control_emit_side(struct translation *t, const struct insn *insn, enum side side)
{
	int64_t next = (int64_t)t->offset[t->current] + insn->length;
	struct side_exit *exit = &t->exits[t->exit_count++];
	struct emitter *e = &t->e;

	emit8(e, 0x0f);
	emit8(e, (uint8_t)(0x80 | (condition_of(insn) ^ (side == SIDE_NOT_TAKEN))));
	emit32(e, 0);
	*exit = (struct side_exit){
		.rel32 = e->p - 4,
		.offset = side == SIDE_TAKEN ? next + insn->imm : next,
		.spilled = t->spilled,
		.saved = t->saved,
		.rsp = t->rsp,
		.rsp_dirty = t->rsp_dirty,
	};
}

void control_emit_exits(struct translation *t)
{
	for (unsigned int i = 0; i < t->exit_count; i++) {
		const struct side_exit *exit = &t->exits[i];
		struct target target = {.offset = exit->offset, .size = whole_rip_size(t)};

		groups_start(t);
		t->spilled = exit->spilled;
		t->saved = exit->saved;
		t->rsp = exit->rsp;
		t->rsp_dirty = exit->rsp_dirty;
		emit_patch(&t->e, exit->rel32, t->e.p);
		regs_finish(t);
		emit_goto(t, &target);
	}
}

/* JCC with its condition in the opcode's low bits. */
static void emit_condition(struct translation *t, const struct insn *insn,
			   const struct target *next, struct target *target)
{
	struct emitter *e = &t->e;
	uint8_t *taken;

	if (is_counted(insn)) {
		emit_counted(t, insn, next, target);
		return;
	}
	emit_align4(e, 2);
	emit8(e, 0x0f);
	emit8(e, (uint8_t)(0x80 | condition_of(insn)));
	emit32(e, 0);
	taken = e->p - 4;
	emit_goto(t, next);
	emit_unlinked(t, taken, target);
}

/* The target of an indirect branch into `rip`. */
static void emit_target(struct translation *t, const struct insn *insn)
{
	unsigned int size = rip_size(t, insn), from, reg;

	if (insn->mem.present) {
		unsigned int addr = access_address(t, insn, insn->regs_read);

		reg = regs_scratch(t, (uint16_t)(insn->regs_read | BIT32(addr)), false);
		access_emit(t, ACCESS_LOAD, addr, reg, size, false, BIT32(reg));
		if (size == 2)
			emit_movzx16(&t->e, reg, reg);
	} else {
		from = insn->modrm_rm_gpr;
		if (from == X86_RSP)
			from = regs_rsp(t);
		else
			regs_need(t, BIT32(from));
		reg = from;
		if (size != 8) {
			reg = regs_scratch(t, (uint16_t)BIT32(from), false);
			emit_truncate(&t->e, reg, from, size);
		}
	}
	/* That of CALL comes later. */
	if (insn->kind == INSN_JMP_IND)
		access_check_target(t, reg, t->spilled);
	emit_gs_store(&t->e, reg, GS(cpu.state.rip));
	regs_end_insn(t);
}

/*
 * SDM CALL has the target checked before the return address is written; processors
 * write it first. @target: NULL when it is in `rip`.
 */
static void emit_push_return(struct translation *t, const struct insn *insn, uint32_t next,
			     const struct target *target)
{
	unsigned int size = rip_size(t, insn);
	unsigned int value = regs_scratch(t, 0, false), addr;

	load_rip(t, value, next, size);
	if (group_access(t, ACCESS_PUSH, X86_RSP, -8, value, 8, true, BIT32(value))) {
		stack_move(t, -8, NO_REG);
		regs_end_insn(t);
		return;
	}
	addr = stack_slot(t, -(int32_t)size, size, true, BIT32(value));
	access_emit(t, ACCESS_PUSH, addr, value, size, true,
		    (uint16_t)(BIT32(addr) | BIT32(value)));
	if (t->mode & MODE_SEGMENTED) {
		if (target)
			load_rip(t, value, target->offset, target->size);
		else
			emit_gs_load(&t->e, value, GS(cpu.state.rip));
		access_check_target(t, value, t->spilled);
	}
	if (mode_is_64bit(t->mode))
		regs_set_rsp(t, addr);
	else
		stack_move(t, -(int32_t)size, addr);
	regs_end_insn(t);
}

static void emit_return(struct translation *t, const struct insn *insn)
{
	unsigned int size = rip_size(t, insn);
	unsigned int value = regs_scratch(t, 0, false), addr;
	uint16_t released = insn->imm_at ? (uint16_t)insn->imm : 0;

	if (group_access(t, ACCESS_POP, X86_RSP, 0, value, 8, false, BIT32(value))) {
		emit_gs_store(&t->e, value, GS(cpu.state.rip));
		stack_move(t, 8 + released, NO_REG);
		regs_end_insn(t);
		return;
	}
	addr = stack_slot(t, 0, size, false, BIT32(value));

	access_emit(t, ACCESS_POP, addr, value, size, false,
		    (uint16_t)(BIT32(addr) | BIT32(value)));
	if (size == 2)
		emit_movzx16(&t->e, value, value);
	access_check_target(t, value, t->spilled);
	emit_gs_store(&t->e, value, GS(cpu.state.rip));
	stack_move(t, (int32_t)size + released, addr);
	regs_end_insn(t);
}

void control_emit(struct translation *t, const struct insn *insn)
{
	uint32_t offset = t->offset[t->current];
	int64_t next = (int64_t)offset + insn->length;
	struct target target = {
		.offset = next + insn->imm,
		.size = rip_size(t, insn),
		.check = insn->kind != INSN_CALL,
	};
	struct target behind = {.offset = next, .size = whole_rip_size(t)};
	uint8_t *poll = NULL;
	uint16_t spilled;

	if ((insn->kind == INSN_JCC || insn->kind == INSN_JMP) && target.offset <= offset &&
	    !(t->mode & MODE_SINGLE))
		poll = emit_poll(t);
	spilled = t->spilled;
	switch (insn->kind) {
	case INSN_JCC:
		regs_finish(t);
		emit_condition(t, insn, &behind, &target);
		break;
	case INSN_JMP:
		regs_finish(t);
		emit_goto(t, &target);
		break;
	case INSN_CALL:
		emit_push_return(t, insn, (uint32_t)next, &target);
		regs_finish(t);
		emit_goto(t, &target);
		break;
	case INSN_JMP_IND:
		emit_target(t, insn);
		regs_finish(t);
		jump_to_stub(t, t->dispatch);
		break;
	case INSN_CALL_IND:
		emit_target(t, insn);
		emit_push_return(t, insn, (uint32_t)next, NULL);
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
	case INSN_INLINE:
	case INSN_SYSTEM:
	case INSN_INVALID:
		break;
	}
	emit_kick(t, poll, spilled, offset);
}

void control_fall_through(struct translation *t, uint32_t offset, bool by_address)
{
	struct target next = {.offset = offset, .size = whole_rip_size(t)};

	regs_finish(t);
	if (!by_address && t->is_linked) {
		emit_goto(t, &next);
		return;
	}
	set_rip(t, offset, next.size);
	jump_to_stub(t, t->dispatch);
}
