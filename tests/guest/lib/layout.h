/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the assembly and the C of the guests must agree on. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

/* Selectors; in the order that SYSRET and SYSEXIT demand. */
#define KERNEL_CS   0x08
#define KERNEL_DS   0x10
#define USER_CS32   0x1b
#define USER_DS     0x23
#define USER_CS     0x2b
#define USER_DS2    0x33
#define KERNEL_CS32 0x38
#define CODE16      0x40
#define DATA16      0x48
#define TSS64       0x50
#define TSS32       0x60
#define GDT_FREE    0x68 /* the first of those that a test may fill in */
#define GDT_ENTRIES 64

/* Vector by which a piece of code ends; every privilege level may raise it. */
#define DONE_VECTOR 0x40

/* struct state */
#define STATE_RSP    0x20
#define STATE_RIP    0x80
#define STATE_RFLAGS 0x88
#define STATE_CS     0x90
#define STATE_SS     0x98
#define STATE_VECTOR 0xa0
#define STATE_ERROR  0xa8
#define STATE_CR2    0xb0

/* struct reset_state, which the reset code leaves here for C */
#define RESET_STATE 0x500

/* struct legacy */
#define LEGACY_ESP    0x10
#define LEGACY_EIP    0x20
#define LEGACY_EFLAGS 0x24
#define LEGACY_CS     0x28
#define LEGACY_SS     0x2c
#define LEGACY_DS     0x30
#define LEGACY_ES     0x34
#define LEGACY_FS     0x38
#define LEGACY_GS     0x3c
#define LEGACY_CR0    0x40
#define LEGACY_CR3    0x44
#define LEGACY_CR4    0x48
#define LEGACY_BIG    0x4c
#define LEGACY_VECTOR 0x50
#define LEGACY_ERROR  0x54
#define LEGACY_CR2    0x58
#define LEGACY_STACK  0x5c /* ESP and SS once more, as LSS reads them */
#define LEGACY_SIZE   0x64

#define LOW_STACK  0x7000 /* of the switches; grows down */
#define REAL_STACK 0x9000 /* of what runs there */

#endif
