/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers. One table holds those whose state is in struct cpu:
 * number, who may read and write which bits, value after reset. The others
 * belong to the ranges of cpu_ops. What is in neither is #GP.
 */
#ifndef EXCLAVE_CPU_MSR_H
#define EXCLAVE_CPU_MSR_H

#include "cpu/cpu.h"
#include "cpu/msr_index.h"

/* SDM RDMSR, WRMSR: by ECX, EDX:EAX. Faults: #GP(0). */
enum cpu_result cpu_rdmsr(struct cpu *cpu, uint32_t index, uint64_t *value);
enum cpu_result cpu_wrmsr(struct cpu *cpu, uint32_t index, uint64_t value);

/*
 * The same for the VMM's KVM_GET_MSRS and KVM_SET_MSRS with @host_initiated: MSRs
 * that CPUID does not offer are reachable, and constants can be set.
 * Return: false when refused, with nothing changed.
 */
bool cpu_msr_get(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t *value);
bool cpu_msr_set(struct cpu *cpu, uint32_t index, bool host_initiated, uint64_t value);

/*
 * The MSRs that a VMM is to save, from the table and from the listed ranges of
 * @ops; and those that describe features (KVM_GET_MSR_FEATURE_INDEX_LIST).
 * Writes at most @max to @list. Return: how many there are.
 */
unsigned int cpu_msr_list(const struct cpu_ops *ops, uint32_t *list, unsigned int max);
unsigned int cpu_msr_feature_list(uint32_t *list, unsigned int max);

/* Values after reset; MCG_CAP and what describes features stay. */
void msr_reset(struct cpu *cpu);

/* RDTSC, RDTSCP: the guest's TSC now. Fault: #GP(0) under CR4.TSD at CPL > 0. */
enum cpu_result cpu_rdtsc(struct cpu *cpu, uint64_t *value);

/* RDPMC: there are no counters. Fault: #GP(0). */
enum cpu_result cpu_rdpmc(struct cpu *cpu);

#endif
