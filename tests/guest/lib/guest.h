/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every guest has: its table of tests, checks, and run(), by which a piece
 * of code runs with given registers until a vector is raised.
 *
 * A guest runs in 64-bit mode at CPL 0. The first 4 GiB are mapped as they are,
 * for CPL 0; the first GiB once more at USER_BASE, for CPL 3. Tests map what they
 * like at TEST_BASE (paging.h) and get fresh memory from page_alloc(). All of it,
 * GDT and IDT too, is set up anew for each test.
 */
#ifndef GUEST_H
#define GUEST_H

#include "layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(function)              \
	{                           \
#function, function \
	}

/* Tests that QEMU's TCG fails, and how it differs from the SDM. */
struct known {
	const char *name;
	const char *reason;
};

extern const struct test tests[]; /* the guest's; ends with an empty one */
extern const struct known known_tcg[];

/* Whom the guest runs on. */
enum platform {
	PLATFORM_OTHER,
	PLATFORM_TCG,
	PLATFORM_RUNNER,
};

enum platform platform(void);

/* report.c */
void print(const char *text);
void print_hex(uint64_t value);
void expect_equal(uint64_t got, uint64_t want, const char *what, int line);
void skip_test(const char *reason);
/* Where in a product of cases a test is: part of what is printed on failure. */
void report_case(uint64_t number);
bool test_is_over(void); /* failed or skipped */

#define EXPECT(got, want) expect_equal((uint64_t)(got), (uint64_t)(want), #got, __LINE__)
#define EXPECT_TRUE(got)  expect_equal((got) ? 1 : 0, 1, #got, __LINE__)
#define SKIP_UNLESS(condition, reason)     \
	do {                               \
		if (!(condition)) {        \
			skip_test(reason); \
			return;            \
		}                          \
	} while (0)

enum gpr {
	RAX,
	RCX,
	RDX,
	RBX,
	RSP,
	RBP,
	RSI,
	RDI,
	R8,
	R9,
	R10,
	R11,
	R12,
	R13,
	R14,
	R15
};

struct state {
	uint64_t gpr[16];
	uint64_t rip, rflags, cs, ss;
	/* What has ended it. */
	uint64_t vector, error, cr2;
};

_Static_assert(offsetof(struct state, rip) == STATE_RIP, "layout.h");
_Static_assert(offsetof(struct state, vector) == STATE_VECTOR, "layout.h");
_Static_assert(offsetof(struct state, cr2) == STATE_CR2, "layout.h");

void run(struct state *s);

/* Sees each vector; true: go on with what it has left in the state. */
extern bool (*trap_hook)(struct state *s);
extern uint64_t trap_rsp; /* of the handler, at the error code of the last vector */

#define USER_BASE UINT64_C(0x40000000)

/* Registers 0, flags 2, a stack of one page, at CPL 0 and CPL 3. */
void state_kernel(struct state *s, const void *code);
void state_user(struct state *s, const void *code);
void state_user32(struct state *s, const void *code);

static inline uint64_t user_address(const void *p)
{
	return (uint64_t)p + USER_BASE;
}

/*
 * A piece of code with its end. It may run at other addresses than its own, so it
 * is position-independent. It ends by DONE_VECTOR unless something else ends it.
 */
#define CODE_BITS(name, bits, text)                                                            \
	asm(".pushsection .text\n\t.code" #bits "\n"                                           \
	    ".balign 16\n" #name ":\n\t" text "\n" #name "_done: int $0x40\n" #name "_stop:\n" \
	    "\t.code64\n\t.popsection");                                                       \
	extern const char name[], name##_done[], name##_stop[]
#define CODE(name, text)    CODE_BITS(name, 64, text)
#define CODE32(name, text)  CODE_BITS(name, 32, text)
#define CODE16_(name, text) CODE_BITS(name, 16, text)

/* A label inside a piece of code. */
#define LABEL(name) extern const char name[]

/* Has @s run to its end? */
#define EXPECT_DONE(s) EXPECT((s).vector, DONE_VECTOR)

/* tables.c */
extern uint64_t gdt[GDT_ENTRIES];

struct tss64 {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t iomap_base;
	uint8_t iomap[65536 / 8 + 1];
} __attribute__((packed));

extern struct tss64 tss;

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type; /* P, DPL, type */
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

extern struct gate idt[256];

#define GATE_INTERRUPT 0x8e
#define GATE_TRAP      0x8f
#define GATE_DPL3      0x60

void gate_set(unsigned int vector, uint8_t type, uint8_t ist);
void tables_reset(void);
/* The TSS of 64-bit mode into TR, whatever was there. */
void tss_load(void);

enum {
	IST_DEFAULT = 1,
	IST_SECOND = 2
};
extern uint8_t ist_stack[3][4096]; /* by IST number - 1; the last is RSP0's */

/* memory.c: from 16 MiB up, zeroed */
void *page_alloc(unsigned int pages);
void pages_reset(void);

#define memset __builtin_memset
#define memcpy __builtin_memcpy
#define memcmp __builtin_memcmp
#define strcmp __builtin_strcmp

#endif
