/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes that only functions in C ask for: the repeat prefix and the segment
 * of an operand that ModRM does not name (strings, MASKMOVDQU).
 */
#ifndef EXCLAVE_ENGINE_PREFIX_H
#define EXCLAVE_ENGINE_PREFIX_H

#include "engine/insn.h"

#define PREFIX_REPNE 0xf2
#define PREFIX_REP   0xf3 /* also REPE */

/* The last F2 or F3, which is the one that counts, or 0. */
static inline uint8_t prefix_repeat(const struct insn *insn)
{
	uint8_t repeat = 0;

	for (unsigned int i = 0; i < insn->opcode_at; i++)
		if (insn->bytes[i] == PREFIX_REPNE || insn->bytes[i] == PREFIX_REP)
			repeat = insn->bytes[i];
	return repeat;
}

/* The segment that a prefix byte names (enum x86_seg), or -1. */
static inline int prefix_names_segment(uint8_t prefix, bool is_64bit)
{
	switch (prefix) {
	case 0x26:
		return is_64bit ? -1 : X86_SEG_ES;
	case 0x2e:
		return is_64bit ? -1 : X86_SEG_CS;
	case 0x36:
		return is_64bit ? -1 : X86_SEG_SS;
	case 0x3e:
		return is_64bit ? -1 : X86_SEG_DS;
	case 0x64:
		return X86_SEG_FS;
	case 0x65:
		return X86_SEG_GS;
	default:
		return -1;
	}
}

/* DS, or what the last segment prefix says. */
static inline unsigned int prefix_segment(const struct insn *insn, bool is_64bit)
{
	unsigned int end = insn->is_vex ? insn->rex_at : insn->opcode_at;
	unsigned int seg = X86_SEG_DS;

	for (unsigned int i = 0; i < end; i++) {
		int named = prefix_names_segment(insn->bytes[i], is_64bit);

		if (named >= 0)
			seg = (unsigned int)named;
	}
	return seg;
}

#endif
