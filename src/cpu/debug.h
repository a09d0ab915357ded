/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Debug Registers": moves, what a breakpoint matches, and DR6. A set of
 * DR6 bits travels as in KVM's payload: the bits of DR6 that are active low
 * (RTM, BLD) are 1 in it when the condition holds.
 */
#ifndef EXCLAVE_CPU_DEBUG_H
#define EXCLAVE_CPU_DEBUG_H

#include "cpu/cpu.h"

#define DR6_BLD        (UINT64_C(1) << 11)
#define DR6_BD         (UINT64_C(1) << 13)
#define DR6_BS         (UINT64_C(1) << 14)
#define DR6_BT         (UINT64_C(1) << 15)
#define DR6_RTM        (UINT64_C(1) << 16)
#define DR6_TRAP_BITS  UINT64_C(0xf)
#define DR6_INIT       UINT64_C(0xffff0ff0)
#define DR6_ACTIVE_LOW (DR6_BLD | DR6_RTM)
#define DR7_GE         (UINT64_C(1) << 9)
#define DR7_FIXED_1    UINT64_C(0x400)
#define DR7_GD         (UINT64_C(1) << 13)
#define DR7_ENABLES    UINT64_C(0xff)

/* SDM "Debug Control Register (DR7)": the R/W field. */
enum debug_type {
	DEBUG_EXECUTE,
	DEBUG_WRITE,
	DEBUG_IO, /* with CR4.DE, else undefined: matches nothing */
	DEBUG_ACCESS,
};

struct debug_breakpoint {
	bool enabled;
	enum debug_type type;
	unsigned int len;
	gva_t gva; /* aligned to @len, as the processor takes it */
};

/* The registers that breakpoints match by. */
static inline const uint64_t *debug_active_dr(const struct cpu *cpu)
{
	return cpu->debugger.has_breakpoints ? cpu->debugger.dr : cpu->dr;
}

static inline uint64_t debug_active_dr7(const struct cpu *cpu)
{
	return cpu->debugger.has_breakpoints ? cpu->debugger.dr7 : cpu->dr7;
}

static inline bool debug_is_watching(const struct cpu *cpu)
{
	return debug_active_dr7(cpu) & DR7_ENABLES;
}

struct debug_breakpoint debug_decode(const struct cpu *cpu, unsigned int n);

/*
 * The DR6 bits for an instruction at linear address @gva (before it, unless RF
 * is set), for an access to @gva[0..@len), and for a port. SDM "Debug Status
 * Register (DR6)": breakpoints that are not enabled report too once an enabled
 * one has matched.
 */
uint64_t debug_match_execute(const struct cpu *cpu, gva_t gva);
uint64_t debug_match_data(const struct cpu *cpu, gva_t gva, size_t len, bool is_write);
uint64_t debug_match_io(const struct cpu *cpu, uint16_t port, size_t len);

/* Delivery of #DB: DR6 takes @dr6, GD is cleared. */
void debug_record(struct cpu *cpu, uint64_t dr6);

/* SDM MOV "Move to/from Debug Registers". Faults: #UD, #GP(0), #DB by DR7.GD. */
enum cpu_result cpu_mov_from_dr(struct cpu *cpu, unsigned int n, uint64_t *value);
enum cpu_result cpu_mov_to_dr(struct cpu *cpu, unsigned int n, uint64_t value);

/* The bits of DR6 and DR7 that cannot be written put right: for state set by the VMM. */
uint64_t debug_dr6_fix(uint64_t value);
uint64_t debug_dr7_fix(uint64_t value);

#endif
