/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selectors, descriptors and the segment registers. A descriptor belongs to the
 * guest and may change under us: it is read once, and the accessed and busy
 * bits are set by compare-and-exchange on what was read.
 */
#ifndef EXCLAVE_CPU_SEGMENT_H
#define EXCLAVE_CPU_SEGMENT_H

#include "cpu/cpu.h"

#define SELECTOR_RPL(sel)     ((unsigned int)(sel)&3u)
#define SELECTOR_TI           0x4u
#define SELECTOR_IS_NULL(sel) (((sel)&0xfffcu) == 0)

/* SDM "System-Segment and Gate-Descriptor Types". */
enum descriptor_type {
	DESC_TSS16 = 1,
	DESC_LDT = 2,
	DESC_TSS16_BUSY = 3,
	DESC_CALL_GATE16 = 4,
	DESC_TASK_GATE = 5,
	DESC_INT_GATE16 = 6,
	DESC_TRAP_GATE16 = 7,
	DESC_TSS = 9, /* 32-bit, 64-bit in IA-32e mode */
	DESC_TSS_BUSY = 11,
	DESC_CALL_GATE = 12,
	DESC_INT_GATE = 14,
	DESC_TRAP_GATE = 15,
};

/* A descriptor as found in its table; @high is 0 unless it takes 16 bytes. */
struct descriptor {
	gva_t gva;
	uint64_t low;
	uint64_t high;
	uint16_t selector;
};

static inline unsigned int descriptor_type(const struct descriptor *d)
{
	return d->low >> 40 & 0xf;
}

static inline bool descriptor_is_system(const struct descriptor *d)
{
	return !(d->low >> 44 & 1);
}

static inline unsigned int descriptor_dpl(const struct descriptor *d)
{
	return d->low >> 45 & 3;
}

static inline bool descriptor_is_present(const struct descriptor *d)
{
	return d->low >> 47 & 1;
}

static inline bool descriptor_is_code(const struct descriptor *d)
{
	return !descriptor_is_system(d) && (descriptor_type(d) & X86_SEG_TYPE_CODE);
}

static inline bool descriptor_is_conforming(const struct descriptor *d)
{
	return descriptor_type(d) & X86_SEG_TYPE_EXPAND_DOWN;
}

static inline bool descriptor_is_writable_data(const struct descriptor *d)
{
	return !descriptor_is_system(d) &&
	       (descriptor_type(d) & (X86_SEG_TYPE_CODE | X86_SEG_TYPE_WRITABLE)) ==
		       X86_SEG_TYPE_WRITABLE;
}

static inline bool descriptor_is_64bit_code(const struct descriptor *d)
{
	return d->low >> 53 & 1;
}

static inline bool descriptor_is_big(const struct descriptor *d)
{
	return d->low >> 54 & 1;
}

/* The hidden part that loading @d gives; the selector is @d's. */
struct x86_segment descriptor_segment(const struct descriptor *d);

/* What a null selector loads. */
struct x86_segment segment_null(uint16_t selector);

/*
 * Reads the descriptor that @selector, not null, names. When it lies outside its
 * table: @vector with the selector and @ext as error code. Eight bytes; those of
 * sixteen are completed by descriptor_read_high().
 */
enum cpu_result descriptor_read(struct cpu *cpu, uint16_t selector, enum x86_vector vector,
				uint32_t ext, struct descriptor *d);
enum cpu_result descriptor_read_high(struct cpu *cpu, enum x86_vector vector, uint32_t ext,
				     struct descriptor *d);

/* Sets the accessed bit of a code or data descriptor in memory and in @d. */
enum cpu_result descriptor_set_accessed(struct cpu *cpu, struct descriptor *d);

/*
 * The checks of a stack segment for privilege @cpl: @fault_vector for all but a
 * missing one, which is #SS. Reads the descriptor and marks it accessed.
 */
enum cpu_result segment_check_stack(struct cpu *cpu, uint16_t selector, unsigned int cpl,
				    enum x86_vector fault_vector, uint32_t ext,
				    struct descriptor *d);

/*
 * MOV, POP and LxS to ES, SS, DS, FS and GS, in all modes. The shadow of MOV SS
 * and POP SS is the caller's. Faults: #GP, #NP, #SS, #PF; X86_SEG_CS is #UD.
 */
enum cpu_result cpu_load_segment(struct cpu *cpu, enum x86_seg seg, uint16_t selector);

/* The hidden part of a segment register after a load in real-address mode. */
void segment_load_real(struct cpu *cpu, enum x86_seg seg, uint16_t selector);

/* Is @offset[0..@len) inside @seg's limit? Not for 64-bit segments. */
bool segment_contains(const struct x86_segment *seg, uint64_t offset, size_t len);

/* SDM LLDT, LTR, and the stores with their UMIP rule. */
enum cpu_result cpu_lldt(struct cpu *cpu, uint16_t selector);
enum cpu_result cpu_ltr(struct cpu *cpu, uint16_t selector);
enum cpu_result cpu_sldt(struct cpu *cpu, uint16_t *selector);
enum cpu_result cpu_str(struct cpu *cpu, uint16_t *selector);

/*
 * SDM LGDT, LIDT: @base as read from memory; 24 bits of it count with a 16-bit
 * operand size, which the caller has masked. SGDT, SIDT give the whole base.
 */
enum cpu_result cpu_lgdt(struct cpu *cpu, struct cpu_table table);
enum cpu_result cpu_lidt(struct cpu *cpu, struct cpu_table table);
enum cpu_result cpu_sgdt(struct cpu *cpu, struct cpu_table *table);
enum cpu_result cpu_sidt(struct cpu *cpu, struct cpu_table *table);

/*
 * SDM LAR, LSL, VERR, VERW. @zf is the result; @value is written only when it is
 * set, and is the full doubleword. Faults: #UD in real-address mode, #PF.
 */
enum cpu_result cpu_lar(struct cpu *cpu, uint16_t selector, bool *zf, uint32_t *value);
enum cpu_result cpu_lsl(struct cpu *cpu, uint16_t selector, bool *zf, uint32_t *value);
enum cpu_result cpu_verr(struct cpu *cpu, uint16_t selector, bool *zf);
enum cpu_result cpu_verw(struct cpu *cpu, uint16_t selector, bool *zf);

/* SDM SWAPGS: 64-bit mode only, CPL 0. */
enum cpu_result cpu_swapgs(struct cpu *cpu);

#endif
