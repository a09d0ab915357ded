/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What RET far and IRET have in common. Private to the folder. */
#ifndef EXCLAVE_CPU_RETURN_H
#define EXCLAVE_CPU_RETURN_H

#include "cpu/gate.h"

/* Reads and checks the code segment to return to; also truncates *@rip for 16- and 32-bit code. */
enum cpu_result return_check_cs(struct cpu *cpu, uint16_t selector, uint64_t *rip,
				struct descriptor *cs);

/* The stack segment of a return to @cs; @ss is what to load. */
enum cpu_result return_check_ss(struct cpu *cpu, const struct descriptor *cs, uint16_t selector,
				struct x86_segment *ss);

/*
 * Loads CS:RIP and SS:RSP for a return to the privilege in @cs' selector, and
 * drops the data segments that it may not keep.
 */
void return_commit(struct cpu *cpu, const struct descriptor *cs, uint64_t rip,
		   const struct x86_segment *ss, uint64_t sp);

#endif
