// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/xstate.h"

#include "engine/exec.h"

#define FCW_INITIAL 0x037f
#define FCW_VALID   0x1f7f
#define FCW_FIXED   0x0040
#define FSW_VALID   0x7f7f
#define FSW_SUMMARY 0x8080 /* B and ES */
#define FSW_TOP_BIT 11
#define EXCEPTIONS  0x3f

#define ST_SIZE  16
#define ST_VALUE 10

void xstate_get_ymm(const struct xstate *x, unsigned int reg, void *bytes)
{
	memcpy(bytes, x->bytes + XSTATE_XMM + 16 * reg, 16);
	memcpy((uint8_t *)bytes + 16, x->bytes + XSTATE_YMM + 16 * reg, 16);
}

void xstate_set_ymm(struct xstate *x, unsigned int reg, const void *bytes)
{
	memcpy(x->bytes + XSTATE_XMM + 16 * reg, bytes, 16);
	memcpy(x->bytes + XSTATE_YMM + 16 * reg, (const uint8_t *)bytes + 16, 16);
}

void xstate_reset(struct xstate *x, uint64_t components, unsigned int regs)
{
	if (components & XFEATURE_MASK_FP) {
		memset(x->bytes, 0, XSTATE_MXCSR);
		memset(x->bytes + XSTATE_ST, 0, XSTATE_XMM - XSTATE_ST);
		xstate_set16(x, XSTATE_FCW, FCW_INITIAL);
	}
	if (components & XFEATURE_MASK_SSE)
		memset(x->bytes + XSTATE_XMM, 0, 16 * regs);
	if (components & XFEATURE_MASK_YMM)
		memset(x->bytes + XSTATE_YMM, 0, 16 * regs);
}

void xstate_settle_x87(struct xstate *x)
{
	uint16_t fcw = (xstate_get16(x, XSTATE_FCW) & FCW_VALID) | FCW_FIXED;
	uint16_t fsw = xstate_get16(x, XSTATE_FSW) & FSW_VALID;

	if (fsw & ~fcw & EXCEPTIONS)
		fsw |= FSW_SUMMARY;
	xstate_set16(x, XSTATE_FCW, fcw);
	xstate_set16(x, XSTATE_FSW, fsw);
	x->bytes[XSTATE_FTW + 1] = 0;
	memset(x->bytes + XSTATE_FOP, 0, XSTATE_MXCSR - XSTATE_FOP);
	for (unsigned int i = 0; i < 8; i++)
		memset(x->bytes + XSTATE_ST + ST_SIZE * i + ST_VALUE, 0, ST_SIZE - ST_VALUE);
}

void xstate_set_top(struct xstate *x, unsigned int top)
{
	uint16_t fsw = xstate_get16(x, XSTATE_FSW);
	unsigned int old_top = fsw >> FSW_TOP_BIT & 7;
	uint8_t stack[8 * ST_SIZE];

	memcpy(stack, x->bytes + XSTATE_ST, sizeof(stack));
	for (unsigned int i = 0; i < 8; i++)
		memcpy(x->bytes + XSTATE_ST + ST_SIZE * i,
		       stack + ST_SIZE * ((top + i - old_top) & 7), ST_SIZE);
	fsw &= (uint16_t) ~(7u << FSW_TOP_BIT);
	xstate_set16(x, XSTATE_FSW, (uint16_t)(fsw | top << FSW_TOP_BIT));
}

void xstate_load(struct xstate *x, const struct xstate *from, uint64_t components,
		 unsigned int regs)
{
	if (components & XFEATURE_MASK_FP) {
		memcpy(x->bytes, from->bytes, XSTATE_MXCSR);
		memcpy(x->bytes + XSTATE_ST, from->bytes + XSTATE_ST, XSTATE_XMM - XSTATE_ST);
		xstate_settle_x87(x);
	}
	if (components & XFEATURE_MASK_SSE)
		memcpy(x->bytes + XSTATE_XMM, from->bytes + XSTATE_XMM, 16 * regs);
	if (components & XFEATURE_MASK_YMM)
		memcpy(x->bytes + XSTATE_YMM, from->bytes + XSTATE_YMM, 16 * regs);
}

void xstate_store(const struct xstate *x, uint64_t components, unsigned int regs, uint8_t *area)
{
	memcpy(area, x->bytes, XSTATE_XMM + 16 * regs);
	memcpy(area + XSTATE_BV, x->bytes + XSTATE_BV, sizeof(uint64_t));
	if (components & XFEATURE_MASK_YMM)
		memcpy(area + XSTATE_YMM, x->bytes + XSTATE_YMM, 16 * regs);
}

/* By words: this is on the way of every XSAVE. Both are multiples of 8. */
static bool is_zero_at(const struct xstate *x, unsigned int offset, unsigned int len)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < len; i += 8)
		any |= xstate_get64(x, offset + i);
	return !any;
}

static bool x87_in_use(const struct xstate *x)
{
	/* FCW and all up to FOP. */
	return xstate_get64(x, XSTATE_FCW) != FCW_INITIAL || !is_zero_at(x, 8, XSTATE_MXCSR - 8) ||
	       !is_zero_at(x, XSTATE_ST, XSTATE_XMM - XSTATE_ST);
}

/* Processors count MXCSR to the SSE state here, though XSAVE treats it apart. */
uint64_t xstate_in_use(const struct xstate *x, unsigned int regs)
{
	uint64_t in_use = 0;

	if (x87_in_use(x))
		in_use |= XFEATURE_MASK_FP;
	if (xstate_get32(x, XSTATE_MXCSR) != MXCSR_DEFAULT || !is_zero_at(x, XSTATE_XMM, 16 * regs))
		in_use |= XFEATURE_MASK_SSE;
	if (!is_zero_at(x, XSTATE_YMM, 16 * regs))
		in_use |= XFEATURE_MASK_YMM;
	return in_use;
}

void xstate_get(struct engine_vcpu *v, struct xstate *x)
{
	vcpu_save_xstate(v);
	memcpy(x->bytes, v->xstate, XSTATE_SIZE);
	/* The host leaves the bytes of a component alone that was not in use. */
	xstate_reset(x, XSTATE_COMPONENTS & ~xstate_get64(x, XSTATE_BV), 16);
	xstate_set32(x, XSTATE_MXCSR_MASK, (uint32_t)~XSTATE_MXCSR_RESERVED);
	xstate_settle_x87(x);
}

void xstate_put(struct engine_vcpu *v, const struct xstate *x)
{
	uint64_t bv;

	memcpy(&bv, v->xstate + XSTATE_BV, sizeof(bv));
	bv = (bv & ~XSTATE_COMPONENTS) | xstate_in_use(x, 16);
	memcpy(v->xstate, x->bytes, XSTATE_LEGACY_END);
	memcpy(v->xstate + XSTATE_BV, &bv, sizeof(bv));
	memcpy(v->xstate + XSTATE_YMM, x->bytes + XSTATE_YMM, XSTATE_SIZE - XSTATE_YMM);
}
