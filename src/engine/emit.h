/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing host instructions. Only what the translator needs, and nothing that
 * touches the arithmetic flags: those are the guest's.
 *
 * An emitter that runs out of room keeps counting and writes nothing more;
 * emit_overflowed() tells at the end.
 */
#ifndef EXCLAVE_ENGINE_EMIT_H
#define EXCLAVE_ENGINE_EMIT_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct emitter {
	uint8_t *base; /* writable address */
	uint8_t *p;
	uint8_t *end;
};

static inline bool emit_overflowed(const struct emitter *e)
{
	return e->p > e->end;
}

static inline void emit8(struct emitter *e, uint8_t byte)
{
	if (e->p < e->end)
		*e->p = byte;
	e->p++;
}

static inline void emit_bytes(struct emitter *e, const void *bytes, uint32_t len)
{
	const uint8_t *b = bytes;

	for (uint32_t i = 0; i < len; i++)
		emit8(e, b[i]);
}

static inline void emit32(struct emitter *e, uint32_t value)
{
	emit_bytes(e, &value, sizeof(value));
}

static inline uint8_t emit_rex(bool w, unsigned int reg, unsigned int index, unsigned int base)
{
	return (uint8_t)((w ? 0x48 : 0x40) | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3);
}

static inline uint8_t emit_modrm(unsigned int mod, unsigned int reg, unsigned int rm)
{
	return (uint8_t)(mod << 6 | (reg & 7) << 3 | (rm & 7));
}

/* opcode reg, gs:[disp32] */
static inline void emit_gs(struct emitter *e, bool w, uint8_t opcode, unsigned int reg,
			   int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, emit_rex(w, reg, 0, 0));
	emit8(e, opcode);
	emit8(e, emit_modrm(0, reg, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
}

static inline void emit_gs_load(struct emitter *e, unsigned int reg, int32_t disp)
{
	emit_gs(e, true, 0x8b, reg, disp);
}

static inline void emit_gs_store(struct emitter *e, unsigned int reg, int32_t disp)
{
	emit_gs(e, true, 0x89, reg, disp);
}

/* movzx reg, word gs:[disp32] */
static inline void emit_gs_movzx16(struct emitter *e, unsigned int reg, int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, emit_rex(false, reg, 0, 0));
	emit_bytes(e, "\x0f\xb7", 2);
	emit8(e, emit_modrm(0, reg, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
}

/* mov reg, gs:[index * 8 + disp32] */
static inline void emit_gs_load_indexed(struct emitter *e, unsigned int reg, unsigned int index,
					int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, emit_rex(true, reg, index, 0));
	emit8(e, 0x8b);
	emit8(e, emit_modrm(0, reg, 4));
	emit8(e, (uint8_t)(3 << 6 | (index & 7) << 3 | 5));
	emit32(e, (uint32_t)disp);
}

/* jmp gs:[index * 8 + disp32] */
static inline void emit_gs_jmp_indexed(struct emitter *e, unsigned int index, int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, emit_rex(false, 0, index, 0));
	emit8(e, 0xff);
	emit8(e, emit_modrm(0, 4, 4));
	emit8(e, (uint8_t)(3 << 6 | (index & 7) << 3 | 5));
	emit32(e, (uint32_t)disp);
}

/* mov qword gs:[disp32], sign-extended imm32 */
static inline void emit_gs_store_imm(struct emitter *e, int32_t disp, int32_t imm)
{
	emit_gs(e, true, 0xc7, 0, disp);
	emit32(e, (uint32_t)imm);
}

/* mov dword gs:[disp32], imm32 */
static inline void emit_gs_store_imm32(struct emitter *e, int32_t disp, uint32_t imm)
{
	emit_gs(e, false, 0xc7, 0, disp);
	emit32(e, imm);
}

static inline void emit_mov(struct emitter *e, unsigned int dst, unsigned int src)
{
	emit8(e, emit_rex(true, src, 0, dst));
	emit8(e, 0x89);
	emit8(e, emit_modrm(3, src, dst));
}

/* dst := the low @size bytes (2, 4 or 8) of src, zero-extended */
static inline void emit_truncate(struct emitter *e, unsigned int dst, unsigned int src,
				 unsigned int size)
{
	emit8(e, emit_rex(size == 8, dst, 0, src));
	if (size == 2)
		emit_bytes(e, "\x0f\xb7", 2);
	else
		emit8(e, 0x8b);
	emit8(e, emit_modrm(3, dst, src));
}

/* The low 16 bits of dst := those of src */
static inline void emit_mov16(struct emitter *e, unsigned int dst, unsigned int src)
{
	emit8(e, 0x66);
	emit8(e, emit_rex(false, src, 0, dst));
	emit8(e, 0x89);
	emit8(e, emit_modrm(3, src, dst));
}

/* The ModRM, SIB and displacement of [base + index * scale + disp]; index < 0: none. */
static inline void emit_address(struct emitter *e, unsigned int reg, unsigned int base, int index,
				unsigned int scale_log2, int32_t disp)
{
	bool small = disp >= -128 && disp <= 127;

	emit8(e, emit_modrm(small ? 1 : 2, reg, 4));
	emit8(e, (uint8_t)(scale_log2 << 6 | ((index < 0 ? 4 : index) & 7) << 3 | (base & 7)));
	if (small)
		emit8(e, (uint8_t)disp);
	else
		emit32(e, (uint32_t)disp);
}

/* lea dst, [base + index * scale + disp]; @w: 64 bits, else 32 with zero-extension */
static inline void emit_lea(struct emitter *e, bool w, unsigned int dst, unsigned int base,
			    int index, unsigned int scale_log2, int32_t disp)
{
	emit8(e, emit_rex(w, dst, index < 0 ? 0 : (unsigned int)index, base));
	emit8(e, 0x8d);
	emit_address(e, dst, base, index, scale_log2, disp);
}

/* lea dst, [index * scale + disp] without a base */
static inline void emit_lea_no_base(struct emitter *e, bool w, unsigned int dst, int index,
				    unsigned int scale_log2, int32_t disp)
{
	emit8(e, emit_rex(w, dst, index < 0 ? 0 : (unsigned int)index, 0));
	emit8(e, 0x8d);
	emit8(e, emit_modrm(0, dst, 4));
	emit8(e, (uint8_t)(scale_log2 << 6 | ((index < 0 ? 4 : index) & 7) << 3 | 5));
	emit32(e, (uint32_t)disp);
}

/* opcode reg, [base + index] with 64-bit operand size: 8b loads, 89 stores */
static inline void emit_mem(struct emitter *e, uint8_t opcode, unsigned int reg, unsigned int base,
			    unsigned int index)
{
	emit8(e, emit_rex(true, reg, index, base));
	emit8(e, opcode);
	emit_address(e, reg, base, (int)index, 0, 0);
}

/* rorx dst, src, count */
static inline void emit_rorx(struct emitter *e, unsigned int dst, unsigned int src, uint8_t count)
{
	emit8(e, 0xc4);
	emit8(e, (uint8_t)((dst < 8) << 7 | 1 << 6 | (src < 8) << 5 | 3));
	emit8(e, 0xfb);
	emit8(e, 0xf0);
	emit8(e, emit_modrm(3, dst, src));
	emit8(e, count);
}

/* movzx dst, 16 bits of src */
static inline void emit_movzx16(struct emitter *e, unsigned int dst, unsigned int src)
{
	emit8(e, emit_rex(false, dst, 0, src));
	emit8(e, 0x0f);
	emit8(e, 0xb7);
	emit8(e, emit_modrm(3, dst, src));
}

/* pext dst, src, gs:[disp32] */
static inline void emit_pext_gs(struct emitter *e, unsigned int dst, unsigned int src, int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, 0xc4);
	emit8(e, (uint8_t)((dst < 8) << 7 | 1 << 6 | 1 << 5 | 2));
	emit8(e, (uint8_t)(1 << 7 | (~src & 15) << 3 | 2));
	emit8(e, 0xf5);
	emit8(e, emit_modrm(0, dst, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
}

/* pdep dst, src, gs:[disp32] */
static inline void emit_pdep_gs(struct emitter *e, unsigned int dst, unsigned int src, int32_t disp)
{
	emit8(e, 0x65);
	emit8(e, 0xc4);
	emit8(e, (uint8_t)((dst < 8) << 7 | 1 << 6 | 1 << 5 | 2));
	emit8(e, (uint8_t)(1 << 7 | (~src & 15) << 3 | 3));
	emit8(e, 0xf5);
	emit8(e, emit_modrm(0, dst, 4));
	emit8(e, 0x25);
	emit32(e, (uint32_t)disp);
}

/* Shifts of 64 bits by the count in a register, which leave the flags alone. */
enum emit_shift {
	EMIT_SHLX = 1,
	EMIT_SARX = 2,
	EMIT_SHRX = 3,
};

static inline void emit_shift(struct emitter *e, enum emit_shift op, unsigned int dst,
			      unsigned int src, unsigned int count)
{
	emit8(e, 0xc4);
	emit8(e, (uint8_t)((dst < 8) << 7 | 1 << 6 | (src < 8) << 5 | 2));
	emit8(e, (uint8_t)(1 << 7 | (~count & 15) << 3 | op));
	emit8(e, 0xf7);
	emit8(e, emit_modrm(3, dst, src));
}

/* mov reg, imm32, zero-extended */
static inline void emit_mov_imm(struct emitter *e, unsigned int reg, uint32_t imm)
{
	emit8(e, emit_rex(false, 0, 0, reg));
	emit8(e, (uint8_t)(0xb8 | (reg & 7)));
	emit32(e, imm);
}

/* A rel32 whose target is not known yet; Return: its place, for emit_patch(). */
static inline uint8_t *emit_jmp(struct emitter *e)
{
	emit8(e, 0xe9);
	emit32(e, 0);
	return e->p - 4;
}

static inline uint8_t *emit_call(struct emitter *e)
{
	emit8(e, 0xe8);
	emit32(e, 0);
	return e->p - 4;
}

static inline void emit_patch(const struct emitter *e, uint8_t *rel32, const uint8_t *target)
{
	int32_t rel = (int32_t)(target - (rel32 + 4));

	if (rel32 + 4 <= e->end)
		memcpy(rel32, &rel, sizeof(rel));
}

/* NOPs up to a place where p + @ahead is a multiple of 4. */
static inline void emit_align4(struct emitter *e, unsigned int ahead)
{
	while (((uintptr_t)e->p + ahead) % 4)
		emit8(e, 0x90);
}

#endif
