/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor without paging or instructions: a megabyte of linear memory with
 * rights for each page, a GDT with one segment of each kind, an LDT, an IDT and
 * a TSS. Each test makes its own by fixture_init().
 */
#ifndef EXCLAVE_TESTS_UNIT_CPU_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_CPU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "cpu/segment.h"
#include "lib/bits.h"

#define MEM_SIZE  0x100000
#define MEM_PAGES (MEM_SIZE / 0x1000)

#define GDT_BASE  0x1000
#define LDT_BASE  0x2000
#define IDT_BASE  0x3000
#define TSS_BASE  0x5000
#define STACK0    0x10000 /* top of the stack of CPL 0 */
#define STACK1    0x14000
#define STACK2    0x18000
#define STACK3    0x1c000
#define IST_STACK 0x20000
#define CODE_RIP  0x8000
#define HANDLER   0x9000

/* Selectors of the GDT, without RPL. Each kind exists for DPL 0 to 3: SEL(kind, dpl). */
enum gdt_kind {
	GDT_CODE = 1,
	GDT_CONFORMING,
	GDT_DATA,
	GDT_CODE64,
};

#define SEL(kind, dpl) ((uint16_t)(((kind)*4 + (dpl)) * 8))
#define SEL_TSS        ((uint16_t)0x180)
#define SEL_LDT        ((uint16_t)0x190)
#define SEL_FREE       ((uint16_t)0x1a0) /* 16 bytes of its own */
#define GDT_LIMIT      0x1ff

enum mode {
	MODE_REAL,
	MODE_PROTECTED,
	MODE_COMPAT,
	MODE_64BIT,
};

struct fixture {
	struct cpu cpu;
	unsigned int mode_changes;
	unsigned int paging_changes;
	unsigned int debug_changes;
	unsigned int cr8_changes;
	unsigned int writes;
	struct cpu_paging_change change;
	bool bad_pdptes;
	enum cpu_result memory_result; /* what every access answers, when not CPU_OK */
	bool not_present[MEM_PAGES];
	bool read_only[MEM_PAGES];
	uint8_t mem[MEM_SIZE];
};

/* The one fixture, put into its first state: @mode at @cpl with everything flat. */
struct fixture *fixture_init(enum mode mode, unsigned int cpl);

/* Remembers everything; fixture_assert_unchanged() then wants all but cpu->fault the same. */
void fixture_save(const struct fixture *f);
void fixture_assert_unchanged(const struct fixture *f);

uint64_t peek(const struct fixture *f, gva_t gva, size_t len);
void poke(struct fixture *f, gva_t gva, uint64_t value, size_t len);

/* A descriptor's eight bytes; @access is bits 47:40, @flags bits 55:52. */
uint64_t make_descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags);
void gdt_set(struct fixture *f, uint16_t selector, uint64_t low);
uint64_t gdt_get(const struct fixture *f, uint16_t selector);

/* An IDT gate of @type with @dpl, in the size that the mode wants. */
void idt_set(struct fixture *f, uint8_t vector, unsigned int type, unsigned int dpl,
	     uint16_t selector, uint64_t offset, unsigned int ist);
/* A call gate at SEL_FREE. */
void call_gate_set(struct fixture *f, unsigned int type, unsigned int dpl, uint16_t selector,
		   uint64_t offset, unsigned int params);

void push_stack(struct fixture *f, uint64_t value, unsigned int width);

void assert_fault(const struct fixture *f, enum cpu_result res, enum x86_vector vector,
		  uint32_t error_code);
void assert_plain_fault(const struct fixture *f, enum cpu_result res, enum x86_vector vector);

#define ACC_PRESENT 0x80
#define ACC_S       0x10
#define ACC_DPL(n)  ((n) << 5)
#define FLAG_G      0x8
#define FLAG_DB     0x4
#define FLAG_L      0x2

#endif
