/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDM POPF, PUSHF, IRET, CLI, STI: which flags an instruction may change where. */
#ifndef EXCLAVE_CPU_FLAGS_H
#define EXCLAVE_CPU_FLAGS_H

#include "cpu/cpu.h"

/* Flags that any code may change: CF, PF, AF, ZF, SF, TF, DF, OF, NT. */
#define FLAGS_FREE                                                                       \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | \
	 X86_EFLAGS_TF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_NT)

/* RFLAGS after POPF of @width bytes that popped @image. The caller has popped it. */
uint64_t flags_after_popf(const struct cpu *cpu, uint64_t image, unsigned int width);

/* RFLAGS after IRET of @width bytes with @image, in every mode. */
uint64_t flags_after_iret(const struct cpu *cpu, uint64_t image, unsigned int width);

/* What PUSHF stores: RF and VM read as 0. */
uint64_t flags_for_pushf(const struct cpu *cpu);

/*
 * CLI and STI with the rules of protected-mode virtual interrupts (CR4.PVI). STI
 * that sets IF from 0 casts an interrupt shadow. Faults: #GP(0).
 */
enum cpu_result cpu_cli(struct cpu *cpu);
enum cpu_result cpu_sti(struct cpu *cpu);

/* STAC and CLAC. Faults: #UD without SMAP or at CPL > 0. */
enum cpu_result cpu_set_ac(struct cpu *cpu, bool ac);

#endif
