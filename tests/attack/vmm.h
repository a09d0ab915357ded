/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VMM of the least size, on /dev/kvm and /dev/sgx_vepc: a guest with 16 MiB of RAM, EPC and two
 * processors in 64-bit mode. A test says what the guest's kernel does, one instruction that matters
 * at a time, and gets back how it ended; all of it is executed by KVM_RUN. The test writes operands
 * into the guest's RAM itself, as another processor of the guest's would.
 *
 * What fails that is no test's matter ends the program.
 */
#ifndef EXCLAVE_TESTS_ATTACK_VMM_H
#define EXCLAVE_TESTS_ATTACK_VMM_H

#include "bare_vm.h"
#include "sgx/arch.h"

#define RAM_SIZE  UINT64_C(0x1000000)
#define EPC_PAGES 256u
#define EPC_SIZE  (EPC_PAGES * (uint64_t)SGX_PAGE_SIZE)
#define EPC_GPA   UINT64_C(0x100000000)

/* Linear: RAM as it is, for everybody; the EPC for the kernel; the window of the enclaves. */
#define EPC_GVA     UINT64_C(0x80000000)
#define WINDOW_GVA  UINT64_C(0x40000000)
#define WINDOW_SIZE UINT64_C(0x200000)
#define HOLE_GVA    UINT64_C(0xc0000000)

/* What of RAM is for operands; the rest above FREE_GPA is the test's. */
#define PAGEINFO_GPA  UINT64_C(0x200000)
#define SECINFO_GPA   UINT64_C(0x200040)
#define PCMD_GPA      UINT64_C(0x200080)
#define SOURCE_GPA    UINT64_C(0x201000)
#define SIGSTRUCT_GPA UINT64_C(0x202000)
#define TOKEN_GPA     UINT64_C(0x203000)
#define SHARED_GPA    UINT64_C(0x204000)
#define FREE_GPA      UINT64_C(0x400000)

#define PTE_P UINT64_C(1)
#define PTE_W UINT64_C(2)
#define PTE_U UINT64_C(4)

#define VECTOR_DONE 0x81 /* it came to its end */
#define VECTOR_NONE (-1) /* KVM_RUN ended for another reason, which exit_reason says */

struct vm {
	struct bare_vm bare;
	unsigned int epc_used; /* pages given out by vm_epc_page() */
};

struct outcome {
	int vector;
	uint32_t exit_reason;
	uint32_t error;
	uint64_t cr2;
	struct kvm_regs regs;
};

void vm_new(struct vm *vm);
void vm_free(struct vm *vm);

/* The next page of EPC that nobody has; the kernel's address of one. */
unsigned int vm_epc_page(struct vm *vm);
gva_t epc_gva(unsigned int page);
/* EREMOVEs all pages: all of them may be given out again. */
void vm_epc_clear(struct vm *vm);

void *vm_ram(struct vm *vm, gpa_t gpa);

/* The guest's kernel does it, on its first processor. */
struct outcome vm_encls(struct vm *vm, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx);
struct outcome vm_copy(struct vm *vm, gva_t dst, gva_t src, uint64_t size);
struct outcome vm_wrmsr(struct vm *vm, uint32_t index, uint64_t value);
/* A page of the window; @gpa with PTE_*. */
void vm_map(struct vm *vm, gva_t gva, uint64_t gpa_and_flags);

/* ENCLU at CPL 3 with these registers; RCX of EENTER and ERESUME is for vm_aep(). */
struct outcome vm_enclu(struct vm *vm, unsigned int cpu, const struct kvm_regs *regs);
uint64_t vm_aep(void);

#endif
