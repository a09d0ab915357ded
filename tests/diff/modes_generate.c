// SPDX-License-Identifier: GPL-2.0-or-later
/* Random 16- and 32-bit code, with registers that make most of it succeed. */
#include "modes.h"

#include "draw.h"

#include "engine/insn.h"
#include "lib/bits.h"

#include <string.h>

enum {
	LDT_CODE16_FLAT,
	LDT_CODE16,
	LDT_CODE32,
	LDT_DATA,
	LDT_READ_ONLY,
	LDT_DOWN32,
	LDT_STACK16,
	LDT_DOWN16,
	LDT_GS,
};

const struct diff_segment modes_segments[DIFF_LDT_SEGMENTS] = {
	[LDT_CODE16_FLAT] = {.limit = UINT32_MAX, .contents = 2},
	[LDT_CODE16] = {.base = DIFF_CODE, .limit = DIFF_CODE_SIZE - 1, .contents = 2},
	[LDT_CODE32] = {.base = DIFF_CODE - 0x123,
			.limit = DIFF_CODE_SIZE + 0x122,
			.contents = 2,
			.is_big = true},
	[LDT_DATA] = {.base = DIFF_DATA, .limit = DIFF_DATA_SIZE - 1, .is_big = true},
	[LDT_READ_ONLY] = {.base = DIFF_DATA + 0x1000, .limit = 0x1fff, .is_read_only = true},
	[LDT_DOWN32] = {.base = DIFF_DATA - 0x1000, .limit = 0xfff, .contents = 1, .is_big = true},
	[LDT_STACK16] = {.base = DIFF_DATA, .limit = DIFF_DATA_SIZE - 1},
	[LDT_DOWN16] = {.base = DIFF_DATA - 0xc000, .limit = 0xbfff, .contents = 1},
	[LDT_GS] = {.base = DIFF_DATA + 0x800, .limit = 0x7ff, .is_big = true},
};

static const struct config configs[] = {
	{"flat32", DIFF_FLAT_CODE32, DIFF_FLAT_DATA, DIFF_FLAT_DATA, DIFF_FLAT_DATA, 4},
	{"flat16", DIFF_LDT(LDT_CODE16_FLAT), DIFF_FLAT_DATA, DIFF_FLAT_DATA, DIFF_FLAT_DATA, 2},
	{"seg16", DIFF_LDT(LDT_CODE16), DIFF_LDT(LDT_STACK16), DIFF_LDT(LDT_DATA),
	 DIFF_LDT(LDT_READ_ONLY), 2},
	{"down16", DIFF_LDT(LDT_CODE16), DIFF_LDT(LDT_DOWN16), DIFF_LDT(LDT_DOWN32), 0, 2},
	{"seg32", DIFF_LDT(LDT_CODE32), DIFF_LDT(LDT_DOWN32), DIFF_LDT(LDT_DATA),
	 DIFF_LDT(LDT_READ_ONLY), 4},
	{"stack16", DIFF_FLAT_CODE32, DIFF_LDT(LDT_STACK16), DIFF_FLAT_DATA, DIFF_FLAT_DATA, 4},
	{"stack32", DIFF_LDT(LDT_CODE16), DIFF_LDT(LDT_DATA), DIFF_LDT(LDT_DATA),
	 DIFF_LDT(LDT_DATA), 2},
};

/* The offsets in the segment of selector @sel that lead to data. */
static void good_range(uint16_t sel, uint32_t *first, uint32_t *size)
{
	const struct diff_segment *seg = &modes_segments[sel >> 3 & (DIFF_LDT_SEGMENTS - 1)];

	*first = DIFF_DATA;
	*size = DIFF_DATA_SIZE;
	if (sel == DIFF_FLAT_DATA || sel == 0 || seg->contents == 2 || sel == DIFF_FLAT_CODE32)
		return;
	*first = seg->contents == 1 ? seg->limit + 1 : 0;
	*size = seg->contents == 1 ? DIFF_DATA_SIZE : seg->limit + 1;
}

static uint32_t base_of(uint16_t sel)
{
	if (sel == DIFF_FLAT_DATA || sel == DIFF_FLAT_CODE32 || sel == 0)
		return 0;
	return modes_segments[sel >> 3 & (DIFF_LDT_SEGMENTS - 1)].base;
}

/* An offset that is good but for now and then, and at the borders now and then. */
static uint32_t good_offset(uint16_t sel)
{
	uint32_t first, size, r = draw_below(16);

	good_range(sel, &first, &size);
	if (r == 0)
		return first + draw_below(8) - 4;
	if (r == 1)
		return first + size + draw_below(8) - 4;
	if (r == 2)
		return (uint32_t)draw_value(32);
	first += 64 + draw_below(size - 192);
	return r % 2 ? first : align_down(first, 64);
}

static void random_state(struct diff_state *in)
{
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		in->gpr[i] = draw_value(32);
	in->gpr[X86_RSP] = good_offset(diff.config->ss);
	if (draw_below(2))
		in->gpr[X86_RSP] &= ~UINT64_C(3);
	if (!modes_segments[diff.config->ss >> 3 & 15].is_big && diff.config->ss != DIFF_FLAT_DATA)
		in->gpr[X86_RSP] |= draw() << 16;
	in->gpr[X86_RBP] = (draw() << 32) | good_offset(diff.config->ss);
	in->flags = (draw() & ARITHMETIC) | 0x202;
	draw_xstate(in);
}

static uint16_t selector_of(unsigned int seg)
{
	const struct config *c = diff.config;

	switch (seg) {
	case X86_SEG_ES:
		return c->es;
	case X86_SEG_CS:
		return c->cs;
	case X86_SEG_SS:
		return c->ss;
	case X86_SEG_GS:
		return DIFF_LDT(LDT_GS);
	default:
		return c->ds;
	}
}

static void set_low(uint64_t *gpr, uint32_t value, unsigned int size)
{
	if (size == 2)
		*gpr = (*gpr & ~UINT64_C(0xffff)) | (uint16_t)value;
	else
		*gpr = (*gpr & ~UINT64_C(0xffffffff)) | value;
}

/* Makes the memory operand point to @offset. Return: false when it cannot. */
static bool aim(struct diff_state *in, uint8_t *bytes, const struct insn *insn, uint32_t offset)
{
	const struct insn_mem *mem = &insn->mem;
	uint32_t rest = offset - (uint32_t)mem->disp;

	if (mem->base < 0 && mem->index < 0) {
		memcpy(bytes + insn->disp_at, &offset, insn->disp_size);
		return insn->disp_size > 1;
	}
	if (mem->base < 0) {
		set_low(&in->gpr[mem->index], rest / mem->scale, mem->address_size);
		return true;
	}
	if (mem->index == mem->base)
		return false;
	if (mem->index >= 0) {
		in->gpr[mem->index] = draw_below(256);
		rest -= (uint32_t)in->gpr[mem->index] * mem->scale;
	}
	set_low(&in->gpr[mem->base], rest, mem->address_size);
	return true;
}

/* Puts @value where a good access through @sel at @offset finds it. */
static void poke(uint16_t sel, uint32_t offset, uint32_t value)
{
	uint32_t place = base_of(sel) + offset - (uint32_t)DIFF_DATA;

	if (place <= DIFF_DATA_SIZE - sizeof(value))
		memcpy(diff.shared->data + place, &value, sizeof(value));
}

/* Not where the branch itself lies: it would not end. */
static uint32_t some_rip(void)
{
	uint32_t page = (uint32_t)DIFF_CODE - base_of(diff.config->cs);

	if (draw_below(8))
		return page + (diff.offset + 32 + draw_below(DIFF_CODE_SIZE - 64)) % DIFF_CODE_SIZE;
	return page + (draw_below(2) ? DIFF_CODE_SIZE + draw_below(4096) : -draw_below(4096));
}

static bool leads_to_itself(const struct insn *insn)
{
	return (insn->kind == INSN_JCC || insn->kind == INSN_JMP || insn->kind == INSN_CALL) &&
	       insn->imm < 0 && insn->imm >= -(int64_t)insn->length;
}

static void prepare_branch(struct diff_state *in, uint8_t *bytes, const struct insn *insn,
			   uint32_t offset)
{
	uint32_t rip = some_rip();

	if (insn->kind == INSN_RET) {
		poke(diff.config->ss, (uint32_t)in->gpr[X86_RSP], rip);
		poke(diff.config->ss, (uint16_t)in->gpr[X86_RSP], rip);
	} else if (insn->kind != INSN_JCC && insn->kind != INSN_JMP && insn->kind != INSN_CALL &&
		   insn->kind != INSN_JMP_IND && insn->kind != INSN_CALL_IND) {
		return;
	} else if (insn->mem.present) {
		poke(selector_of(insn->mem.seg), offset, rip);
	} else if (insn->kind == INSN_JMP_IND || insn->kind == INSN_CALL_IND) {
		if (insn->modrm_rm_gpr != X86_RSP)
			set_low(&in->gpr[insn->modrm_rm_gpr], rip, 4);
	} else if (insn->length - insn->imm_at > 1 && draw_below(8)) {
		int32_t near = (int32_t)draw_below(2048) - 1024;

		memcpy(bytes + insn->imm_at, &near, insn->length - insn->imm_at);
	}
	if ((insn->kind == INSN_JCC) && draw_below(2))
		set_low(&in->gpr[X86_RCX], draw_below(3), draw_below(2) ? 2 : 4);
}

static unsigned int random_prefixes(uint8_t *bytes)
{
	static const uint8_t prefixes[] = {0x66, 0x66, 0x67, 0x67, 0xf2, 0xf3,
					   0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x65};
	unsigned int n = 0;

	while (n < 4 && draw_below(2))
		bytes[n++] = prefixes[draw_below(sizeof(prefixes))];
	return n;
}

static void random_bytes(uint8_t bytes[32])
{
	unsigned int n;

	for (unsigned int i = 0; i < 32; i++)
		bytes[i] = (uint8_t)draw();
	n = random_prefixes(bytes);
	switch (draw_below(12)) {
	case 0:
	case 1:
		bytes[n] = 0x0f;
		break;
	case 2:
		bytes[n++] = 0x0f;
		bytes[n] = draw_below(2) ? 0x38 : 0x3a;
		break;
	case 3:
		bytes[n++] = 0xc4;
		bytes[n] = (uint8_t)(0xc0 | (bytes[n] & 0x20) | (1 + draw_below(3)));
		break;
	case 4:
		bytes[n++] = 0xc5;
		bytes[n] |= 0xc0;
		break;
	case 5:
		bytes[n] = (uint8_t)(0x40 | (bytes[n] & 0x1f)); /* INC, DEC, PUSH, POP */
		break;
	case 6:
		bytes[n] = (uint8_t)(0xe0 | (bytes[n] & 0x0b)); /* LOOP, JCXZ, CALL, JMP */
		break;
	case 7: {
		static const uint8_t stack[] = {0xc2, 0xc3, 0xc9, 0x8f, 0xff, 0x68, 0x6a, 0xa0,
						0xa1, 0xa2, 0xa3, 0x82, 0x8d, 0x90, 0xc9, 0xff};

		bytes[n] = stack[draw_below(sizeof(stack))];
		break;
	}
	default:
		break;
	}
}

static bool is_tested(const struct insn *insn)
{
	/* The host's FS is the child's own; REP on the rest is the string test's. */
	return insn->kind != INSN_SYSTEM && insn->kind != INSN_INVALID &&
	       !(insn->mem.present && insn->mem.seg == X86_SEG_FS);
}

static bool generate_one(struct diff_state *in, uint8_t *bytes, struct insn *insn)
{
	uint32_t offset;

	random_bytes(bytes);
	if (!insn_decode(bytes, INSN_MAX_LENGTH, diff.config->code_size, insn) || !is_tested(insn))
		return false;
	random_state(in);
	offset = good_offset(selector_of(insn->mem.seg));
	if (insn->mem.present && insn->mem.size && !aim(in, bytes, insn, offset))
		return false;
	if (insn->bit_string && draw_below(4))
		set_low(&in->gpr[insn->modrm_reg_gpr], draw_below(1024) - 512, 4);
	prepare_branch(in, bytes, insn, offset);
	return insn_decode(bytes, INSN_MAX_LENGTH, diff.config->code_size, insn) &&
	       is_tested(insn) && !leads_to_itself(insn);
}

static void generate_single(struct diff_state *in)
{
	uint8_t bytes[32];
	struct insn insn;

	while (!generate_one(in, bytes, &insn))
		;
	memcpy(diff.shared->code + diff.offset, bytes, insn.length);
	diff.length = insn.length;
	diff.is_vector = insn.mem.size >= 16;
	coverage_compared(&diff.coverage, &insn);
}

/* Registers that a sequence must keep: the data pointer and the stack. */
#define KEPT_REGS (BIT32(X86_RBX) | BIT32(X86_RSP))

static bool fits_sequence(const struct insn *insn)
{
	const struct insn_mem *mem = &insn->mem;

	if (insn->kind != INSN_COPY && insn->kind != INSN_PUSH && insn->kind != INSN_POP)
		return false;
	if (insn->kind == INSN_COPY && (insn->regs_written & KEPT_REGS))
		return false;
	if (insn->kind == INSN_POP && (insn->regs_written & BIT32(X86_RBX)))
		return false;
	if (insn->kind == INSN_POP &&
	    (insn->opcode_gpr == X86_RSP || insn->modrm_rm_gpr == X86_RSP))
		return false;
	if (!mem->present || !mem->size)
		return true;
	return mem->base == X86_RBX && mem->index < 0 && mem->seg == X86_SEG_DS &&
	       !insn->bit_string && mem->disp > -1024 && mem->disp < 1024;
}

static unsigned int random_insn(uint8_t *bytes)
{
	struct insn insn;

	do {
		random_bytes(bytes);
		/* Favour [bx + disp8] and [ebx + disp8]. */
		if (draw_below(2))
			bytes[1] = (uint8_t)(0x40 | (bytes[1] & 0x38) |
					     (diff.config->code_size == 2 ? 7 : 3));
	} while (!insn_decode(bytes, INSN_MAX_LENGTH, diff.config->code_size, &insn) ||
		 !fits_sequence(&insn));
	return insn.length;
}

static void generate_sequence(struct diff_state *in)
{
	uint8_t *p = diff.shared->code + diff.offset;
	unsigned int count = 2 + draw_below(12);
	uint32_t first, size;

	random_state(in);
	good_range(diff.config->ds, &first, &size);
	set_low(&in->gpr[X86_RBX], first + size / 2 + draw_below(1024), 4);
	good_range(diff.config->ss, &first, &size);
	set_low(&in->gpr[X86_RSP], first + size / 2 + draw_below(1024) * 2, 2);
	if (modes_segments[diff.config->ss >> 3 & 15].is_big || diff.config->ss == DIFF_FLAT_DATA)
		set_low(&in->gpr[X86_RSP], first + size / 2 + draw_below(1024) * 2, 4);
	for (unsigned int i = 0; i < count; i++) {
		uint8_t bytes[32];
		unsigned int len = random_insn(bytes);

		switch (draw_below(8)) {
		case 0:
			*p++ = (uint8_t)(0x70 | draw_below(16));
			*p++ = (uint8_t)len;
			break;
		case 1: /* CALL over it */
			*p++ = 0xe8;
			memcpy(p, &(uint32_t){len}, diff.config->code_size);
			p += diff.config->code_size;
			break;
		case 2:
			*p++ = (uint8_t)(0xe0 | draw_below(4)); /* LOOP, JCXZ */
			*p++ = (uint8_t)len;
			break;
		default:
			break;
		}
		memcpy(p, bytes, len);
		p += len;
	}
	diff.length = (unsigned int)(p - (diff.shared->code + diff.offset));
}

static void set_segments(struct diff_state *in)
{
	const struct config *c = diff.config;

	in->seg[X86_SEG_CS] = c->cs;
	in->seg[X86_SEG_SS] = c->ss;
	in->seg[X86_SEG_DS] = c->ds;
	in->seg[X86_SEG_ES] = c->es;
	in->seg[X86_SEG_FS] = 0;
	in->seg[X86_SEG_GS] = DIFF_LDT(LDT_GS);
	in->rip = (uint32_t)DIFF_CODE - base_of(c->cs) + diff.offset;
}

void generate(bool is_sequence)
{
	struct diff_shared *s = diff.shared;

	diff.config = &configs[draw_below(ARRAY_SIZE(configs))];
	/* INT3 everywhere: whatever the instruction leads to ends there. */
	diff.is_vector = true;
	memset(s->code, 0xcc, DIFF_CODE_SIZE);
	diff.offset = 0x200 + draw_below(0xb00);
	for (unsigned int i = 0; i < DIFF_DATA_SIZE; i += 8) {
		uint64_t value = draw();

		memcpy(s->data + i, &value, 8);
	}
	if (is_sequence)
		generate_sequence(&s->in);
	else
		generate_single(&s->in);
	set_segments(&s->in);
}
