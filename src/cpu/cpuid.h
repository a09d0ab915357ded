/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID. What we can offer is worked out once from the host's own answers
 * (cpuid_offer()); what a guest sees is a table that the VMM makes of it and
 * gives to each processor (cpu_set_cpuid()). A table belongs to its vCPU and is
 * constant while the vCPU runs.
 */
#ifndef EXCLAVE_CPU_CPUID_H
#define EXCLAVE_CPU_CPUID_H

#include "cpu/cpu.h"

enum cpuid_reg {
	CPUID_EAX,
	CPUID_EBX,
	CPUID_ECX,
	CPUID_EDX,
	CPUID_NR_REGS,
};

struct cpuid_entry {
	uint32_t leaf;
	uint32_t subleaf;
	bool has_subleaf; /* KVM_CPUID_FLAG_SIGNIFCANT_INDEX */
	uint32_t regs[CPUID_NR_REGS];
};

#define CPUID_MAX_ENTRIES 256 /* KVM_MAX_CPUID_ENTRIES */

struct cpuid_table {
	unsigned int count;
	struct cpuid_entry entry[CPUID_MAX_ENTRIES];
};

/* How the host's processor answers. */
typedef void cpuid_host_fn(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS]);

cpuid_host_fn cpuid_host;

/*
 * What the embedder decides: SGX leaves (0x12) and the bits that go with them,
 * the hypervisor's leaves, and what its interrupt controller can do.
 */
struct cpuid_extra {
	bool sgx;
	bool sgx_lc;
	bool x2apic;
	bool tsc_deadline;
	uint32_t tsc_khz;                  /* leaves 0x15 and 0x16; 0: not offered */
	const struct cpuid_entry *entries; /* leaf 0x12, 0x40000000 ... */
	unsigned int entry_count;
};

/*
 * Fills @table with everything that the processor can do on this host, in the
 * form of KVM_GET_SUPPORTED_CPUID: host features masked by the engine's.
 */
void cpuid_offer(struct cpuid_table *table, cpuid_host_fn *host, const struct cpuid_extra *extra);

/* The entry for @leaf and @subleaf, or NULL. */
const struct cpuid_entry *cpuid_find(const struct cpuid_table *table, uint32_t leaf,
				     uint32_t subleaf);

/*
 * Gives @cpu the table, which the caller keeps, and works out cpu->features.
 * CR4, EFER, XCR0 and XSS are not looked at again: a VMM sets the table first.
 */
void cpu_set_cpuid(struct cpu *cpu, const struct cpuid_table *table);

/*
 * The CPUID instruction: @leaf from EAX, @subleaf from ECX. Bits that follow
 * CR4, XCR0 and IA32_XSS are put in. Fault: #GP(0) by CPUID faulting at CPL > 0.
 */
enum cpu_result cpu_cpuid(struct cpu *cpu, uint32_t leaf, uint32_t subleaf,
			  uint32_t regs[CPUID_NR_REGS]);

/* The bytes of an XSAVE area with @xfeatures, standard or compacted. */
uint32_t cpuid_xsave_size(const struct cpuid_table *table, uint64_t xfeatures, bool compacted);

#endif
