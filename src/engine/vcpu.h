/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state that translated code reaches through GS: one struct engine_vcpu for
 * each virtual CPU, at the GS base of the thread that runs it. It belongs to
 * that thread alone; what other threads may touch is run_page and `request`.
 *
 * While translated code runs, the guest's general registers live in the host's
 * registers of the same name, except RSP (host RSP stays a host stack: signal
 * handlers run on it) and those that the block has spilled. Arithmetic flags
 * live in the host's RFLAGS. In C they are here, in cpu.state. Extended state is in
 * the host's registers from the first block that uses it until somebody saves it
 * to xstate: xstate_saved.
 */
#ifndef EXCLAVE_ENGINE_VCPU_H
#define EXCLAVE_ENGINE_VCPU_H

#include "cpu/cpu.h"
#include "engine/tlb.h"
#include "mmu/mmu.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why translated code returned to C. */
enum engine_stop {
	ENGINE_STOP_LOOKUP,      /* continue at rip: the block is not translated or not linked */
	ENGINE_STOP_LINK,        /* likewise, and the jump at stop_site may be linked to it */
	ENGINE_STOP_KICK,        /* somebody asks for attention */
	ENGINE_STOP_INSTRUCTION, /* the instruction at rip, stop_insn, is for C */
	ENGINE_STOP_ALONE,       /* run the instruction at rip in a block of its own, then look */
	ENGINE_STOP_STEP,        /* one instruction has been run in a block of its own */
	ENGINE_STOP_RESULT, /* `result`, not CPU_OK; the state is that before the instruction */
	ENGINE_STOP_EVENT,  /* it did not: an event was delivered since */
};

/* What engine_run() returns for: v->exit says more. */
enum engine_exit_reason {
	ENGINE_EXIT_KICK, /* immediate_exit, or engine_kick() */
	ENGINE_EXIT_IO,
	ENGINE_EXIT_MMIO,
	ENGINE_EXIT_MSR, /* an access that engine_ops asked to leave for */
	ENGINE_EXIT_HLT, /* RIP is behind the HLT */
	ENGINE_EXIT_IRQ_WINDOW,
	ENGINE_EXIT_SHUTDOWN,
	ENGINE_EXIT_INTERNAL_ERROR, /* an instruction that the engine has no form for */
	ENGINE_EXIT_FAIL_ENTRY,     /* the state is one that this processor cannot run in */
	ENGINE_EXIT_HOST_ERROR,     /* host_errno: what KVM_RUN fails with */
	ENGINE_EXIT_EXCEPTION,      /* one of exception_bitmap, before it is delivered */
};

#define ENGINE_IO_BYTES 4096

/*
 * Details of an exit. IO and MMIO are completed by the next engine_run(): for
 * an input or a read, the caller has put the data where it says.
 */
struct engine_exit {
	enum engine_exit_reason reason;
	struct {
		bool in;
		uint8_t size; /* 1, 2, 4 */
		uint16_t port;
		uint32_t count; /* size * count <= ENGINE_IO_BYTES */
		uint8_t data[ENGINE_IO_BYTES];
	} io;
	struct {
		gpa_t gpa;
		uint8_t len; /* 1..8 */
		bool write;
		uint8_t data[8];
	} mmio;
	struct {
		uint8_t bytes[15]; /* INTERNAL_ERROR: of the instruction */
		uint8_t length;
	} insn;
	struct {
		uint8_t vector;
		uint64_t dr6; /* of #DB: the bits that it would set, as in cpu/debug.h */
	} exception;
	int host_errno; /* negative */
};

/* An access to a device by the instruction that is being repeated; insn.c of mmio.h. */
#define ENGINE_MMIO_FRAGMENTS 16

#define ENGINE_PROTECT_MAX 16

/* Pages of a GiB; those of a larger guest share bits. */
#define ENGINE_MAY_WRITE_PAGES 262144

struct engine_mmio_fragment {
	gpa_t gpa;
	uint8_t len;
	uint8_t data[8];
};

struct engine_mmio {
	/* Reads that the VMM has answered, in the order in which the instruction makes them. */
	struct engine_mmio_fragment read[ENGINE_MMIO_FRAGMENTS];
	unsigned int read_count; /* answered */
	unsigned int read_used;  /* by this try of the instruction */
	/* Writes of an instruction that is complete, to be sent before the next one. */
	struct engine_mmio_fragment write[ENGINE_MMIO_FRAGMENTS];
	unsigned int write_count;
	unsigned int write_sent;
};

/* What engine_run() has to finish first when it is called again. */
enum engine_pending {
	ENGINE_PENDING_NONE,
	ENGINE_PENDING_IN,     /* exec_io.c: exit.io.data to the register or to memory */
	ENGINE_PENDING_MMIO,   /* an answered read: repeat the instruction */
	ENGINE_PENDING_WRITES, /* mmio.write has more to send */
};

/* ENGINE_PENDING_IN: where the data of exit.io goes, and how RIP and the registers go on. */
struct engine_input {
	uint64_t next_rip;
	bool is_string; /* INS: to `gva`, else to the accumulator */
	bool repeats;
	bool backward;
	uint8_t address_size;
	gva_t gva; /* the lowest byte */
};

struct insn;
struct engine;
struct sgx_cpu;

struct engine_vcpu {
	/* Page 0: the embedder's kvm_run; byte 1 is immediate_exit, byte 2 our own request. */
	uint8_t run_page[4096];

	struct cpu cpu;
	uint64_t page_base;     /* RIP of the first byte of the page that the current block is in */
	uint32_t mode;          /* enum engine_mode bits (mode.h) that the current block is for */
	uint32_t bounce_size;   /* of the operand that is in the bounce page, 0: none */
	uint64_t host_rsp;      /* in the stub `enter` */
	uint64_t stop;          /* enum engine_stop */
	enum cpu_result result; /* ENGINE_STOP_RESULT */
	bool lost_write;        /* memory behind a bounced store went away under us */
	uint64_t stop_site;
	const struct insn *stop_insn;
	uint64_t miss_gva;              /* arguments of a TLB miss */
	uint64_t miss_site;             /* cache address after the call */
	uint64_t host_gpr[X86_NR_GPRS]; /* host registers at a miss or a signal */
	uint64_t host_flags;
	uint64_t enter_flags;     /* what the host's RFLAGS start with */
	uint64_t link_generation; /* of the cache, when stop_site was noted */
	uint64_t pext_page;       /* ~0xfff: PEXT turns an offset into a page difference */
	uint64_t arithmetic_mask; /* of the six flags, for PEXT and PDEP */
	uint64_t not_if_mask;     /* ~IF, likewise */
	uint64_t pauses;          /* of a kernel; bits 8 to 15 not 0: exec_pause() is due */
	uint8_t irq_waits;        /* something is to be done once IF is 1 */
	uint32_t default_mxcsr;
	bool xstate_saved;     /* extended state is in xstate, not in the host's registers */
	bool xstate_was_saved; /* before the block's call to C */
	uint64_t bounce_gva;
	bool bounce_write;
	/* A store to a page of code that the present instruction makes in place. */
	uint8_t *store_host;
	uint32_t store_size;

	struct engine *engine;
	struct engine_vcpu *self; /* what GS points at */
	struct engine_vcpu *next; /* of the engine's list, under its lock */
	void *owner;              /* the embedder's */
	struct sgx_cpu *sgx;      /* NULL: a processor without SGX */
	int sgx_walk_errno;       /* of the host, in a page walk of the present leaf function */

	struct mmu mmu;
	struct mmu_mode mmu_mode;
	unsigned int as_id; /* address space of the memory slots: 1 in SMM */

	struct engine_exit exit;
	enum engine_pending pending;
	struct engine_input input;
	struct engine_mmio mmio;
	/* The embedder's, which are not live code (lib/live.h). */
	void (*on_cr8)(struct cpu *cpu);
	void (*on_cpuid)(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
	struct cpu_ops cpu_ops;
	bool nonglobal_code;    /* jumps of the kernel's tables lead to pages that are not global */
	uint64_t probes;        /* state of engine_probe() */
	bool alone;             /* the present instruction runs in a block of its own */
	bool want_irq_window;   /* the VMM wants to hear when an interrupt can be taken */
	uint64_t debug_pending; /* DR6 bits that the present instruction has matched */
	uint64_t trap_due;      /* those of an instruction that is complete: #DB comes next */
	/* For a debugger of the embedder's. As in a VMCS; the engine knows #DB and #BP. */
	uint32_t exception_bitmap;
	bool block_events;    /* neither NMIs nor interrupts come in */
	bool keep_rf;         /* the present instruction has loaded RF for the next one */
	gva_t aex_fault;      /* address of the last fault in an enclave, if it was #PF, else 0 */
	bool unstepped;       /* the present instruction is followed by no single-step #DB */
	_Atomic bool running; /* inside engine_run() */
	_Atomic bool parked;  /* at a safe point, for somebody who is exclusive */
	/*
	 * has_interrupt() of struct engine_ops may say yes: set before engine_kick() and
	 * cleared by an embedder that wants not to be asked each time; set in the beginning.
	 */
	_Atomic bool irq_hint;
	_Atomic uint32_t request;
	_Atomic uint64_t served; /* requests that may end host pointers, or rounds of them */
	/* Pages to be write-protected; under the engine's translate lock. More than fit: all. */
	const uint8_t *protect[ENGINE_PROTECT_MAX];
	unsigned int protect_count;
	uint64_t epoch_seen; /* of the engine's, see coherence.c */

	/* A bit for each page that it may have had a write entry for, by its host address. */
	_Atomic uint64_t may_write[ENGINE_MAY_WRITE_PAGES / 64];

	uint8_t xstate[4096] __attribute__((aligned(64))); /* guest's, XSAVE standard format */
	uint8_t bounce[2 * 4096] __attribute__((aligned(4096)));
	struct engine_itlb itlb;
	struct engine_tlb tlb[ENGINE_MMU_INDICES];
	struct engine_jumps jumps[ENGINE_MMU_INDICES];
};

/* Displacement from GS of a member. */
#define GS(member)  ((int32_t)offsetof(struct engine_vcpu, member))
#define GS_GPR(reg) (GS(cpu.state.gpr) + (int32_t)((reg) * sizeof(uint64_t)))
#define GS_SEG_BASE(n)       \
	(GS(cpu.state.seg) + \
	 (int32_t)((n) * sizeof(struct x86_segment) + offsetof(struct x86_segment, base)))

#define GS_SEG_SELECTOR(n)   \
	(GS(cpu.state.seg) + \
	 (int32_t)((n) * sizeof(struct x86_segment) + offsetof(struct x86_segment, selector)))

static inline struct engine_vcpu *vcpu_of(struct cpu *cpu)
{
	return (struct engine_vcpu *)((uint8_t *)cpu - offsetof(struct engine_vcpu, cpu));
}

#endif
