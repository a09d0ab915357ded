/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The oracle: the host CPU runs the same bytes with the same registers and
 * memory in a child process.
 */
#ifndef EXCLAVE_TESTS_DIFF_NATIVE_H
#define EXCLAVE_TESTS_DIFF_NATIVE_H

#include "lib/x86.h"

#include <stdbool.h>

/* Where code and data lie, in the guest and in the child alike. */
#define DIFF_CODE      UINT64_C(0x20000000)
#define DIFF_CODE_SIZE 4096
#define DIFF_DATA      UINT64_C(0x30000000)
#define DIFF_DATA_SIZE (4 * 4096)
#define DIFF_ENTRY     UINT64_C(0x51230000) /* a page of the child's own */
#define DIFF_XSTATE    832                  /* x87, SSE, AVX in the standard format */

/*
 * Segments of 16- and 32-bit code: entries of the child's local descriptor table.
 * @type: data 0, expand-down 1, code 2, as modify_ldt() has it.
 */
struct diff_segment {
	uint32_t base;
	uint32_t limit; /* in bytes */
	uint8_t contents;
	bool is_big;
	bool is_read_only;
};

/* Selectors of the child: the kernel's flat ones, and those of the table. */
#define DIFF_FLAT_CODE32  0x23
#define DIFF_FLAT_DATA    0x2b
#define DIFF_LDT(n)       ((uint16_t)((n) << 3 | 7))
#define DIFF_LDT_SEGMENTS 16

struct diff_state {
	uint64_t gpr[X86_NR_GPRS];
	uint64_t rip;
	uint64_t flags;  /* arithmetic */
	uint32_t vector; /* of the exception that ended it */
	uint32_t error_code;
	uint64_t address;          /* of a page fault */
	uint16_t seg[X86_NR_SEGS]; /* selectors; CS = 0: 64-bit code. FS stays the child's */
	uint8_t xstate[DIFF_XSTATE] __attribute__((aligned(64)));
};

/* Shared with the child. */
struct diff_shared {
	uint8_t code[DIFF_CODE_SIZE];
	uint8_t data[DIFF_DATA_SIZE];
	struct diff_segment ldt[DIFF_LDT_SEGMENTS]; /* set before native_load_ldt() */
	struct diff_state in;
	struct diff_state out;
};

struct native;

/* Return: NULL when the child cannot be had. */
struct native *native_new(void);
void native_free(struct native *n);
struct diff_shared *native_shared(struct native *n);

/*
 * Runs shared->code from in.rip (64-bit code: its start) with shared->in until an
 * exception, which UD2 or INT3 at the end makes sure of. Return: false when the child died or hangs.
 */
bool native_run(struct native *n);

/* Like native_run(), but the child takes shared->ldt over. */
bool native_load_ldt(struct native *n);

#endif
