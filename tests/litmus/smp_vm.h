/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM of several processors, made as any user of KVM makes one, whose linear
 * addresses are the host's: this program's image and the VM's RAM lie in it where the
 * program has them. So one function runs natively and in the guest. Whatever
 * fails ends the program with a message.
 *
 * Functions for the guest are of files that Meson builds for general registers only
 * and without sanitizers; they call each other and nothing else.
 */
#ifndef EXCLAVE_LITMUS_SMP_VM_H
#define EXCLAVE_LITMUS_SMP_VM_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SMP_VM_MAX_CPUS  4
#define SMP_VM_RAM       UINT64_C(0x1000000)
#define SMP_VM_AREA      UINT64_C(0x400000) /* from here on RAM is the test's own; */
#define SMP_VM_AREA_SIZE (SMP_VM_RAM - SMP_VM_AREA)
#define SMP_VM_STARTUP   0x8000u /* below it: free for code that a start-up IPI names */

#define SMP_VM_CS 0x08
#define SMP_VM_SS 0x10

typedef void guest_function(void *arg);

struct smp_cpu {
	int fd;
	struct kvm_run *run;
};

struct smp_vm {
	int kvm, vm;
	unsigned int cpus;
	size_t run_size;
	uint8_t *ram; /* guest-physical 0 */
	uint64_t next_table;
	struct smp_cpu cpu[SMP_VM_MAX_CPUS];
};

/* With an in-kernel irqchip, local APICs are in x2APIC mode. */
void smp_vm_init(struct smp_vm *vm, unsigned int cpus, bool irqchip);
void smp_vm_free(struct smp_vm *vm);

/* The page table entry for @linear, which is mapped by a 4-KiB page. */
uint64_t *smp_vm_pte(struct smp_vm *vm, const void *linear);
/* An interrupt gate to the code at @handler. */
void smp_vm_set_gate(struct smp_vm *vm, uint8_t vector, uint64_t handler);

/* The next smp_vm_run() calls @function(@arg) at CPL 0, with interrupts off. */
void smp_vm_call(struct smp_vm *vm, unsigned int cpu, guest_function *function, void *arg);
/* Until the function has returned. Where there is no memory, a device reads as ones. */
void smp_vm_run(struct smp_vm *vm, unsigned int cpu);

/* ioctl() that must succeed. */
int smp_vm_ioctl(int fd, unsigned long request, void *arg, const char *what);

#endif
