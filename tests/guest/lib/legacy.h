/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code in the modes without IA-32e: real mode and protected mode with or without
 * paging. As run(), but with the registers of a 32-bit processor. The code is
 * copied to LEGACY_CODE first, so that it can be reached from each mode.
 */
#ifndef GUEST_LEGACY_H
#define GUEST_LEGACY_H

#include "layout.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEGACY_CODE 0xa000 /* up to 0xafff */
#define LEGACY_DATA 0xb000 /* for the tests, up to 0xffff */

enum {
	EAX,
	ECX,
	EDX,
	EBX,
	ESP,
	EBP,
	ESI,
	EDI
};

struct legacy {
	uint32_t gpr[8];
	uint32_t eip, eflags, cs, ss, ds, es, fs, gs;
	uint32_t cr0, cr3, cr4;
	uint32_t big; /* real mode: the segments keep limits of 4 GiB */
	uint32_t vector, error, cr2;
	uint32_t stack_esp, stack_ss;
};

_Static_assert(offsetof(struct legacy, eip) == LEGACY_EIP, "layout.h");
_Static_assert(offsetof(struct legacy, cr0) == LEGACY_CR0, "layout.h");
_Static_assert(offsetof(struct legacy, vector) == LEGACY_VECTOR, "layout.h");
_Static_assert(offsetof(struct legacy, stack_esp) == LEGACY_STACK, "layout.h");
_Static_assert(sizeof(struct legacy) == LEGACY_SIZE, "layout.h");

/* As a mode's code is used to: registers 0, segments flat or 0, a stack of its own. */
void legacy_real(struct legacy *l, const char *code, const char *end);
void legacy_prot16(struct legacy *l, const char *code, const char *end);
void legacy_prot32(struct legacy *l, const char *code, const char *end);
/* Paging of 32-bit mode (4-MiB pages) and PAE; everything as it is, for CPL 3 too. */
void legacy_paging32(struct legacy *l);
void legacy_paging_pae(struct legacy *l);
/* At CPL 3; the code is 32-bit. */
void legacy_user(struct legacy *l);

void legacy_run(struct legacy *l);

#define LEGACY_REAL(l, name)   legacy_real(l, name, name##_stop)
#define LEGACY_PROT16(l, name) legacy_prot16(l, name, name##_stop)
#define LEGACY_PROT32(l, name) legacy_prot32(l, name, name##_stop)

extern uint64_t legacy_idt[256];
extern uint32_t legacy_directory[1024];

struct tss32 {
	uint32_t link, esp0, ss0;
	uint32_t rest[22];
	uint16_t trap, iomap_base;
	uint8_t iomap[33];
} __attribute__((packed));

extern struct tss32 legacy_tss;

#endif
