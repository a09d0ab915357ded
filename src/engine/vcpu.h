/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state that translated code reaches through GS: one struct engine_vcpu for
 * each virtual CPU, at the GS base of the thread that runs it. It belongs to
 * that thread alone; what other threads may touch is `request`.
 *
 * While translated code runs, the guest's general registers live in the host's
 * registers of the same name, except RSP (host RSP stays a host stack: signal
 * handlers run on it) and those that the block has spilled. Arithmetic flags
 * live in the host's RFLAGS. Everything else lives here.
 */
#ifndef EXCLAVE_ENGINE_VCPU_H
#define EXCLAVE_ENGINE_VCPU_H

#include "lib/x86.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Software TLB: direct-mapped by the low 16 bits of the page number, which a
 * look-up gets with one MOVZX. Such a table is sparse: it costs memory for the
 * pages that the guest uses. Entries hold the negated page address, so that the
 * look-up needs no subtraction and leaves the flags alone.
 *
 * An empty entry holds the negated address of a page that belongs into another
 * entry. 0 will do for all but the first entry, so fresh memory is empty; and
 * for the last, where an access that wraps around would seem to hit page 0.
 */
#define ENGINE_TLB_ENTRIES    65536
#define ENGINE_TLB_EMPTY_ENDS (-(UINT64_C(0x8000) << 12))

struct engine_tlb {
	uint64_t read[ENGINE_TLB_ENTRIES];
	uint64_t write[ENGINE_TLB_ENTRIES];
	uint64_t host[ENGINE_TLB_ENTRIES]; /* host page, to be added to the page offset */
};

/*
 * Indirect jumps: linear address to code, direct-mapped by its low 16 bits. As
 * in the TLB, addresses are negated and fresh memory is empty but for entry 0.
 */
#define ENGINE_JUMP_ENTRIES 65536
#define ENGINE_JUMP_EMPTY_0 UINT64_C(1)

struct engine_jumps {
	uint64_t rip[ENGINE_JUMP_ENTRIES];
	uint64_t page_base[ENGINE_JUMP_ENTRIES];
	uint64_t code[ENGINE_JUMP_ENTRIES];
};

/* Why translated code returned to C. */
enum engine_stop {
	ENGINE_STOP_LOOKUP,      /* continue at rip: the block is not translated or not linked */
	ENGINE_STOP_LINK,        /* likewise, and the jump at stop_site may be linked to it */
	ENGINE_STOP_KICK,        /* somebody asks for attention */
	ENGINE_STOP_FAULT,       /* an exception; the state is that before the instruction */
	ENGINE_STOP_INSTRUCTION, /* the instruction at rip is for C */
};

struct engine_vcpu {
	/* Page 0: the embedder's kvm_run; byte 1 is immediate_exit, byte 2 our own request. */
	uint8_t run_page[4096];

	uint64_t gpr[X86_NR_GPRS]; /* RSP always; others when they are not in host registers */
	uint64_t rip;              /* at a stop: the guest's RIP */
	uint64_t flags;            /* at a stop: the arithmetic flags */
	uint64_t page_base;        /* linear address of the page that the current block is in */
	uint64_t seg_base[X86_NR_SEGS];
	uint64_t host_rsp; /* in engine_enter() */
	uint64_t stop;     /* enum engine_stop */
	uint64_t stop_site;
	uint64_t miss_gva;              /* arguments of a TLB miss */
	uint64_t miss_site;             /* cache address after the call */
	uint64_t host_gpr[X86_NR_GPRS]; /* host registers at a miss or a signal */
	uint64_t host_flags;
	uint64_t pext_page; /* ~0xfff: PEXT turns an offset into a page difference */
	uint32_t default_mxcsr;
	uint32_t bounce_size; /* of the operand that is in the bounce page, 0: none */
	uint64_t bounce_gva;
	uint64_t bounce_write;
	struct x86_exception fault;

	struct engine *engine;
	struct engine_vcpu *self; /* what GS points at */

	uint8_t xstate[4096] __attribute__((aligned(64))); /* guest's vector and x87 state */
	uint8_t bounce[2 * 4096] __attribute__((aligned(4096)));
	struct engine_tlb tlb;
	struct engine_jumps jumps;
};

/* Displacement from GS of a member. */
#define GS(member)  ((int32_t)offsetof(struct engine_vcpu, member))
#define GS_GPR(reg) ((int32_t)(offsetof(struct engine_vcpu, gpr) + (reg) * sizeof(uint64_t)))

#endif
