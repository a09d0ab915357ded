// SPDX-License-Identifier: GPL-2.0-or-later
#include "smp_vm.h"

#include "guest.h"
#include "lib/bits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SIZE   UINT64_C(4096)
#define STACKS      UINT64_C(0x200000)
#define STACK_SIZE  UINT64_C(0x10000)
#define IMAGE_GPA   UINT64_C(0x40000000)
#define X2APIC_BASE UINT64_C(0xfee00c00)
#define APIC_BSP    UINT64_C(0x100)

/* This program: code, constants and data, which the linker has put side by side. */
extern uint8_t __executable_start[], _end[];

/* By the addresses at which the program has it, too. */
static void map_as_here(struct bare_vm *vm, gpa_t gpa, const uint8_t *memory, uint64_t size)
{
	bare_vm_map(vm, (uintptr_t)memory, gpa, size, PT_PRESENT_MASK | PT_WRITABLE_MASK);
}

static void make_memory(struct bare_vm *vm)
{
	uint8_t *start = (uint8_t *)align_down((uint64_t)(uintptr_t)__executable_start, PAGE_SIZE);
	uint8_t *end = (uint8_t *)align_up((uint64_t)(uintptr_t)_end, PAGE_SIZE);
	const uint64_t size = (uint64_t)(end - start);

	bare_vm_add_memory(vm, IMAGE_GPA, start, size);
	map_as_here(vm, 0, vm->ram, SMP_VM_RAM);
	map_as_here(vm, IMAGE_GPA, start, size);
	for (unsigned int vector = 0; vector < 256; vector++)
		bare_vm_set_gate(vm, (uint8_t)vector, (uintptr_t)guest_unexpected, 0, 0);
}

static void enable_x2apic(const struct bare_vcpu *vcpu, bool is_bsp)
{
	struct kvm_sregs s;

	bare_vm_ioctl(vcpu->fd, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.apic_base = X2APIC_BASE | (is_bsp ? APIC_BSP : 0);
	bare_vm_ioctl(vcpu->fd, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

void smp_vm_init(struct bare_vm *vm, unsigned int cpus, bool irqchip)
{
	bare_vm_init(vm, SMP_VM_RAM);
	if (irqchip)
		bare_vm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	make_memory(vm);
	for (unsigned int n = 0; n < cpus; n++) {
		const struct bare_vcpu *vcpu = bare_vm_add_vcpu(vm, (uintptr_t)vm->ram);

		if (irqchip)
			enable_x2apic(vcpu, !n);
	}
}

void smp_vm_call(struct bare_vm *vm, unsigned int cpu, guest_function *function, void *arg)
{
	uint8_t *top = vm->ram + STACKS + (cpu + 1) * STACK_SIZE - 64;
	const uint64_t back = (uintptr_t)guest_return;
	const struct kvm_regs regs = {
		.rip = (uintptr_t)function,
		.rdi = (uintptr_t)arg,
		.rsp = (uintptr_t)top - sizeof(back),
	};

	memcpy(top - sizeof(back), &back, sizeof(back));
	bare_vcpu_enter(&vm->vcpu[cpu], &regs);
}

/* What the guest was doing when it met what it should not. */
static void __attribute__((noreturn)) fail_exit(struct bare_vm *vm, unsigned int cpu)
{
	const struct bare_vcpu *vcpu = &vm->vcpu[cpu];
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t stack[4];

	bare_vm_ioctl(vcpu->fd, KVM_GET_REGS, &regs, "KVM_GET_REGS");
	bare_vm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	memcpy(stack, (const void *)(uintptr_t)regs.rsp, sizeof(stack));
	fprintf(stderr,
		"vCPU %u: exit %u at image + %#llx, CR2 %#llx, stack %#lx %#lx %#lx %#lx, image "
		"at %p\n",
		cpu, vcpu->run->exit_reason, regs.rip - (uintptr_t)__executable_start, sregs.cr2,
		stack[0], stack[1], stack[2], stack[3], (void *)__executable_start);
	exit(EXIT_FAILURE);
}

void smp_vm_run(struct bare_vm *vm, unsigned int cpu)
{
	const struct bare_vcpu *vcpu = &vm->vcpu[cpu];

	/* A device that is not there. */
	while (bare_vcpu_run(vcpu) == KVM_EXIT_MMIO)
		memset(vcpu->run->mmio.data, 0xff, sizeof(vcpu->run->mmio.data));
	if (vcpu->run->exit_reason != KVM_EXIT_IO || vcpu->run->io.port != GUEST_PORT_RETURN)
		fail_exit(vm, cpu);
}
