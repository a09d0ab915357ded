/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Control Registers", XCR0 and IA32_EFER: what may be written, and what a
 * write demands of the owner of translations.
 */
#ifndef EXCLAVE_CPU_CONTROL_H
#define EXCLAVE_CPU_CONTROL_H

#include "cpu/cpu.h"

/* MOV to and from control register @n. Faults: #UD (no such register), #GP(0). */
enum cpu_result cpu_mov_to_cr(struct cpu *cpu, unsigned int n, uint64_t value);
enum cpu_result cpu_mov_from_cr(struct cpu *cpu, unsigned int n, uint64_t *value);

enum cpu_result cpu_lmsw(struct cpu *cpu, uint16_t value);
/* The whole of CR0: the caller stores as much as the operand takes. */
enum cpu_result cpu_smsw(struct cpu *cpu, uint64_t *value);
enum cpu_result cpu_clts(struct cpu *cpu);

/* XSETBV, XGETBV. Faults: #UD without CR4.OSXSAVE, #GP(0). */
enum cpu_result cpu_xsetbv(struct cpu *cpu, uint32_t index, uint64_t value);
enum cpu_result cpu_xgetbv(struct cpu *cpu, uint32_t index, uint64_t *value);

/*
 * Writes IA32_EFER. LMA keeps its value unless @host_initiated, which sets the
 * register as a whole. Return: false when the guest's write is #GP.
 */
bool control_set_efer(struct cpu *cpu, uint64_t value, bool host_initiated);

/* SDM XSETBV: is @xcr0 a combination that a processor with @allowed components takes? */
bool control_xcr0_is_valid(uint64_t xcr0, uint64_t allowed);

/*
 * The control registers that a VMM wants to set at once (KVM_SET_SREGS): do they
 * describe a mode that a processor can be in? @cs_l is CS.L.
 */
struct control_set {
	uint64_t cr0, cr3, cr4, cr8, efer;
	bool cs_l;
};

bool control_is_valid(const struct cpu *cpu, const struct control_set *set);
/* Sets them without questions, and announces all that may have changed. */
void control_load(struct cpu *cpu, const struct control_set *set);

#endif
