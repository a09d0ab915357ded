// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of 16- and 32-bit code in the encoding that does the same in
 * 64-bit code, where the default operand size is 32 bits and 40h to 4Fh are
 * prefixes. Addresses are not its business: whatever the instruction says of
 * them (67h, segments, ModRM.rm) goes when the relocator puts in a host pointer.
 */
#include "engine/translate.h"

#include <string.h>

struct prefixes {
	bool operand_size;
	bool lock;
	uint8_t repeat; /* F2h or F3h, the last one; 0: none */
};

static struct prefixes prefixes_of(const struct insn *insn)
{
	struct prefixes p = {0};

	for (unsigned int i = 0; i < insn->opcode_at; i++) {
		uint8_t byte = insn->bytes[i];

		p.operand_size |= byte == 0x66;
		p.lock |= byte == 0xf0;
		if (byte == 0xf2 || byte == 0xf3)
			p.repeat = byte;
	}
	return p;
}

/*
 * Does 66h choose the operand size? Where it selects another instruction (SSE and
 * its kin) it must stay as it is. Where it does nothing, adding it is harmless.
 */
static bool is_sized(const uint8_t *opcode)
{
	if (opcode[0] != 0x0f)
		return true;
	switch (opcode[1]) {
	case 0x38: /* MOVBE, CRC32 */
		return opcode[2] == 0xf0 || opcode[2] == 0xf1;
	case 0xae: /* fences, LDMXCSR, CLFLUSH */
		return false;
	case 0xc0: /* XADD */
	case 0xc1:
		return true;
	default:
		break;
	}
	switch (opcode[1] >> 3) {
	case 0x40 >> 3: /* CMOVcc */
	case 0x48 >> 3:
	case 0xa0 >> 3: /* BT, SHLD, IMUL, CMPXCHG, MOVZX, BSF ... */
	case 0xa8 >> 3:
	case 0xb0 >> 3:
	case 0xb8 >> 3:
	case 0xc8 >> 3: /* BSWAP */
		return true;
	default:
		return false;
	}
}

static void move_place(uint8_t *place, int by)
{
	if (*place)
		*place = (uint8_t)(*place + by);
}

/* Puts @count bytes of prefixes before what begins at @rest of the instruction. */
static void replace_prefixes(struct insn *insn, const uint8_t *prefixes, unsigned int count,
			     unsigned int rest)
{
	int by = (int)count - (int)rest;

	memmove(insn->bytes + count, insn->bytes + rest, insn->length - rest);
	memcpy(insn->bytes, prefixes, count);
	insn->length = (uint8_t)(insn->length + by);
	insn->opcode_at = (uint8_t)(insn->opcode_at + by);
	move_place(&insn->modrm_at, by);
	move_place(&insn->sib_at, by);
	move_place(&insn->disp_at, by);
	move_place(&insn->imm_at, by);
}

/* INC and DEC of a register, 40h to 4Fh, take their form with ModRM; 82h is 80h. */
static void replace_opcode(struct insn *insn)
{
	uint8_t *opcode = insn->bytes + insn->opcode_at;

	if (opcode[0] == 0x82)
		opcode[0] = 0x80;
	if ((opcode[0] & 0xf0) != 0x40)
		return;
	opcode[1] = emit_modrm(3, opcode[0] >> 3 & 1, opcode[0]);
	opcode[0] = 0xff;
	insn->modrm_at = (uint8_t)(insn->opcode_at + 1);
	insn->length++;
	insn->modrm_rm_gpr = insn->opcode_gpr;
	insn->opcode_gpr = INSN_NO_GPR;
}

static void normalise_legacy(struct insn *insn, unsigned int code_size)
{
	struct prefixes p = prefixes_of(insn);
	uint8_t bytes[3];
	unsigned int count = 0;

	if (code_size == 2 && is_sized(insn->bytes + insn->opcode_at))
		p.operand_size = !p.operand_size;
	if (p.operand_size)
		bytes[count++] = 0x66;
	if (p.lock)
		bytes[count++] = 0xf0;
	if (p.repeat)
		bytes[count++] = p.repeat;
	replace_prefixes(insn, bytes, count, insn->opcode_at);
	replace_opcode(insn);
}

/* In 64-bit code VEX.W would make their general register or memory operand 64 bits wide. */
static bool has_wide_form(uint8_t map, uint8_t opcode)
{
	switch (map) {
	case 1: /* VCVTSI2SS and back, VMOVD */
		return opcode == 0x2a || opcode == 0x2c || opcode == 0x2d || opcode == 0x6e ||
		       opcode == 0x7e;
	case 2: /* BMI1, BMI2 */
		return opcode >= 0xf2 && opcode <= 0xf7;
	default: /* RORX, VPEXTRD, VPINSRD */
		return opcode == 0xf0 || opcode == 0x16 || opcode == 0x22;
	}
}

/* SDM "Operand Encoding in a VEX-encoded Instruction": bits that only 64-bit code looks at. */
static void normalise_vex(struct insn *insn)
{
	uint8_t *vex = insn->bytes;
	uint8_t map, opcode;

	replace_prefixes(insn, vex, 0, insn->rex_at);
	insn->rex_at = 0;
	if (vex[0] != 0xc4)
		return;
	map = vex[1] & 0x1f;
	opcode = vex[3];
	vex[1] |= 0xe0;
	vex[2] |= 0x40;
	if (has_wide_form(map, opcode))
		vex[2] &= 0x7f;
	/* VBLENDVPS, VBLENDVPD, VPBLENDVB: a register in the immediate. */
	if (map == 3 && opcode >= 0x4a && opcode <= 0x4c)
		vex[insn->imm_at] &= 0x7f;
}

void normalise_insn(struct insn *insn, unsigned int code_size)
{
	if (insn->is_vex)
		normalise_vex(insn);
	else
		normalise_legacy(insn, code_size);
}
