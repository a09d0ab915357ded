/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest with SGX in long mode without paging: RAM at 0, virtual EPC at EPC_GPA. Built on
 * fixture.h; all registers are the test's to set.
 */
#ifndef EXCLAVE_TESTS_UNIT_KVM_SGX_FIXTURE_H
#define EXCLAVE_TESTS_UNIT_KVM_SGX_FIXTURE_H

#include "fixture.h"

#include "host/vepc.h"
#include "sgx/sgx.h"

#define EPC_GPA   0x100000
#define EPC_PAGES 4
#define HOLE_GPA  0x200000

#define FEATURE_CONTROL 0x3a
#define PUBKEY_HASH0    0x8c
#define FC_LOCK         FEAT_CTL_LOCKED
#define FC_SGX          FEAT_CTL_SGX_ENABLED
#define FC_LC           FEAT_CTL_SGX_LC_ENABLED

/* Operands in RAM. */
#define PAGEINFO_GPA  0x1000
#define SECINFO_GPA   0x1040
#define SECS_GPA      0x2000
#define SIGSTRUCT_GPA 0x3000
#define TOKEN_GPA     0x4000

struct cpuid_of_vmm {
	struct cpuid_head head;
	struct kvm_cpuid_entry2 entry[CPUID_MAX_ENTRIES];
};

/* What is offered, for a test to change. */
void offered_cpuid(struct fixture *f, struct cpuid_of_vmm *cpuid);
struct kvm_cpuid_entry2 *cpuid_entry(struct cpuid_of_vmm *cpuid, uint32_t leaf, uint32_t index);

/* A vEPC of EPC_PAGES pages, mapped at *@at. */
struct vepc *epc_map(uint8_t **at);
/* The mapping goes, and the caller's reference. */
void epc_unmap(struct vepc *vepc, uint8_t *at);
long epc_slot_set(struct fixture *f, uint32_t slot, gpa_t gpa, const uint8_t *at, uint64_t size);
uint64_t epc_free(void);

/* The contents of page @page at EPC_GPA, which has been touched. */
void *epc_contents(unsigned int page);
/* EREMOVE of it. */
void epc_remove(unsigned int page);

/* setup(), then all of the above, with firmware that has enabled SGX. */
int sgx_setup(void **state);
/* Afterwards the pool has all its pages. */
int sgx_teardown(void **state);

/* KVM_CAP_SGX_ATTRIBUTE. */
long enable_provisioning(struct fixture *f, int fd);

/* A legal ECREATE in RAM and registers, of EPC page @page. Return: its source, to spoil. */
struct sgx_secs *legal_ecreate(struct fixture *f, unsigned int page);
struct sgx_pageinfo *ecreate_pageinfo(struct fixture *f);
struct sgx_secinfo *ecreate_secinfo(struct fixture *f);
/* The registers of EINIT of EPC page @page, with zeros for operands. */
struct sgx_sigstruct *zero_einit(struct fixture *f, unsigned int page);

/* ENCLS as intercepted. */
void expect_ok(struct fixture *f);
void expect_fault(struct fixture *f, uint8_t vector, uint32_t error_code, gva_t address);
#define expect_gp(f) expect_fault(f, GP_VECTOR, 0, 0)
#define expect_ud(f) expect_fault(f, UD_VECTOR, 0, 0)
#define PF_SGX       (PFERR_PRESENT_MASK | PFERR_WRITE_MASK | PFERR_SGX_MASK)
/* KVM_RUN ends with an emulation failure that tells @words of @address and @size. */
void expect_emulation_failure(struct fixture *f, unsigned int words, uint64_t address,
			      uint64_t size);

#endif
