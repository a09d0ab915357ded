// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "bare_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define OUR_KVM      "/memfd:exclave:kvm"
#define PAGE_SIZE    UINT64_C(4096)
#define LARGE_SIZE   UINT64_C(0x200000)
#define ADDRESS_MASK UINT64_C(0xffffffffff000)
#define MAX_CPUID    256u

/* A null descriptor, then those of the selectors. */
static const uint64_t descriptors[] = {
	0,
	UINT64_C(0x00af9b000000ffff),
	UINT64_C(0x00cf93000000ffff),
	UINT64_C(0x00cff3000000ffff),
	UINT64_C(0x00affb000000ffff),
};

void bare_vm_fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	exit(EXIT_FAILURE);
}

int bare_vm_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		bare_vm_fail(what, strerror(errno));
	return ret;
}

static int open_device(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		bare_vm_fail(path, strerror(errno));
	return fd;
}

/* What is tested or measured on the machine's own KVM says nothing of ours. */
static int open_kvm(void)
{
	char link[64], target[64] = "";
	int fd = open_device("/dev/kvm");

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 ||
	    strncmp(target, OUR_KVM, strlen(OUR_KVM)) != 0)
		bare_vm_fail("/dev/kvm", "not Exclave's; run this by: exclave run -- PROGRAM");
	return fd;
}

static void *map_memory(uint64_t size, int flags, int fd, const char *what)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (at == MAP_FAILED)
		bare_vm_fail(what, strerror(errno));
	return at;
}

void bare_vm_init(struct bare_vm *vm, uint64_t ram_size)
{
	*vm = (struct bare_vm){
		.vepc = -1, .ram_size = ram_size, .next_table = BARE_VM_TABLES + PAGE_SIZE};
	vm->kvm = open_kvm();
	vm->fd = bare_vm_ioctl(vm->kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	vm->run_size = (size_t)bare_vm_ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL,
					     "KVM_GET_VCPU_MMAP_SIZE");
	vm->ram = map_memory(ram_size, MAP_PRIVATE | MAP_ANONYMOUS, -1, "guest memory");
	bare_vm_add_memory(vm, 0, vm->ram, ram_size);
	memcpy(vm->ram + BARE_VM_GDT, descriptors, sizeof(descriptors));
}

void bare_vm_free(struct bare_vm *vm)
{
	for (unsigned int n = 0; n < vm->vcpus; n++) {
		munmap(vm->vcpu[n].run, vm->run_size);
		close(vm->vcpu[n].fd);
	}
	close(vm->fd);
	if (vm->vepc >= 0) {
		munmap(vm->epc, vm->epc_size);
		close(vm->vepc);
	}
	close(vm->kvm);
	munmap(vm->ram, vm->ram_size);
}

void bare_vm_add_memory(struct bare_vm *vm, gpa_t gpa, uint8_t *hva, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->slots++,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	bare_vm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

void bare_vm_add_epc(struct bare_vm *vm, gpa_t gpa, uint64_t size)
{
	vm->vepc = open_device("/dev/sgx_vepc");
	vm->epc_size = size;
	vm->epc = map_memory(size, MAP_SHARED, vm->vepc, "EPC");
	bare_vm_add_memory(vm, gpa, vm->epc, size);
}

/* The entry of @gva in the table of @level: 0 has those of 4-KiB pages. */
static uint64_t *entry_of(struct bare_vm *vm, gva_t gva, unsigned int level)
{
	gpa_t table = BARE_VM_TABLES;

	for (unsigned int at = 3;; at--) {
		uint64_t *entry = (uint64_t *)(vm->ram + table) + (gva >> (12 + 9 * at)) % 512;

		if (at == level)
			return entry;
		if (!*entry) {
			if (vm->next_table == BARE_VM_TABLES_END)
				bare_vm_fail("page tables", "no room");
			/* Rights are what the last entry says. */
			*entry = vm->next_table | PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_USER_MASK;
			vm->next_table += PAGE_SIZE;
		}
		table = *entry & ADDRESS_MASK;
	}
}

uint64_t *bare_vm_pte(struct bare_vm *vm, gva_t gva)
{
	return entry_of(vm, gva, 0);
}

void bare_vm_map(struct bare_vm *vm, gva_t gva, gpa_t gpa, uint64_t size, uint64_t flags)
{
	const unsigned int level = flags & PT_PAGE_SIZE_MASK ? 1 : 0;
	const uint64_t step = level ? LARGE_SIZE : PAGE_SIZE;

	for (uint64_t at = 0; at < size; at += step)
		*entry_of(vm, gva + at, level) = (gpa + at) | flags;
}

void bare_vm_set_gate(struct bare_vm *vm, uint8_t vector, gva_t handler, uint8_t dpl, uint8_t ist)
{
	/* SDM "64-Bit IDT Gate Descriptors": present, of type 14. */
	const uint64_t gate[] = {
		(handler & 0xffff) | BARE_VM_CS << 16 | (uint64_t)ist << 32 |
			(uint64_t)(0x8e | dpl << 5) << 40 | (handler >> 16 & 0xffff) << 48,
		handler >> 32,
	};

	memcpy(vm->ram + BARE_VM_IDT + vector * sizeof(gate), gate, sizeof(gate));
}

static void set_cpuid(const struct bare_vm *vm, const struct bare_vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		bare_vm_fail("CPUID", "no memory");
	cpuid->nent = MAX_CPUID;
	bare_vm_ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
	bare_vm_ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_mode(const struct bare_vcpu *vcpu, gva_t ram_gva)
{
	const struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = BARE_VM_SS,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs s;

	bare_vm_ioctl(vcpu->fd, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = data;
	s.cs.selector = BARE_VM_CS;
	s.cs.type = 11;
	s.cs.l = 1;
	s.cs.db = 0;
	s.gdt = (struct kvm_dtable){.base = ram_gva + BARE_VM_GDT,
				    .limit = sizeof(descriptors) - 1};
	s.idt = (struct kvm_dtable){.base = ram_gva + BARE_VM_IDT, .limit = PAGE_SIZE - 1};
	s.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP;
	s.cr3 = BARE_VM_TABLES;
	s.cr4 = X86_CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	bare_vm_ioctl(vcpu->fd, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

/* With local APICs in KVM, the others than the first one would wait for a start-up IPI. */
struct bare_vcpu *bare_vm_add_vcpu(struct bare_vm *vm, gva_t ram_gva)
{
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};
	struct bare_vcpu *vcpu = &vm->vcpu[vm->vcpus];

	if (vm->vcpus == BARE_VM_MAX_VCPUS)
		bare_vm_fail("KVM_CREATE_VCPU", "no room for more");
	vcpu->fd = bare_vm_ioctl(vm->fd, KVM_CREATE_VCPU, (void *)(uintptr_t)vm->vcpus++,
				 "KVM_CREATE_VCPU");
	vcpu->run = map_memory(vm->run_size, MAP_SHARED, vcpu->fd, "struct kvm_run");
	set_cpuid(vm, vcpu);
	set_mode(vcpu, ram_gva);
	bare_vm_ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable, "KVM_SET_MP_STATE");
	return vcpu;
}

void bare_vcpu_set_msr(const struct bare_vcpu *vcpu, uint32_t index, uint64_t value)
{
	/* struct kvm_msrs, with an array at its end. */
	struct {
		uint32_t nmsrs, pad;
		struct kvm_msr_entry entry;
	} msrs = {.nmsrs = 1, .entry = {.index = index, .data = value}};

	if (bare_vm_ioctl(vcpu->fd, KVM_SET_MSRS, &msrs, "KVM_SET_MSRS") != 1)
		bare_vm_fail("KVM_SET_MSRS", "refused");
}

void bare_vcpu_enter(const struct bare_vcpu *vcpu, const struct kvm_regs *regs)
{
	struct kvm_regs fixed = *regs;

	fixed.rflags |= X86_EFLAGS_FIXED;
	bare_vm_ioctl(vcpu->fd, KVM_SET_REGS, &fixed, "KVM_SET_REGS");
}

/* EAGAIN: a vCPU that waited for a start-up IPI has been started. */
uint32_t bare_vcpu_run(const struct bare_vcpu *vcpu)
{
	int ret;

	do
		ret = ioctl(vcpu->fd, KVM_RUN, NULL);
	while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	if (ret < 0)
		bare_vm_fail("KVM_RUN", strerror(errno));
	return vcpu->run->exit_reason;
}
