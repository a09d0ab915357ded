/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same-ISA translator: runs a guest's code on the host CPU, with every
 * memory access resolved in software.
 *
 * An engine belongs to a VM: its code cache is shared by the VM's processors.
 * Each struct engine_vcpu belongs to the thread that runs it; its embedder may
 * read and write v->cpu, v->xstate and v->exit while no engine_run() is under
 * way, and calls engine_state_changed() after it has changed registers there.
 */
#ifndef EXCLAVE_ENGINE_ENGINE_H
#define EXCLAVE_ENGINE_ENGINE_H

#include "engine/vcpu.h"

struct leaf_result;
struct sgx_cpuid;
struct sgx_platform;

/* What the storey above decides. Called on the vCPU's thread, without locks. All optional. */
struct engine_ops {
	/*
	 * RDMSR and WRMSR, in the place of cpu_rdmsr() and cpu_wrmsr(). CPU_AGAIN
	 * with v->exit.reason set leaves engine_run(); the instruction is
	 * executed again afterwards.
	 */
	enum cpu_result (*rdmsr)(struct engine_vcpu *v, uint32_t index, uint64_t *value);
	enum cpu_result (*wrmsr)(struct engine_vcpu *v, uint32_t index, uint64_t value);
	/*
	 * An interrupt controller of the VM's own: is there an interrupt for the
	 * processor, which could take one now? Return: its vector, acknowledged,
	 * or -1.
	 */
	int (*take_interrupt)(struct engine_vcpu *v);
	/*
	 * The same question without acknowledging, but the processor may be one that cannot
	 * take it now. Asked between instructions while v->irq_hint is set; it may also
	 * make v->cpu.events.nmi.pending true and say yes.
	 */
	bool (*has_interrupt)(struct engine_vcpu *v);
	/*
	 * ENCLS that the "ENCLS exiting" bitmap asks for. CPU_OK: done, RIP is
	 * the handler's business. CPU_FAULT, CPU_HOST_ERROR as everywhere; CPU_AGAIN
	 * with v->exit.reason set leaves engine_run() with nothing done. A handler
	 * that wants the leaf executed returns
	 * engine_leaf_result(v, sgx_encls_leaf(v->sgx)). Without one that is done.
	 */
	enum cpu_result (*encls_exit)(struct engine_vcpu *v);
	/*
	 * VMCALL and VMMCALL, at any privilege level, which the handler looks at. Results as
	 * for encls_exit; after CPU_OK the engine steps over the instruction. Without a handler: #UD.
	 */
	enum cpu_result (*hypercall)(struct engine_vcpu *v);
};

struct engine_config {
	const struct engine_ops *ops;
	struct memslots *slots; /* outlives the engine */
	size_t cache_size;      /* bytes of host code; 0: the default */
	/* Modes for tests, see engine_debug. */
	uint32_t debug;
	/* In builds with debug_locks: one in so many safe points is an eventful one; 0: none. */
	uint32_t stress, stress_seed;
};

#define ENGINE_DEBUG_SINGLE   0x1 /* one instruction per block */
#define ENGINE_DEBUG_NO_CHAIN 0x2 /* every block goes back to C */
/* At any instruction a block may stop, as if it had faulted, and go on from the rebuilt state. */
#define ENGINE_DEBUG_FAULT_MAP  0x4
#define ENGINE_DEBUG_TINY_CACHE 0x8

struct engine_vcpu_config {
	bool is_bsp;
	int run_fd; /* page 0 of this file is kvm_run; -1: a page of the engine's own */
	void *owner;
	/* For struct cpu_ops, as there. */
	const struct cpu_msr_range *msr_ranges;
	unsigned int msr_range_count;
	void (*cpuid_fixup)(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
	void (*cr8_changed)(struct cpu *cpu);
};

/* Return: 0 with @engine set, or -errno. */
int engine_new(const struct engine_config *config, struct engine **engine);
/* All its vCPUs are gone. */
void engine_free(struct engine *engine);

/* Return: 0 with @v in the state after reset, or -errno. */
int engine_vcpu_new(struct engine *engine, const struct engine_vcpu_config *config,
		    struct engine_vcpu **v);
void engine_vcpu_free(struct engine_vcpu *v);

/*
 * Gives the processor SGX, as v->sgx, whose fields for the embedder are then the caller's to
 * set; called again, another @cpuid. Both outlive the vCPU or the next call. Not while
 * engine_run() is under way.
 * Return: 0; -EINVAL when XFRM could have components that the engine does not, or
 * for another platform than before; -ENOMEM.
 */
int engine_vcpu_set_sgx(struct engine_vcpu *v, struct sgx_platform *platform,
			const struct sgx_cpuid *cpuid);

/* What becomes of the ENCLS or ENCLU that a leaf function has ended with @res; not LEAF_EXIT. */
enum cpu_result engine_leaf_result(struct engine_vcpu *v, struct leaf_result res);

/*
 * The bytes of the EPC page at @host (epcm_page()) have changed: what an embedder
 * calls when struct sgx_platform says page_changed(). Any thread, without locks.
 */
void engine_code_changed(const uint8_t *host);

/*
 * Runs the guest until something needs the caller: v->exit. Finishes what the
 * last exit began: the caller has put the data of an input or a device read into
 * v->exit. Events in v->cpu.events that are marked as injected are delivered
 * first. A processor in enclave mode is never seen: each exit is an AEX first.
 * Thread: always the same one between two calls of engine_state_changed().
 */
enum engine_exit_reason engine_run(struct engine_vcpu *v);

/*
 * Control registers, segments, EFER, XCR0, debug registers or CPL in v->cpu are
 * not what the engine last saw: forget translations that depend on them.
 */
void engine_state_changed(struct engine_vcpu *v);
/* cpu_reset() or cpu_init_signal() has been called: extended state after reset, too. */
void engine_reset_xstate(struct engine_vcpu *v);

/* Drops all translations of linear addresses. On the vCPU's thread, or outside of engine_run(). */
void engine_flush_tlb(struct engine_vcpu *v);

/* Makes engine_run() of @v return or look for interrupts soon. Any thread, also in a signal handler. */
void engine_kick(struct engine_vcpu *v);

/* The same, but it does return: ENGINE_EXIT_KICK, before its next instruction. */
void engine_request_exit(struct engine_vcpu *v);

/*
 * Returns when every vCPU has passed a safe point with its TLB empty: the
 * `synchronize` of struct memslots. Any thread but a vCPU's inside engine_run().
 */
void engine_synchronize(struct engine *engine);

/*
 * Host programs: from now on CPUID executed by the calling thread, and by threads that it
 * makes afterwards, answers what @amend leaves in @regs, which come with the host's answer.
 * @amend runs in a signal handler; the last one given serves all threads. A thread that
 * blocks SIGSEGV must not execute CPUID, and each switch between threads costs a write of an MSR.
 * Return: 0; -ENODEV when the host has no CPUID faulting; -errno.
 */
typedef void engine_cpuid_fn(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);
int engine_cpuid_intercept(engine_cpuid_fn *amend);
/* No longer, for the calling thread. */
void engine_cpuid_release(void);

/*
 * The VMM may have written guest RAM (a return from KVM_RUN, an interrupt of a
 * device): translated code is compared with memory again before its next use.
 */
void engine_memory_written(struct engine *engine);
/*
 * The embedder has written the bytes [@host, @host + @len), which do not cross a page, itself:
 * much less than the above, for what is written often. Callers as of engine_flush_tlb().
 */
void engine_bytes_written(struct engine_vcpu *v, const uint8_t *host, uint32_t len);

#endif
