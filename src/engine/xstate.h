/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's x87, SSE and AVX state as functions in C read and change it: a
 * copy of the vCPU's XSAVE area in which every component is whole, be it in its
 * initial state, and in which the x87 pointers are 0 (errata). A copy belongs to
 * its function; xstate_put() makes it the vCPU's.
 */
#ifndef EXCLAVE_ENGINE_XSTATE_H
#define EXCLAVE_ENGINE_XSTATE_H

#include "engine/vcpu.h"

#include <string.h>

/* SDM "XSAVE Area": the legacy region, the header, and AVX, which comes first behind it. */
enum xstate_offset {
	XSTATE_FCW = 0,
	XSTATE_FSW = 2,
	XSTATE_FTW = 4, /* abridged: bit n is set when physical register n is not empty */
	XSTATE_FOP = 6,
	XSTATE_MXCSR = 24,
	XSTATE_MXCSR_MASK = 28,
	XSTATE_ST = 32, /* 16 bytes each, in the order of the stack */
	XSTATE_XMM = 160,
	XSTATE_LEGACY_END = 416,
	XSTATE_BV = 512,
	XSTATE_XCOMP_BV = 520,
	XSTATE_YMM = 576, /* the upper halves */
	XSTATE_SIZE = 832,
};

/* All that a guest can have. */
#define XSTATE_COMPONENTS (XFEATURE_MASK_FP | XFEATURE_MASK_SSE | XFEATURE_MASK_YMM)

#define XSTATE_COMPACTED (UINT64_C(1) << 63)
/* Bits of MXCSR that are reserved, which is also what MXCSR_MASK says. */
#define XSTATE_MXCSR_RESERVED UINT32_C(0xffff0000)

struct xstate {
	uint8_t bytes[XSTATE_SIZE];
};

void xstate_get(struct engine_vcpu *v, struct xstate *x);
/* The header says what is in use. */
void xstate_put(struct engine_vcpu *v, const struct xstate *x);

/* SDM "XINUSE": components with something else than their initial state, in @regs registers. */
uint64_t xstate_in_use(const struct xstate *x, unsigned int regs);
/* SDM "Initial state" for @components; MXCSR is the caller's. */
void xstate_reset(struct xstate *x, uint64_t components, unsigned int regs);
/* What the processor makes of x87 state that is loaded: fixed and reserved bits, ES and B. */
void xstate_settle_x87(struct xstate *x);
/* @components of @x become those of @from, without MXCSR. */
void xstate_load(struct xstate *x, const struct xstate *from, uint64_t components,
		 unsigned int regs);
/*
 * XSAVE to @area: the bytes of @components, of which x87 and SSE are always two, MXCSR,
 * and XSTATE_BV. What lies between them stays.
 */
void xstate_store(const struct xstate *x, uint64_t components, unsigned int regs, uint8_t *area);
/* Sets TOP; every value stays in its physical register. */
void xstate_set_top(struct xstate *x, unsigned int top);

static inline uint16_t xstate_get16(const struct xstate *x, unsigned int offset)
{
	uint16_t value;

	memcpy(&value, x->bytes + offset, sizeof(value));
	return value;
}

static inline void xstate_set16(struct xstate *x, unsigned int offset, uint16_t value)
{
	memcpy(x->bytes + offset, &value, sizeof(value));
}

static inline uint32_t xstate_get32(const struct xstate *x, unsigned int offset)
{
	uint32_t value;

	memcpy(&value, x->bytes + offset, sizeof(value));
	return value;
}

static inline void xstate_set32(struct xstate *x, unsigned int offset, uint32_t value)
{
	memcpy(x->bytes + offset, &value, sizeof(value));
}

static inline uint64_t xstate_get64(const struct xstate *x, unsigned int offset)
{
	uint64_t value;

	memcpy(&value, x->bytes + offset, sizeof(value));
	return value;
}

static inline void xstate_set64(struct xstate *x, unsigned int offset, uint64_t value)
{
	memcpy(x->bytes + offset, &value, sizeof(value));
}

/* A vector register's 32 bytes. */
void xstate_get_ymm(const struct xstate *x, unsigned int reg, void *bytes);
void xstate_set_ymm(struct xstate *x, unsigned int reg, const void *bytes);

/* Vector registers that the present mode has. */
static inline unsigned int xstate_regs(const struct engine_vcpu *v)
{
	return x86_is_64bit(&v->cpu.state) ? 16 : 8;
}

#endif
