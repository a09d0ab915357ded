// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System instructions that kernels execute all the time, as translated code: each
 * spares a way to C and back. The arithmetic flags, which are in the host's
 * register, are left alone; the other flags are in the vCPU, and while
 * translated code runs the arithmetic ones there are zero.
 */
#include "engine/translate.h"

#include "lib/bits.h"

#include <Zydis/Zydis.h>

#define NO_CR  0xff
#define NO_SEG 0xff

/* The control register of MOV from CR, if it is one that reads as it is stored. */
static unsigned int readable_cr(const struct insn *insn)
{
	uint8_t rex = insn->has_rex ? insn->bytes[insn->rex_at] : 0;
	unsigned int n = (insn->bytes[insn->modrm_at] >> 3 & 7) | (rex & 4 ? 8 : 0);

	if (insn->bytes[insn->opcode_at] != 0x0f || insn->bytes[insn->opcode_at + 1] != 0x20)
		return NO_CR;
	return n == 0 || (n >= 2 && n <= 4) ? n : NO_CR;
}

/* The segment register of MOV to a whole register. */
static unsigned int readable_segment(const struct insn *insn)
{
	unsigned int n = insn->bytes[insn->modrm_at] >> 3 & 7;

	if (insn->bytes[insn->opcode_at] != 0x8c || insn->operand_size == 2)
		return NO_SEG;
	return n < X86_NR_SEGS ? n : NO_SEG;
}

static bool is_kernel64(uint32_t mode)
{
	return (mode & MODE_CODE64) && (mode & MODE_CPL0);
}

static bool knows_mov(const struct insn *insn, uint32_t mode)
{
	if (insn->modrm_rm_gpr == INSN_NO_GPR || insn->modrm_rm_gpr == X86_RSP)
		return false;
	if (readable_segment(insn) != NO_SEG)
		return mode & MODE_CODE64;
	return is_kernel64(mode) && readable_cr(insn) != NO_CR;
}

bool inline_knows(const struct insn *insn, uint32_t mode)
{
	if (insn->kind != INSN_SYSTEM && insn->mnemonic != ZYDIS_MNEMONIC_PAUSE)
		return false;
	if (mode & (MODE_SINGLE | MODE_SEGMENTED))
		return false;
	if ((mode & MODE_INDEX) == ENGINE_MMU_ENCLAVE)
		return false;
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
	case ZYDIS_MNEMONIC_STI:
		return mode & MODE_CPL0;
	case ZYDIS_MNEMONIC_PUSHFQ:
		return mode & MODE_CODE64;
	case ZYDIS_MNEMONIC_RDTSC:
		return mode & MODE_TSC;
	case ZYDIS_MNEMONIC_RDTSCP:
		return mode & MODE_TSCP;
	case ZYDIS_MNEMONIC_SWAPGS:
		return is_kernel64(mode);
	case ZYDIS_MNEMONIC_PAUSE:
		/* F3 41 90 writes registers: it is XCHG. */
		return is_kernel64(mode) && !insn->regs_written;
	case ZYDIS_MNEMONIC_MOV:
		return knows_mov(insn, mode);
	default:
		return false;
	}
}

bool inline_ends_block(const struct insn *insn)
{
	return insn->mnemonic == ZYDIS_MNEMONIC_STI || insn->mnemonic == ZYDIS_MNEMONIC_PAUSE;
}

/* reg := the system flags with IF clear. */
static void load_flags_without_if(struct emitter *e, unsigned int reg)
{
	emit_gs_load(e, reg, GS(cpu.state.rflags));
	emit_pext_gs(e, reg, reg, GS(not_if_mask));
	emit_pdep_gs(e, reg, reg, GS(not_if_mask));
}

static void inline_cli(struct translation *t)
{
	unsigned int reg = regs_scratch(t, 0, false);

	load_flags_without_if(&t->e, reg);
	emit_gs_store(&t->e, reg, GS(cpu.state.rflags));
}

/* With something waiting for IF, C sets it and casts the shadow; else nobody can see one. */
static void inline_sti(struct translation *t, const struct insn *insn)
{
	uint32_t offset = t->offset[t->current];
	struct emitter *e = &t->e;
	uint8_t *slow = control_poll_byte(t, GS(irq_waits));
	uint16_t spilled = t->spilled;
	unsigned int reg = regs_scratch(t, 0, false);

	load_flags_without_if(e, reg);
	emit_lea(e, true, reg, reg, -1, 0, X86_EFLAGS_IF);
	emit_gs_store(e, reg, GS(cpu.state.rflags));
	regs_end_insn(t);
	control_fall_through(t, offset + insn->length, false);
	control_leave_for_c(t, slow, spilled, offset, insn);
}

/* SDM "PAUSE-Loop Exiting": after so many of them C is asked, which may let others run. */
static void inline_pause(struct translation *t, const struct insn *insn)
{
	uint32_t offset = t->offset[t->current];
	unsigned int count = regs_scratch(t, 0, false);
	struct emitter *e = &t->e;
	uint16_t spilled;
	uint8_t *slow;

	emit_gs_load(e, count, GS(pauses));
	emit_lea(e, true, count, count, -1, 0, 1);
	emit_gs_store(e, count, GS(pauses));
	t->busy &= (uint16_t)~BIT32(count);
	slow = control_poll_byte(t, GS(pauses) + 1);
	spilled = t->spilled;
	emit_bytes(e, "\xf3\x90", 2);
	regs_end_insn(t);
	control_fall_through(t, offset + insn->length, false);
	control_leave_for_c(t, slow, spilled, offset, insn);
}

static void inline_pushfq(struct translation *t)
{
	unsigned int value = regs_scratch(t, 0, false);
	unsigned int system = regs_scratch(t, BIT32(value), false);
	unsigned int addr;
	struct emitter *e = &t->e;

	emit8(e, 0x9c); /* pushfq, pop: on the host's stack */
	if (value >= 8)
		emit8(e, 0x41);
	emit8(e, (uint8_t)(0x58 | (value & 7)));
	emit_pext_gs(e, value, value, GS(arithmetic_mask));
	emit_pdep_gs(e, value, value, GS(arithmetic_mask));
	emit_gs_load(e, system, GS(cpu.state.rflags));
	emit_lea(e, true, value, value, (int)system, 0, 0);
	t->busy &= (uint16_t)~BIT32(system);
	addr = stack_slot(t, -8, 8, true, BIT32(value));
	access_emit(t, ACCESS_PUSH, addr, value, 8, true, BIT32(value));
	regs_set_rsp(t, addr);
}

/* SDM RDTSC, RDTSCP, with the guest's offset; RDTSCP's ECX is the guest's IA32_TSC_AUX. */
static void inline_rdtsc(struct translation *t, bool is_rdtscp)
{
	uint16_t names = BIT32(X86_RAX) | BIT32(X86_RDX) | (is_rdtscp ? BIT32(X86_RCX) : 0u);
	unsigned int reg;
	struct emitter *e = &t->e;

	regs_claim(t, names);
	regs_need(t, names);
	reg = regs_scratch(t, names, false);
	emit_bytes(e, is_rdtscp ? "\x0f\x01\xf9" : "\x0f\x31", is_rdtscp ? 3 : 2);
	emit_mov_imm(e, reg, 32);
	emit_shift(e, EMIT_SHLX, X86_RDX, X86_RDX, reg);
	emit_lea(e, true, X86_RAX, X86_RAX, X86_RDX, 0, 0);
	emit_gs_load(e, reg, GS(cpu.msr.tsc_offset));
	emit_lea(e, true, X86_RAX, X86_RAX, (int)reg, 0, 0);
	emit_rorx(e, X86_RDX, X86_RAX, 32);
	emit_truncate(e, X86_RDX, X86_RDX, 4);
	emit_truncate(e, X86_RAX, X86_RAX, 4);
	if (is_rdtscp)
		emit_gs(e, false, 0x8b, X86_RCX, GS(cpu.msr.tsc_aux));
	regs_written(t, names);
}

static void inline_swapgs(struct translation *t)
{
	unsigned int user = regs_scratch(t, 0, false);
	unsigned int kernel = regs_scratch(t, BIT32(user), false);
	struct emitter *e = &t->e;

	emit_gs_load(e, user, GS_SEG_BASE(X86_SEG_GS));
	emit_gs_load(e, kernel, GS(cpu.msr.kernel_gs_base));
	emit_gs_store(e, user, GS(cpu.msr.kernel_gs_base));
	emit_gs_store(e, kernel, GS_SEG_BASE(X86_SEG_GS));
}

static int32_t place_of_cr(unsigned int cr)
{
	switch (cr) {
	case 0:
		return GS(cpu.state.cr0);
	case 2:
		return GS(cpu.state.cr2);
	case 3:
		return GS(cpu.cr3);
	default:
		return GS(cpu.state.cr4);
	}
}

static void inline_mov(struct translation *t, const struct insn *insn)
{
	unsigned int reg = insn->modrm_rm_gpr, seg = readable_segment(insn);

	regs_claim(t, (uint16_t)BIT32(reg));
	if (seg == NO_SEG)
		emit_gs_load(&t->e, reg, place_of_cr(readable_cr(insn)));
	else
		emit_gs_movzx16(&t->e, reg, GS_SEG_SELECTOR(seg));
	regs_written(t, (uint16_t)BIT32(reg));
}

void inline_emit(struct translation *t, const struct insn *insn)
{
	switch ((int)insn->mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
		inline_cli(t);
		break;
	case ZYDIS_MNEMONIC_STI:
		inline_sti(t, insn);
		break;
	case ZYDIS_MNEMONIC_PAUSE:
		inline_pause(t, insn);
		break;
	case ZYDIS_MNEMONIC_PUSHFQ:
		inline_pushfq(t);
		break;
	case ZYDIS_MNEMONIC_RDTSC:
	case ZYDIS_MNEMONIC_RDTSCP:
		inline_rdtsc(t, insn->mnemonic == ZYDIS_MNEMONIC_RDTSCP);
		break;
	case ZYDIS_MNEMONIC_SWAPGS:
		inline_swapgs(t);
		break;
	default:
		inline_mov(t, insn);
		break;
	}
}
