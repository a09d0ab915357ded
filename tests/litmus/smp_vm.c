// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
/* <asm/kvm.h> has macros of the same names: ours go first. */
#include "mmu/walk.h"

#include "guest.h"
#include "lib/bits.h"
#include "smp_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_SIZE    UINT64_C(4096)
#define GDT          UINT64_C(0x1000)
#define IDT          UINT64_C(0x2000)
#define PML4         UINT64_C(0x10000)
#define TABLES_END   UINT64_C(0x200000)
#define STACKS       UINT64_C(0x200000)
#define STACK_SIZE   UINT64_C(0x10000)
#define IMAGE_GPA    UINT64_C(0x40000000)
#define X2APIC_BASE  UINT64_C(0xfee00c00)
#define APIC_BSP     UINT64_C(0x100)
#define MAX_CPUID    256u
#define OUR_KVM      "/memfd:exclave:kvm"
#define TABLE_FLAGS  (PT_PRESENT_MASK | PT_WRITABLE_MASK)
#define ADDRESS_MASK UINT64_C(0xffffffffff000)

/* This program: code, constants and data, which the linker has put side by side. */
extern uint8_t __executable_start[], _end[];

static void __attribute__((noreturn)) fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

int smp_vm_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		fail(what, strerror(errno));
	return ret;
}

/* Tests of the machine's own KVM would test nothing of ours. */
static int open_kvm(void)
{
	char link[64], target[64] = "";
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/kvm", strerror(errno));
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 ||
	    strncmp(target, OUR_KVM, strlen(OUR_KVM)) != 0)
		fail("/dev/kvm", "not Exclave's; run this by: exclave run -- PROGRAM");
	return fd;
}

static uint64_t *entry_of(struct smp_vm *vm, uint64_t table, uint64_t linear, unsigned int level)
{
	return (uint64_t *)(vm->ram + table) + (linear >> (12 + 9 * level)) % 512;
}

/* The entry of the last level, with the tables that lead to it. */
static uint64_t *walk(struct smp_vm *vm, uint64_t linear)
{
	uint64_t table = PML4;

	for (unsigned int level = 3; level; level--) {
		uint64_t *entry = entry_of(vm, table, linear, level);

		if (!*entry) {
			if (vm->next_table == TABLES_END)
				fail("page tables", "no room");
			*entry = vm->next_table | TABLE_FLAGS;
			vm->next_table += PAGE_SIZE;
		}
		table = *entry & ADDRESS_MASK;
	}
	return entry_of(vm, table, linear, 0);
}

uint64_t *smp_vm_pte(struct smp_vm *vm, const void *linear)
{
	return walk(vm, (uintptr_t)linear);
}

static void add_memory(struct smp_vm *vm, uint32_t slot, uint64_t gpa, uint8_t *memory,
		       uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	smp_vm_ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		*walk(vm, (uintptr_t)memory + at) = (gpa + at) | TABLE_FLAGS;
}

static void make_tables(struct smp_vm *vm)
{
	static const uint64_t gdt[] = {0, UINT64_C(0x00af9b000000ffff),
				       UINT64_C(0x00cf93000000ffff)};

	memcpy(vm->ram + GDT, gdt, sizeof(gdt));
	for (unsigned int vector = 0; vector < 256; vector++)
		smp_vm_set_gate(vm, (uint8_t)vector, (uintptr_t)guest_unexpected);
}

static void make_memory(struct smp_vm *vm)
{
	uint8_t *start = (uint8_t *)align_down((uint64_t)(uintptr_t)__executable_start, PAGE_SIZE);
	uint8_t *end = (uint8_t *)align_up((uint64_t)(uintptr_t)_end, PAGE_SIZE);

	vm->ram =
		mmap(NULL, SMP_VM_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->ram == MAP_FAILED)
		fail("guest memory", strerror(errno));
	vm->next_table = PML4 + PAGE_SIZE;
	add_memory(vm, 0, 0, vm->ram, SMP_VM_RAM);
	add_memory(vm, 1, IMAGE_GPA, start, (uint64_t)(end - start));
	make_tables(vm);
}

void smp_vm_set_gate(struct smp_vm *vm, uint8_t vector, uint64_t handler)
{
	uint64_t gate[2] = {
		(handler & 0xffff) | SMP_VM_CS << 16 | UINT64_C(0x8e) << 40 |
			(handler >> 16 & 0xffff) << 48,
		handler >> 32,
	};

	memcpy(vm->ram + IDT + vector * sizeof(gate), gate, sizeof(gate));
}

static void set_cpuid(struct smp_vm *vm, unsigned int n)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		fail("CPUID", "no memory");
	cpuid->nent = MAX_CPUID;
	smp_vm_ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
	smp_vm_ioctl(vm->cpu[n].fd, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_mode(struct smp_vm *vm, unsigned int n, bool irqchip)
{
	const struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = SMP_VM_SS,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs s;

	smp_vm_ioctl(vm->cpu[n].fd, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = data;
	s.cs.selector = SMP_VM_CS;
	s.cs.type = 11;
	s.cs.l = 1;
	s.cs.db = 0;
	s.gdt = (struct kvm_dtable){.base = (uintptr_t)vm->ram + GDT, .limit = 0x17};
	s.idt = (struct kvm_dtable){.base = (uintptr_t)vm->ram + IDT, .limit = 0xfff};
	s.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP;
	s.cr3 = PML4;
	s.cr4 = X86_CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	if (irqchip)
		s.apic_base = X2APIC_BASE | (n ? 0 : APIC_BSP);
	smp_vm_ioctl(vm->cpu[n].fd, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

static void make_cpu(struct smp_vm *vm, unsigned int n, bool irqchip)
{
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct smp_cpu *cpu = &vm->cpu[n];

	cpu->fd = smp_vm_ioctl(vm->vm, KVM_CREATE_VCPU, (void *)(uintptr_t)n, "KVM_CREATE_VCPU");
	cpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (cpu->run == MAP_FAILED)
		fail("struct kvm_run", strerror(errno));
	set_cpuid(vm, n);
	set_mode(vm, n, irqchip);
	if (irqchip)
		smp_vm_ioctl(cpu->fd, KVM_SET_MP_STATE, &runnable, "KVM_SET_MP_STATE");
}

void smp_vm_init(struct smp_vm *vm, unsigned int cpus, bool irqchip)
{
	*vm = (struct smp_vm){.cpus = cpus};
	vm->kvm = open_kvm();
	vm->vm = smp_vm_ioctl(vm->kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	if (irqchip)
		smp_vm_ioctl(vm->vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	vm->run_size = (size_t)smp_vm_ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL,
					    "KVM_GET_VCPU_MMAP_SIZE");
	make_memory(vm);
	for (unsigned int n = 0; n < cpus; n++)
		make_cpu(vm, n, irqchip);
}

void smp_vm_free(struct smp_vm *vm)
{
	for (unsigned int n = 0; n < vm->cpus; n++) {
		munmap(vm->cpu[n].run, vm->run_size);
		close(vm->cpu[n].fd);
	}
	close(vm->vm);
	close(vm->kvm);
	munmap(vm->ram, SMP_VM_RAM);
}

void smp_vm_call(struct smp_vm *vm, unsigned int cpu, guest_function *function, void *arg)
{
	uint8_t *top = vm->ram + STACKS + (cpu + 1) * STACK_SIZE - 64;
	const uint64_t back = (uintptr_t)guest_return;
	struct kvm_regs regs = {
		.rip = (uintptr_t)function,
		.rdi = (uintptr_t)arg,
		.rsp = (uintptr_t)top - sizeof(back),
		.rflags = X86_EFLAGS_FIXED,
	};

	memcpy(top - sizeof(back), &back, sizeof(back));
	smp_vm_ioctl(vm->cpu[cpu].fd, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

/* What the guest was doing when it met what it should not. */
static void __attribute__((noreturn)) fail_exit(struct smp_vm *vm, unsigned int cpu)
{
	struct smp_cpu *c = &vm->cpu[cpu];
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t stack[4];

	smp_vm_ioctl(c->fd, KVM_GET_REGS, &regs, "KVM_GET_REGS");
	smp_vm_ioctl(c->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	memcpy(stack, (const void *)(uintptr_t)regs.rsp, sizeof(stack));
	fprintf(stderr,
		"vCPU %u: exit %u at image + %#llx, CR2 %#llx, stack %#lx %#lx %#lx %#lx, image "
		"at %p\n",
		cpu, c->run->exit_reason, regs.rip - (uintptr_t)__executable_start, sregs.cr2,
		stack[0], stack[1], stack[2], stack[3], (void *)__executable_start);
	exit(EXIT_FAILURE);
}

void smp_vm_run(struct smp_vm *vm, unsigned int cpu)
{
	struct smp_cpu *c = &vm->cpu[cpu];
	int ret;

	do {
		ret = ioctl(c->fd, KVM_RUN, NULL);
		/* A device that is not there. */
		if (!ret && c->run->exit_reason == KVM_EXIT_MMIO)
			memset(c->run->mmio.data, 0xff, sizeof(c->run->mmio.data));
	} while (ret < 0 ? errno == EINTR || errno == EAGAIN
			 : c->run->exit_reason == KVM_EXIT_MMIO);
	if (ret < 0)
		fail("KVM_RUN", strerror(errno));
	if (c->run->exit_reason != KVM_EXIT_IO || c->run->io.port != GUEST_PORT_RETURN)
		fail_exit(vm, cpu);
}
