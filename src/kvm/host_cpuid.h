/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUID as the VMM itself executes it, which on a machine with SGX shows it the machine's. No
 * call leads that to us: a thread sees the model's SGX while it has CPUID faulting
 * (kvm_cpuid_show_sgx()), which the door asks for where a VMM looks (preload/sgx_node.c).
 */
#ifndef EXCLAVE_KVM_HOST_CPUID_H
#define EXCLAVE_KVM_HOST_CPUID_H

#include "cpu/cpuid.h"

#define HOST_CPUID_SECTIONS 64

/* The SGX of a processor: features by leaf 7, and leaf 12H. */
struct host_cpuid_sgx {
	bool sgx;
	bool launch_control;
	uint32_t leaf12[2][CPUID_NR_REGS];
	unsigned int section_count;
	struct {
		uint64_t base;
		uint64_t size;
	} section[HOST_CPUID_SECTIONS];
};

/* Puts @sgx into @regs, the answer of a processor with or without SGX of its own. */
void host_cpuid_amend(const struct host_cpuid_sgx *sgx, uint32_t leaf, uint32_t subleaf,
		      uint32_t regs[CPUID_NR_REGS]);

/* The model's, and that of its EPC in this process. */
void host_cpuid_of_model(struct host_cpuid_sgx *sgx);

#endif
