/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transfers of control between segments and privileges by instructions. Each
 * sets CS:RIP (and SS:RSP, RFLAGS) of the cpu when it succeeds.
 *
 * Hardware task switches are not there: a task gate or TSS as target is
 * #GP(selector), IRET with EFLAGS.NT is #GP(0), and so is an IRET that asks for
 * virtual-8086 mode (docs/errata.md).
 */
#ifndef EXCLAVE_CPU_TRANSFER_H
#define EXCLAVE_CPU_TRANSFER_H

#include "cpu/cpu.h"

/*
 * SDM JMP, CALL, RET, "far". @width is the operand size in bytes, 2, 4 or 8; @next_rip
 * the address after the instruction; @release the immediate of RET.
 * Faults: #GP, #NP, #SS, #TS, #PF, #AC.
 */
enum cpu_result cpu_far_jmp(struct cpu *cpu, uint16_t selector, uint64_t offset,
			    unsigned int width);
enum cpu_result cpu_far_call(struct cpu *cpu, uint16_t selector, uint64_t offset,
			     unsigned int width, uint64_t next_rip);
enum cpu_result cpu_far_ret(struct cpu *cpu, unsigned int width, uint16_t release);

/* SDM IRET/IRETD/IRETQ. NMIs are no longer blocked even if it faults. */
enum cpu_result cpu_iret(struct cpu *cpu, unsigned int width);

/*
 * SDM SYSCALL, SYSRET, SYSENTER, SYSEXIT as Intel's processors do them. @is_64bit
 * is REX.W of the two returns. Faults: #UD, #GP(0).
 */
enum cpu_result cpu_syscall(struct cpu *cpu, uint64_t next_rip);
enum cpu_result cpu_sysret(struct cpu *cpu, bool is_64bit);
enum cpu_result cpu_sysenter(struct cpu *cpu);
enum cpu_result cpu_sysexit(struct cpu *cpu, bool is_64bit);

#endif
