// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's instruction with other registers: [addr + addend] in the place of
 * its memory operand, a scratch register in the place of RSP. Everything else
 * stays byte for byte, so that the host CPU's semantics are the guest's.
 */
#include "engine/translate.h"

struct fields {
	bool w;
	unsigned int reg;   /* ModRM.reg with its extension */
	unsigned int rm;    /* register operand, or the register in the opcode */
	unsigned int base;  /* memory operand */
	unsigned int index; /* NO_REG: none */
	int32_t disp;
	bool memory;
};

static unsigned int index_bit(const struct fields *f)
{
	return f->index == NO_REG ? 0 : f->index;
}

static void emit_memory(struct emitter *e, unsigned int reg, const struct fields *f)
{
	emit_address(e, reg, f->base, f->index == NO_REG ? -1 : (int)f->index, 0, f->disp);
}

static bool is_rsp(uint8_t gpr, unsigned int rsp)
{
	return gpr == X86_RSP && rsp != NO_REG;
}

/* @r and @b: the extension bits as they were. */
static struct fields fields_of(const struct insn *insn, bool r, bool b, unsigned int addr,
			       unsigned int addend, int32_t disp, unsigned int rsp)
{
	uint8_t modrm = insn->modrm_at ? insn->bytes[insn->modrm_at] : 0;
	struct fields f = {
		.reg = (unsigned int)r << 3 | (modrm >> 3 & 7),
		.rm = (unsigned int)b << 3 | (modrm & 7),
		.memory = insn->mem.present,
	};

	if (is_rsp(insn->modrm_reg_gpr, rsp))
		f.reg = rsp;
	if (is_rsp(insn->modrm_rm_gpr, rsp))
		f.rm = rsp;
	if (f.memory) {
		f.base = addr;
		f.index = addend;
		f.disp = disp;
	}
	return f;
}

static void emit_operands(struct emitter *e, const struct insn *insn, const struct fields *f)
{
	if (f->memory)
		emit_memory(e, f->reg, f);
	else if (insn->modrm_at)
		emit8(e, emit_modrm(3, f->reg, f->rm));
	if (insn->imm_at)
		emit_bytes(e, insn->bytes + insn->imm_at, insn->length - insn->imm_at);
}

/* Segment and address size are ours to apply; a REX that another prefix follows is void. */
static bool is_dropped_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64:
	case 0x65:
	case 0x67:
		return true;
	default:
		return (byte & 0xf0) == 0x40;
	}
}

/* Without @repeat, REP goes too: before an XCHG with R8 it makes a PAUSE of it. */
static void emit_prefixes(struct emitter *e, const struct insn *insn, bool repeat)
{
	for (unsigned int i = 0; i < insn->opcode_at; i++) {
		uint8_t byte = insn->bytes[i];

		if (!is_dropped_prefix(byte) && (repeat || (byte != 0xf2 && byte != 0xf3)))
			emit8(e, byte);
	}
}

/* MOV between the accumulator and an absolute address has no ModRM: take its other form. */
static void emit_absolute_mov(struct emitter *e, const struct insn *insn, uint8_t rex,
			      const struct fields *f)
{
	static const uint8_t opcode[] = {0x8a, 0x8b, 0x88, 0x89};

	emit8(e, (uint8_t)(rex | emit_rex(false, 0, index_bit(f), f->base)));
	emit8(e, opcode[insn->bytes[insn->opcode_at] & 3]);
	emit_memory(e, X86_RAX, f);
}

static void emit_legacy(struct translation *t, const struct insn *insn, unsigned int addr,
			unsigned int addend, int32_t disp, unsigned int rsp)
{
	uint8_t old = insn->has_rex ? insn->bytes[insn->rex_at] : 0x40;
	struct fields f = fields_of(insn, old >> 2 & 1, old & 1, addr, addend, disp, rsp);
	uint8_t opcode_end = insn->modrm_at ? insn->modrm_at
			     : insn->imm_at ? insn->imm_at
					    : insn->length;
	struct emitter *e = &t->e;
	uint8_t rex;

	emit_prefixes(e, insn, !is_rsp(insn->opcode_gpr, rsp));
	if (f.memory && !insn->modrm_at) {
		emit_absolute_mov(e, insn, old & 0x48, &f);
		return;
	}
	if (is_rsp(insn->opcode_gpr, rsp))
		f.rm = rsp;
	else if (!insn->modrm_at)
		f.rm = (unsigned int)(old & 1) << 3;
	rex = f.memory ? emit_rex(false, f.reg, index_bit(&f), f.base)
		       : emit_rex(false, f.reg, 0, f.rm);
	rex |= old & 8;
	if (rex != 0x40 || insn->has_rex)
		emit8(e, rex);
	emit_bytes(e, insn->bytes + insn->opcode_at, opcode_end - insn->opcode_at - 1u);
	if (insn->modrm_at || !is_rsp(insn->opcode_gpr, rsp))
		emit8(e, insn->bytes[opcode_end - 1]);
	else
		emit8(e, (uint8_t)((insn->bytes[opcode_end - 1] & ~7) | (rsp & 7)));
	emit_operands(e, insn, &f);
}

/* Always the three-byte form: the two-byte one has no X and B. */
static void emit_vex(struct translation *t, const struct insn *insn, unsigned int addr,
		     unsigned int addend, int32_t disp, unsigned int rsp)
{
	const uint8_t *vex = insn->bytes + insn->rex_at;
	bool three = vex[0] == 0xc4;
	uint8_t map = three ? vex[1] & 0x1f : 1;
	uint8_t last = three ? vex[2] : vex[1] & 0x7f;
	bool r = !(vex[1] & 0x80);
	bool b = three && !(vex[1] & 0x20);
	struct fields f = fields_of(insn, r, b, addr, addend, disp, rsp);
	unsigned int x = f.memory ? index_bit(&f) >> 3 : 0;
	unsigned int base = f.memory ? f.base >> 3 : f.rm >> 3;
	struct emitter *e = &t->e;

	if (is_rsp(insn->vvvv_gpr, rsp))
		last = (uint8_t)((last & ~0x78) | (~rsp & 15) << 3);
	emit8(e, 0xc4);
	emit8(e, (uint8_t)((f.reg < 8) << 7 | !x << 6 | !base << 5 | map));
	emit8(e, last);
	emit8(e, insn->bytes[insn->opcode_at]);
	emit_operands(e, insn, &f);
}

static bool is_vzero(const struct insn *insn)
{
	return insn->is_vex && insn->bytes[insn->opcode_at] == 0x77;
}

/* VZEROUPPER and VZEROALL outside 64-bit mode: of registers 0 to 7. */
static void emit_vzero(struct emitter *e, const struct insn *insn)
{
	bool all = insn->bytes[insn->opcode_at - 1] & 4;

	for (unsigned int reg = 0; reg < 8; reg++) {
		emit8(e, 0xc5);
		if (all) { /* vpxor xmm, xmm, xmm */
			emit8(e, (uint8_t)(0x81 | (~reg & 15) << 3));
			emit8(e, 0xef);
		} else { /* vmovaps xmm, xmm */
			emit8(e, 0xf8);
			emit8(e, 0x28);
		}
		emit8(e, emit_modrm(3, reg, reg));
	}
}

void relocate_emit(struct translation *t, const struct insn *insn, unsigned int addr,
		   unsigned int addend, int32_t disp, unsigned int rsp)
{
	struct insn normal;

	if (insn->hint) {
		emit8(&t->e, 0x90); /* on this host it may be more than one */
		return;
	}
	if (!mode_is_64bit(t->mode) && is_vzero(insn)) {
		emit_vzero(&t->e, insn);
		return;
	}
	if (!mode_is_64bit(t->mode)) {
		normal = *insn;
		normalise_insn(&normal, mode_code_size(t->mode));
		insn = &normal;
	}
	if (!insn->mem.present && rsp == NO_REG)
		emit_bytes(&t->e, insn->bytes, insn->length);
	else if (insn->is_vex)
		emit_vex(t, insn, addr, addend, disp, rsp);
	else
		emit_legacy(t, insn, addr, addend, disp, rsp);
}
