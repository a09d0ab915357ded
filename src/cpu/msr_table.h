/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a line of the MSR table is made. Private to the folder. */
#ifndef EXCLAVE_CPU_MSR_TABLE_H
#define EXCLAVE_CPU_MSR_TABLE_H

#include "cpu/msr.h"

#define MSR_F_LISTED    0x01 /* the VMM saves it */
#define MSR_F_FEATURE   0x02 /* describes a feature: the VMM may set it, reset keeps it */
#define MSR_F_READ_ONLY 0x04 /* the guest's write is #GP */
#define MSR_F_IGNORE    0x08 /* the guest's write has no effect */
#define MSR_F_COMMAND   0x10 /* write-only: the guest's read is #GP */
#define MSR_F_HOST_ONLY 0x20 /* not there for the guest */
#define MSR_F_CANONICAL 0x40
#define MSR_F_LOW32     0x80 /* the upper half of what is written is dropped */

struct msr {
	uint32_t index;
	uint32_t count; /* of consecutive numbers and fields */
	uint32_t flags;
	uint32_t offset; /* of the first field in struct cpu; 0: there is none */
	uint64_t mask;   /* bits that may be written, others are #GP; 0: all */
	bool (*offered)(const struct cpu *cpu);
	/* May @value be written? @n counts from @index. */
	bool (*valid)(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
	/* In place of the field. */
	uint64_t (*get)(struct cpu *cpu, uint32_t n);
	bool (*set)(struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
};

extern const struct msr msr_table[];
extern const unsigned int msr_table_count;

/* SDM "Memory Type Range Registers" and "Page Attribute Table". */
bool msr_valid_pat(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
bool msr_valid_mtrr_deftype(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
bool msr_valid_mtrr_fixed(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
bool msr_valid_mtrr_variable(const struct cpu *cpu, uint32_t n, bool host_initiated,
			     uint64_t value);

/* SDM "Machine-Check MSRs". */
bool msr_valid_mcg_ctl(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);
bool msr_valid_mc_bank(const struct cpu *cpu, uint32_t n, bool host_initiated, uint64_t value);

#endif
