/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a translation depends on beside the bytes of code: the key of a block
 * together with its physical address. Made anew when control registers, CS, the
 * other segments (outside 64-bit mode), CPL, AC, TF or breakpoints change.
 */
#ifndef EXCLAVE_ENGINE_MODE_H
#define EXCLAVE_ENGINE_MODE_H

#include "engine/tlb.h"

enum engine_mode {
	MODE_INDEX = 0x0003, /* enum engine_mmu_index */
	MODE_CODE32 = 0x0004,
	MODE_CODE64 = 0x0008,    /* neither: 16-bit code */
	MODE_SEGMENTED = 0x0010, /* not all of CS, SS, DS, ES are flat; never in 64-bit code */
	MODE_STACK16 = 0x0020,   /* SS.B = 0; never in 64-bit code */
	MODE_CPL0 = 0x0040,
	MODE_SINGLE = 0x0080,  /* a block is one instruction and then stops */
	MODE_ALIGN = 0x0100,   /* #AC is enabled: no access may hit the TLB */
	MODE_X87_NM = 0x0200,  /* CR0.EM or CR0.TS: x87 is #NM */
	MODE_WAIT_NM = 0x0400, /* CR0.MP and CR0.TS: WAIT is #NM */
	MODE_SSE_UD = 0x0800,  /* CR0.EM or no CR4.OSFXSR: SSE is #UD; MMX is by CR0.EM alone */
	MODE_MMX_UD = 0x1000,  /* CR0.EM */
	MODE_VEC_NM = 0x2000,  /* CR0.TS: MMX, SSE and AVX are #NM */
	MODE_TSC = 0x8000,     /* RDTSC is allowed: CPL 0 or no CR4.TSD */
	MODE_TSCP = 0x10000,   /* and there is RDTSCP */
	MODE_AVX_UD = 0x4000,  /* no CR4.OSXSAVE, or XCR0 without SSE and AVX */
};

static inline bool mode_is_64bit(uint32_t mode)
{
	return mode & MODE_CODE64;
}

/* Default operand and address size of the code in bytes. */
static inline unsigned int mode_code_size(uint32_t mode)
{
	return mode & MODE_CODE64 ? 8 : mode & MODE_CODE32 ? 4 : 2;
}

#endif
