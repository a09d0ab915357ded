/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest VM that a user of KVM can make: RAM from guest-physical 0 on, with page and
 * descriptor tables in it, and vCPUs in 64-bit mode at CPL 0. What is mapped where, what runs there
 * and what its exits mean is the caller's. Whatever fails ends the program with a message.
 *
 * A VM is made and ended by one thread; each vCPU may have a thread of its own in between.
 */
#ifndef EXCLAVE_EMBEDDER_BARE_VM_H
#define EXCLAVE_EMBEDDER_BARE_VM_H

/* <asm/kvm.h> has macros of the same names: ours go first. */
#include "mmu/walk.h"

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

#define BARE_VM_MAX_VCPUS 4

/* RAM that the VM has for itself: the descriptor tables, a page each, and a MiB of page tables. */
#define BARE_VM_GDT        UINT64_C(0x1000)
#define BARE_VM_IDT        UINT64_C(0x2000)
#define BARE_VM_TABLES     UINT64_C(0x100000)
#define BARE_VM_TABLES_END UINT64_C(0x200000)

/* Selectors: flat segments of 64-bit code, and of data. */
#define BARE_VM_CS      0x08
#define BARE_VM_SS      0x10
#define BARE_VM_USER_SS 0x1b
#define BARE_VM_USER_CS 0x23

struct bare_vcpu {
	int fd;
	struct kvm_run *run;
};

struct bare_vm {
	int kvm, fd;
	int vepc;     /* -1: no EPC */
	uint8_t *ram; /* guest-physical 0 */
	uint8_t *epc;
	uint64_t ram_size, epc_size;
	uint64_t next_table;
	size_t run_size;
	uint32_t slots; /* that have been added */
	unsigned int vcpus;
	struct bare_vcpu vcpu[BARE_VM_MAX_VCPUS];
};

/* Exclave must answer, not the machine's own /dev/kvm. Nothing is mapped, and there is no vCPU. */
void bare_vm_init(struct bare_vm *vm, uint64_t ram_size);
void bare_vm_free(struct bare_vm *vm);

/* Memory in the next slot; of the caller's, and virtual EPC. */
void bare_vm_add_memory(struct bare_vm *vm, gpa_t gpa, uint8_t *hva, uint64_t size);
void bare_vm_add_epc(struct bare_vm *vm, gpa_t gpa, uint64_t size);

/* @flags as in the entries; with PT_PAGE_SIZE_MASK, in pages of 2 MiB. */
void bare_vm_map(struct bare_vm *vm, gva_t gva, gpa_t gpa, uint64_t size, uint64_t flags);
/* The entry that a 4-KiB page at @gva has, with the tables that lead to it. */
uint64_t *bare_vm_pte(struct bare_vm *vm, gva_t gva);
/* An interrupt gate to the code at @handler, which is of CPL 0. */
void bare_vm_set_gate(struct bare_vm *vm, uint8_t vector, gva_t handler, uint8_t dpl, uint8_t ist);

/* What the VM has, with CPUID as KVM supports it. The guest has RAM mapped at @ram_gva. */
struct bare_vcpu *bare_vm_add_vcpu(struct bare_vm *vm, gva_t ram_gva);
void bare_vcpu_set_msr(const struct bare_vcpu *vcpu, uint32_t index, uint64_t value);

/* The next run begins with these; RFLAGS has the bit that is always 1. */
void bare_vcpu_enter(const struct bare_vcpu *vcpu, const struct kvm_regs *regs);
/* KVM_RUN, again after signals. Return: the exit reason. */
uint32_t bare_vcpu_run(const struct bare_vcpu *vcpu);

/* ioctl() that must succeed. Return: what it returned. @what is for the message. */
int bare_vm_ioctl(int fd, unsigned long request, void *arg, const char *what);
void bare_vm_fail(const char *what, const char *why) __attribute__((noreturn));

#endif
