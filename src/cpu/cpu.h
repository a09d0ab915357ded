/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One logical processor: all architectural state of x86-64 that is neither
 * extended (x87, vector) state nor the contents of memory, and the table of
 * callbacks through which the functions of this folder reach the rest.
 *
 * A struct cpu belongs to the vCPU that embeds it and is touched only by the
 * thread that runs that vCPU, so it has no lock. The translator addresses
 * fields at fixed offsets: what it uses most stands first.
 *
 * Convention of every function that may fault: it returns enum cpu_result; with
 * CPU_FAULT the exception is in cpu->fault, and nothing else has changed but
 * what the architecture says changes. state.rip is the instruction's own
 * address until the function succeeds. Functions that transfer control set
 * state.rip themselves; the others leave it to the caller to step over the
 * instruction.
 */
#ifndef EXCLAVE_CPU_CPU_H
#define EXCLAVE_CPU_CPU_H

#include "lib/x86.h"

#include <stddef.h>

struct cpu;
struct cpuid_table;

enum cpu_result {
	CPU_OK,
	CPU_FAULT,      /* cpu->fault is to be delivered */
	CPU_SHUTDOWN,   /* triple fault */
	CPU_AGAIN,      /* a callback needs the VMM; nothing was done, call again */
	CPU_HOST_ERROR, /* cpu->host_errno: memory behind the guest's is gone */
};

/* Passes on whatever is not CPU_OK. */
#define CPU_TRY(expr)                          \
	do {                                   \
		enum cpu_result try_ = (expr); \
		if (try_ != CPU_OK)            \
			return try_;           \
	} while (0)

/*
 * SDM "Access Rights": what the processor does of itself to descriptor tables
 * and to the TSS is a supervisor access at any CPL, which EFLAGS.AC does not
 * free from SMAP. Comes beside the PFERR_* bits of an access.
 */
#define CPU_ACCESS_IMPLICIT (UINT32_C(1) << 31)

/* SDM "Invalidation of TLBs and Paging-Structure Caches": what a write demands. */
enum cpu_flush {
	CPU_FLUSH_NONE,
	CPU_FLUSH_PCID,      /* entries of the current PCID that are not global */
	CPU_FLUSH_NONGLOBAL, /* entries of all PCIDs that are not global */
	CPU_FLUSH_ALL,
};

struct cpu_paging_change {
	uint64_t cr0, cr3, cr4, efer; /* before; the new values are in the cpu */
	enum cpu_flush flush;
	/*
	 * A bit that decides what a translation permits has changed (WP, SMEP,
	 * SMAP, NXE, PKE), which is void for a TLB that keeps decisions.
	 */
	bool permissions;
};

/* MSRs that belong to another object. @first..@last inclusive. */
struct cpu_msr_range {
	uint32_t first;
	uint32_t last;
	/* As cpu_msr_get() and cpu_msr_set() of msr.h; false is refusal (#GP for the guest). */
	bool (*get)(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value);
	bool (*set)(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value);
	bool listed; /* does it appear among the MSRs to save? */
};

struct cpu_ops {
	/*
	 * Linear memory. @access is made of PFERR_WRITE_MASK and PFERR_USER_MASK
	 * and CPU_ACCESS_IMPLICIT. @gva[0..@len) may cross one page border (and
	 * wraps at 4 GiB outside IA-32e mode); all of it is translated before the
	 * first byte is moved, and cpu->fault.address is the first byte refused.
	 * An address that is not canonical is #GP(0). No alignment checks here.
	 */
	enum cpu_result (*read)(struct cpu *cpu, gva_t gva, void *dst, size_t len, uint32_t access);
	enum cpu_result (*write)(struct cpu *cpu, gva_t gva, const void *src, size_t len,
				 uint32_t access);
	/*
	 * ORs @bits into the byte at @gva, atomically with regard to other
	 * processors; @old is what it was before.
	 */
	enum cpu_result (*or_byte)(struct cpu *cpu, gva_t gva, uint8_t bits, uint8_t *old,
				   uint32_t access);

	/*
	 * SDM "PDPTE Registers": loads the four PDPTEs at @cr3 for PAE paging.
	 * CPU_FAULT without cpu->fault when one has a reserved bit; the caller
	 * makes it #GP(0) and keeps the old ones.
	 */
	enum cpu_result (*load_pdptes)(struct cpu *cpu, uint64_t cr3);

	/* CR0, CR3, CR4 or EFER have changed. */
	void (*paging_changed)(struct cpu *cpu, const struct cpu_paging_change *change);

	/*
	 * What translated code depends on has changed: CPL, CS, XCR0, CR0, CR4,
	 * EFER or, outside 64-bit mode, any segment register.
	 */
	void (*mode_changed)(struct cpu *cpu);

	/* CR8 was written by the guest. Whoever owns the TPR keeps cpu->cr8 up to date. */
	void (*cr8_changed)(struct cpu *cpu);

	/* DR0-3, DR7 or what breakpoints depend on has changed. */
	void (*debug_changed)(struct cpu *cpu);

	/* XGETBV with ECX = 1: the components of XCR0 that are in use. */
	uint64_t (*xinuse)(struct cpu *cpu);

	/*
	 * Optional: changes what CPUID answers where it follows the embedder's
	 * state, as CPUID.1:EDX.APIC follows IA32_APIC_BASE.
	 */
	void (*cpuid_fixup)(struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

	const struct cpu_msr_range *msr_ranges;
	unsigned int msr_range_count;
};

struct cpu_table {
	uint64_t base;
	uint16_t limit;
};

/* Interrupt shadow; the values are KVM_X86_SHADOW_INT_*. */
#define CPU_SHADOW_MOV_SS 0x01
#define CPU_SHADOW_STI    0x02

/* What waits to be delivered, and what blocks it; in the terms of KVM_GET_VCPU_EVENTS. */
struct cpu_events {
	struct {
		bool injected;
		bool pending;
		bool soft; /* of an INT3 or INTO of one byte, which is done with it */
		bool has_error_code;
		bool has_payload;
		uint8_t vector;
		uint32_t error_code;
		uint64_t payload; /* #DB: bits to set in DR6; #PF: the address */
	} exception;
	struct {
		bool injected;
		bool soft;
		uint8_t vector;
	} interrupt;
	struct {
		bool injected;
		bool pending;
		bool blocked; /* SDM "Handling Multiple NMIs" */
	} nmi;
	bool smi_pending;
	bool triple_fault;
	uint8_t shadow; /* CPU_SHADOW_* */
	uint32_t sipi_vector;
};

#define CPU_MTRR_VARIABLE 8
#define CPU_MTRR_FIXED    11
#define CPU_MC_BANKS      32

struct cpu_mc_bank {
	uint64_t ctl, status, addr, misc;
};

struct cpu_msrs {
	uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t pat, misc_enable, misc_features_enables, spec_ctrl, xss;
	uint64_t tsc_offset; /* added to the host's TSC */
	uint64_t tsc_adjust;
	uint64_t arch_capabilities, platform_info, ucode_rev;
	uint64_t smbase, smi_count;
	uint64_t mtrr_deftype;
	uint64_t mtrr_fixed[CPU_MTRR_FIXED];
	uint64_t mtrr_variable[2 * CPU_MTRR_VARIABLE]; /* base, mask, base, mask ... */
	uint64_t mcg_cap, mcg_status, mcg_ctl;
	struct cpu_mc_bank mc[CPU_MC_BANKS];
};

/* What the CPUID table implies, worked out once when it is set (cpuid.h). */
struct cpu_features {
	uint64_t cr4_allowed;
	uint64_t efer_allowed;
	uint64_t xcr0_allowed;
	uint64_t xss_allowed;
	uint64_t spec_ctrl_allowed;
	bool arch_capabilities;
	bool tsc_adjust;
	bool rdtscp; /* IA32_TSC_AUX: RDTSCP or RDPID */
	bool pred_cmd;
	bool flush_cmd;
	bool mtrr, mce, smap, lm, xgetbv1, xsaves;
	uint8_t phys_bits;
};

/* A debugger of the embedder's that has taken the breakpoints: the guest's match nothing then. */
struct cpu_debugger {
	bool has_breakpoints;
	uint64_t dr[4];
	uint64_t dr7;
};

struct cpu {
	struct x86_state state;
	uint64_t cr3; /* with the PCID, without bit 63 */
	uint64_t cr8;
	uint64_t dr[4];
	uint64_t dr6;
	uint64_t dr7;
	struct cpu_debugger debugger;
	struct x86_exception fault; /* valid after CPU_FAULT */
	int host_errno;             /* valid after CPU_HOST_ERROR */
	struct cpu_table gdtr, idtr;
	struct x86_segment ldtr, tr;
	struct cpu_events events;

	const struct cpu_ops *ops;
	void *owner;
	const struct cpuid_table *cpuid; /* the owner's; may be NULL: then no leaf exists */
	struct cpu_features features;
	struct cpu_msrs msr;
	bool is_bsp;
};

/* The state that KVM gives a new vCPU: cpu_reset() with @is_bsp, and no CPUID table. */
void cpu_init(struct cpu *cpu, const struct cpu_ops *ops, void *owner, bool is_bsp);

/* SDM "Processor State After Reset". The CPUID table and MCG_CAP stay. */
void cpu_reset(struct cpu *cpu);

/*
 * SDM "IA-32 Processor States Following Power-up, Reset, or INIT": keeps CR0.CD/NW,
 * MSRs, the TSC and the extended state, which is the owner's.
 */
void cpu_init_signal(struct cpu *cpu);

/* SDM "Typical AP Initialization": the page of a start-up IPI. */
void cpu_sipi(struct cpu *cpu, uint8_t vector);

static inline bool cpu_in_protected_mode(const struct cpu *cpu)
{
	return cpu->state.cr0 & X86_CR0_PE;
}

static inline bool cpu_in_long_mode(const struct cpu *cpu)
{
	return cpu->state.efer & EFER_LMA;
}

static inline unsigned int cpu_iopl(const struct cpu *cpu)
{
	return (cpu->state.rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

#endif
