/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vocabulary of the processor that all storeys share: address spaces,
 * vectors, page-fault error codes, registers and segments.
 *
 * struct x86_state is one logical processor's architectural state as far as
 * functions in C see it. It belongs to the embedder's vCPU and is touched only
 * by the thread that runs that vCPU, so it has no lock.
 */
#ifndef EXCLAVE_LIB_X86_H
#define EXCLAVE_LIB_X86_H

#include <asm/processor-flags.h>
#include <stdbool.h>
#include <stdint.h>

typedef uint64_t gva_t; /* guest linear address */
typedef uint64_t gpa_t; /* guest physical address */
typedef uint64_t hpa_t; /* the model's own physical address space, in which EPC sections lie */

/* SDM "Exception and Interrupt Vectors". */
enum x86_vector {
	DE_VECTOR = 0,
	DB_VECTOR = 1,
	NMI_VECTOR = 2,
	BP_VECTOR = 3,
	OF_VECTOR = 4,
	BR_VECTOR = 5,
	UD_VECTOR = 6,
	NM_VECTOR = 7,
	DF_VECTOR = 8,
	TS_VECTOR = 10,
	NP_VECTOR = 11,
	SS_VECTOR = 12,
	GP_VECTOR = 13,
	PF_VECTOR = 14,
	MF_VECTOR = 16,
	AC_VECTOR = 17,
	MC_VECTOR = 18,
	XM_VECTOR = 19,
	VE_VECTOR = 20,
	CP_VECTOR = 21,
};

/* SDM "Page-Fault Error Code". The W, U and I bits double as the access asked of a page walk. */
#define PFERR_PRESENT_MASK UINT32_C(0x0001)
#define PFERR_WRITE_MASK   UINT32_C(0x0002)
#define PFERR_USER_MASK    UINT32_C(0x0004)
#define PFERR_RSVD_MASK    UINT32_C(0x0008)
#define PFERR_FETCH_MASK   UINT32_C(0x0010)
#define PFERR_PK_MASK      UINT32_C(0x0020)
#define PFERR_SGX_MASK     UINT32_C(0x8000)

#define EFER_SCE (UINT64_C(1) << 0)
#define EFER_LME (UINT64_C(1) << 8)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NX  (UINT64_C(1) << 11)

#define XFEATURE_MASK_FP        (UINT64_C(1) << 0)
#define XFEATURE_MASK_SSE       (UINT64_C(1) << 1)
#define XFEATURE_MASK_YMM       (UINT64_C(1) << 2)
#define XFEATURE_MASK_BNDREGS   (UINT64_C(1) << 3)
#define XFEATURE_MASK_BNDCSR    (UINT64_C(1) << 4)
#define XFEATURE_MASK_OPMASK    (UINT64_C(1) << 5)
#define XFEATURE_MASK_ZMM_Hi256 (UINT64_C(1) << 6)
#define XFEATURE_MASK_Hi16_ZMM  (UINT64_C(1) << 7)
#define XFEATURE_MASK_PKRU      (UINT64_C(1) << 9)
#define XFEATURE_MASK_XTILECFG  (UINT64_C(1) << 17)
#define XFEATURE_MASK_XTILEDATA (UINT64_C(1) << 18)

#define MXCSR_DEFAULT 0x1f80

/*
 * An exception to be delivered to the guest. @address is CR2 for #PF, and for #DB
 * the bits to set in DR6; nothing else looks at it.
 */
struct x86_exception {
	uint8_t vector;
	bool has_error_code;
	uint32_t error_code;
	gva_t address;
};

/* In the order of the instruction encoding, which is also GPRSGX's. */
enum x86_gpr {
	X86_RAX,
	X86_RCX,
	X86_RDX,
	X86_RBX,
	X86_RSP,
	X86_RBP,
	X86_RSI,
	X86_RDI,
	X86_R8,
	X86_R9,
	X86_R13 = 13,
	X86_R14,
	X86_R15 = 15,
	X86_NR_GPRS = 16,
};

enum x86_seg {
	X86_SEG_ES,
	X86_SEG_CS,
	X86_SEG_SS,
	X86_SEG_DS,
	X86_SEG_FS,
	X86_SEG_GS,
	X86_NR_SEGS,
};

/* A segment register with its hidden part; @limit is in bytes, G already applied. */
struct x86_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint8_t type; /* descriptor bits 11:8 */
	bool s;
	uint8_t dpl;
	bool present;
	bool avl;
	bool l;
	bool db;
	bool g;
	bool unusable;
};

/* SDM "Code- and Data-Segment Descriptor Types". */
#define X86_SEG_TYPE_ACCESSED    1
#define X86_SEG_TYPE_WRITABLE    2
#define X86_SEG_TYPE_EXPAND_DOWN 4
#define X86_SEG_TYPE_CODE        8

struct x86_state {
	uint64_t gpr[X86_NR_GPRS];
	uint64_t rip;
	uint64_t rflags;
	uint64_t cr0;
	uint64_t cr2;
	uint64_t cr4;
	uint64_t efer;
	uint64_t xcr0;
	struct x86_segment seg[X86_NR_SEGS];
	uint8_t cpl;
	bool smm;
};

/* IA-32e mode with a 64-bit code segment. */
static inline bool x86_is_64bit(const struct x86_state *state)
{
	return (state->efer & EFER_LMA) && state->seg[X86_SEG_CS].l;
}

/* SDM "Canonical Addressing": 48 bits, 57 with CR4.LA57. */
static inline bool x86_is_canonical(const struct x86_state *state, gva_t gva)
{
	unsigned int shift = (state->cr4 & X86_CR4_LA57) ? 64 - 57 : 64 - 48;

	return (gva_t)((int64_t)(gva << shift) >> shift) == gva;
}

#endif
