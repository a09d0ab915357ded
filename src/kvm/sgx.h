/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SGX virtualization as KVM does it: what guests may have (sgx_cpuid.c, sgx_features.c), which
 * ENCLS leaves come to KVM and what it makes of them (encls_exit.c), and memory slots of
 * virtual EPC (sgx_memory.c).
 *
 * All of a vCPU's belongs to the thread that holds its lock.
 */
#ifndef EXCLAVE_KVM_SGX_H
#define EXCLAVE_KVM_SGX_H

#include "cpu/cpuid.h"
#include "mmu/memslot.h"
#include "sgx/sgx.h"

struct engine_vcpu;
struct kvm_vcpu;
struct kvm_vm;
struct encls_host;

/* An ENCLS that ends KVM_RUN. */
enum encls_leave {
	ENCLS_LEAVE_NONE,
	ENCLS_LEAVE_EMULATION, /* KVM_INTERNAL_ERROR_EMULATION with what could not be reached */
	ENCLS_LEAVE_UNKNOWN,   /* KVM_EXIT_UNKNOWN */
};

struct vcpu_sgx {
	struct sgx_cpuid cpuid;  /* of the processor that the guest's CPUID describes */
	struct encls_host *host; /* NULL until the guest has SGX */
	enum encls_leave leave;
	unsigned int leave_words;
	uint64_t leave_data[2];
};

/* SDM "IA32_SGXLEPUBKEYHASHn": the hash of Intel's own key. */
extern const uint64_t sgx_intel_pubkey_hash[4];

/* sgx_cpuid.c */

/* Adds leaf 12H to what KVM_GET_SUPPORTED_CPUID says. */
void sgx_cpuid_offer(struct cpuid_table *table);
/* KVM_SET_CPUID2: an enclave has no components that the guest's XCR0 could not have. */
void sgx_cpuid_limit(struct cpuid_table *table);
/*
 * @table is to be the vCPU's: gives its processor SGX accordingly.
 * Return: 0 or -errno, with a reason on standard error where there is no platform.
 */
int vcpu_set_sgx(struct kvm_vcpu *vcpu, const struct cpuid_table *table);
void vcpu_free_sgx(struct kvm_vcpu *vcpu);
/* CPUID as the guest executes it. */
void sgx_cpuid_fixup(uint32_t leaf, uint32_t subleaf, uint32_t regs[CPUID_NR_REGS]);

/* The host's processor, on which KVM runs the leaves that it has intercepted. */
const struct sgx_cpuid *sgx_cpuid_of_host(void);
/* Registers of a leaf 12H entry that the host offers; zeros for others. */
void sgx_cpuid_host_leaf(uint32_t subleaf, uint32_t regs[CPUID_NR_REGS]);

/* encls_exit.c */

/* CPUID or IA32_FEATURE_CONTROL has changed: which leaves are intercepted. */
void vcpu_update_encls_bitmap(struct kvm_vcpu *vcpu);
/* IA32_SGXLEPUBKEYHASHn have changed. */
void vcpu_update_pubkey_hash(struct kvm_vcpu *vcpu);
enum cpu_result vcpu_encls_exit(struct engine_vcpu *v);
/* Fills in kvm_run for an ENCLS that ends KVM_RUN. Return: is that why it ended? */
bool vcpu_encls_leave(struct kvm_vcpu *vcpu);

/* encls_host.c */

struct encls_host *encls_host_new(struct sgx_platform *platform);
void encls_host_free(struct encls_host *host);
/* Operands of a leaf, copied for good. */
struct sgx_pageinfo *encls_host_pageinfo(struct encls_host *host);
struct sgx_secinfo *encls_host_secinfo(struct encls_host *host);
struct sgx_secs *encls_host_secs(struct encls_host *host);
struct sgx_sigstruct *encls_host_sigstruct(struct encls_host *host);
struct sgx_einittoken *encls_host_token(struct encls_host *host);
/*
 * Linux' sgx_virt_ecreate() and sgx_virt_einit(): runs the leaf on the copies and the page of
 * EPC @hpa, or on a page that is no EPC with 0.
 */
struct leaf_result encls_host_ecreate(struct encls_host *host, hpa_t hpa);
struct leaf_result encls_host_einit(struct encls_host *host, hpa_t hpa,
				    const uint64_t pubkey_hash[4]);

/* sgx_memory.c */

/* KVM_SET_USER_MEMORY_REGION, which may be of virtual EPC. */
long vm_set_region(struct kvm_vm *vm, const struct kvm_userspace_memory_region *region);
/* The slots go, with the virtual EPC that they hold. */
void vm_free_slots(struct memslots *slots);

#endif
