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

#include "bare_vm.h"

#include <stdbool.h>

#define SMP_VM_MAX_CPUS  BARE_VM_MAX_VCPUS
#define SMP_VM_RAM       UINT64_C(0x1000000)
#define SMP_VM_AREA      UINT64_C(0x400000) /* from here on RAM is the test's own */
#define SMP_VM_AREA_SIZE (SMP_VM_RAM - SMP_VM_AREA)

typedef void guest_function(void *arg);

/* With an in-kernel irqchip, local APICs are in x2APIC mode. To be ended by bare_vm_free(). */
void smp_vm_init(struct bare_vm *vm, unsigned int cpus, bool irqchip);

/* The next smp_vm_run() calls @function(@arg) at CPL 0, with interrupts off. */
void smp_vm_call(struct bare_vm *vm, unsigned int cpu, guest_function *function, void *arg);
/* Until the function has returned. Where there is no memory, a device reads as ones. */
void smp_vm_run(struct bare_vm *vm, unsigned int cpu);

#endif
