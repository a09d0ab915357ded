/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One decoded guest instruction, reduced to what relocating it needs. Decoded
 * once by Zydis; emitting is by hand (emit.h), because Zydis' encoder costs
 * more than the translation around it.
 */
#ifndef EXCLAVE_ENGINE_INSN_H
#define EXCLAVE_ENGINE_INSN_H

#include "lib/bits.h"
#include "lib/x86.h"

#include <stdbool.h>
#include <stdint.h>

#define INSN_MAX_LENGTH 15

/* How the translator treats it. */
enum insn_kind {
	INSN_COPY,    /* general, vector or x87 registers, and at most one memory operand */
	INSN_PUSH,    /* register, immediate or memory */
	INSN_POP,     /* register or memory */
	INSN_JCC,     /* also JCXZ and LOOP */
	INSN_JMP,     /* direct */
	INSN_CALL,    /* direct */
	INSN_JMP_IND, /* register or memory */
	INSN_CALL_IND,
	INSN_RET,
	INSN_LEAVE,
	INSN_INLINE,  /* a system instruction that inline.c knows: the translator's choice */
	INSN_SYSTEM,  /* for C, ends the block */
	INSN_INVALID, /* #UD: nothing we offer */
};

/* Whose absence or task-switched state makes it fault. */
enum insn_unit {
	INSN_UNIT_GENERAL,
	INSN_UNIT_X87,
	INSN_UNIT_WAIT,
	INSN_UNIT_MMX,
	INSN_UNIT_SSE,
	INSN_UNIT_AVX,
};

/* A memory operand as the instruction names it. */
struct insn_mem {
	bool present;
	bool read;
	bool write;
	bool rip_relative;
	int8_t base;  /* enum x86_gpr, -1: none */
	int8_t index; /* likewise; -1 also for a vector register */
	uint8_t scale;
	uint8_t seg;          /* enum x86_seg */
	uint8_t address_size; /* bytes */
	uint32_t size;        /* bytes, 0: LEA and NOP name an address but do not access it */
	int64_t disp;
};

struct insn {
	uint8_t bytes[INSN_MAX_LENGTH];
	uint8_t length;
	enum insn_kind kind;
	enum insn_unit unit;
	uint16_t mnemonic;    /* ZydisMnemonic */
	uint8_t operand_size; /* bytes */
	uint8_t address_size; /* bytes */
	bool is_vex;
	bool has_rex;
	bool lock;
	bool no_rex;     /* names AH, CH, DH or BH, so no register may need a REX prefix */
	bool bit_string; /* BT and so on of memory by a register: it moves the address */
	bool too_long;   /* INSN_INVALID: its 16th byte is what is wrong */
	bool hint;       /* NOP and what is one on a processor without CET and MPX */

	/* Places in `bytes`, 0 when absent. */
	uint8_t rex_at; /* REX or the first byte of VEX */
	uint8_t opcode_at;
	uint8_t modrm_at;
	uint8_t sib_at;
	uint8_t disp_at;
	uint8_t disp_size;
	uint8_t imm_at;        /* the first immediate; they end the instruction */
	uint8_t modrm_reg_gpr; /* the reg field names a general register */
	uint8_t modrm_rm_gpr;
	uint8_t vvvv_gpr;
	uint8_t opcode_gpr; /* in the low bits of the opcode */

	uint16_t regs_read;    /* bit n: GPR n, address registers included */
	uint16_t regs_written; /* wholly or partly */
	int64_t imm;           /* the first immediate, sign-extended; branch: displacement */
	struct insn_mem mem;
};

#define INSN_NO_GPR 0xff

/*
 * Decodes the code at @code, of which @available bytes may be read. @code_size:
 * 2, 4 or 8, the bytes of an address in such code (mode_code_size()).
 * Return: true; false when the instruction runs beyond @available (more bytes
 * may make it whole). Undefined encodings decode as INSN_INVALID.
 */
bool insn_decode(const uint8_t *code, uint32_t available, unsigned int code_size,
		 struct insn *insn);

#endif
