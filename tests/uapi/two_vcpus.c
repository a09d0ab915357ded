// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "two_vcpus.h"

#include "mmu/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PML4        0x1000u
#define PDPT        0x2000u
#define PD          0x3000u
#define GDT         0x4000u
#define IDT         0x5000u
#define HANDLERS    0x6000u
#define CODE        0x8000u
#define BARRIER     0x9000u
#define STACK_TOP   0x10000u /* and one page below it for the other vCPU */
#define HANDLER_LEN 16u
#define NR_VECTORS  32u
#define CS_SELECTOR 0x08
#define SS_SELECTOR 0x10
#define MAX_CPUID   256u
#define PUBKEY_HASH 0x8cu
#define FC          0x3au

/* Meets the other vCPU at [RDI], when there is one; then the leaf. */
static const uint8_t code[] = {
	0xf0, 0xff, 0x07,       /* lock incl (%rdi) */
	0xf3, 0x90,             /* 1: pause */
	0x39, 0x37,             /* cmp %esi, (%rdi) */
	0x72, 0xfa,             /* jb 1b */
	0x0f, 0x01, 0xcf, 0xf4, /* encls; hlt */
};

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	puts("");
	exit(EXIT_FAILURE);
}

static int must(int result, const char *what)
{
	if (result < 0)
		fail("%s: %s", what, strerror(errno));
	return result;
}

static int open_device(const char *path)
{
	return must(open(path, O_RDWR | O_CLOEXEC), path);
}

static void put64(struct two_vcpus *vm, uint32_t gpa, uint64_t value)
{
	memcpy(vm->ram + gpa, &value, sizeof(value));
}

/* Each vector's handler says which it is in R15, and halts. */
static void make_handlers(struct two_vcpus *vm)
{
	for (uint32_t vector = 0; vector < NR_VECTORS; vector++) {
		uint32_t gpa = HANDLERS + vector * HANDLER_LEN;
		const uint8_t handler[] = {0x41, 0xbf, (uint8_t)vector, 0, 0, 0, 0xf4};

		put64(vm, IDT + vector * 16, gpa | CS_SELECTOR << 16 | UINT64_C(0x8e) << 40);
		memcpy(vm->ram + gpa, handler, sizeof(handler));
	}
}

static void make_tables(struct two_vcpus *vm)
{
	const uint64_t table = PT_PRESENT_MASK | PT_WRITABLE_MASK;
	const uint64_t large = table | PT_PAGE_SIZE_MASK;

	put64(vm, PML4, PDPT | table);
	put64(vm, PDPT, PD | table);
	put64(vm, PD, large);
	put64(vm, PD + 8, EPC_GPA | large);
	put64(vm, GDT + CS_SELECTOR, UINT64_C(0x00af9b000000ffff));
	put64(vm, GDT + SS_SELECTOR, UINT64_C(0x00cf93000000ffff));
	make_handlers(vm);
	memcpy(vm->ram + CODE, code, sizeof(code));
}

static void add_slot(struct two_vcpus *vm, uint32_t slot, uint32_t gpa, void *at, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.userspace_addr = (uintptr_t)at,
		.memory_size = size,
	};

	must(ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &region), "KVM_SET_USER_MEMORY_REGION");
}

static void add_memory(struct two_vcpus *vm)
{
	const uint64_t epc_size = (uint64_t)EPC_PAGES * SGX_PAGE_SIZE;

	vm->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm->epc = mmap(NULL, epc_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vepc, 0);
	if (vm->ram == MAP_FAILED || vm->epc == MAP_FAILED)
		fail("guest memory: %s", strerror(errno));
	add_slot(vm, 0, 0, vm->ram, RAM_SIZE);
	add_slot(vm, 1, EPC_GPA, vm->epc, epc_size);
}

static void set_cpuid(struct two_vcpus *vm, int vcpu)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		fail("CPUID: no memory");
	cpuid->nent = MAX_CPUID;
	must(ioctl(vm->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), "KVM_GET_SUPPORTED_CPUID");
	must(ioctl(vcpu, KVM_SET_CPUID2, cpuid), "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_msr(int vcpu, uint32_t index, uint64_t value)
{
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(msrs->entries[0]));

	if (!msrs)
		fail("no memory");
	msrs->nmsrs = 1;
	msrs->entries[0] = (struct kvm_msr_entry){.index = index, .data = value};
	if (ioctl(vcpu, KVM_SET_MSRS, msrs) != 1)
		fail("MSR %#x cannot be %#llx", index, (unsigned long long)value);
	free(msrs);
}

static void set_mode(int vcpu)
{
	const struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = SS_SELECTOR,
		.type = 3,
		.present = 1,
		.db = 1,
		.s = 1,
		.g = 1,
	};
	struct kvm_sregs s;

	must(ioctl(vcpu, KVM_GET_SREGS, &s), "KVM_GET_SREGS");
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = data;
	s.cs.selector = CS_SELECTOR;
	s.cs.type = 11;
	s.cs.l = 1;
	s.cs.db = 0;
	s.gdt = (struct kvm_dtable){.base = GDT, .limit = 0x17};
	s.idt = (struct kvm_dtable){.base = IDT, .limit = NR_VECTORS * 16 - 1};
	s.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP;
	s.cr3 = PML4;
	s.cr4 = X86_CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	must(ioctl(vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
}

static void add_vcpu(struct two_vcpus *vm, unsigned int cpu)
{
	size_t size =
		(size_t)must(ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0), "the size of kvm_run");
	struct vcpu_of_two *vcpu = &vm->vcpu[cpu];
	struct kvm_mp_state runnable = {.mp_state = KVM_MP_STATE_RUNNABLE};

	vcpu->fd = must(ioctl(vm->vm, KVM_CREATE_VCPU, cpu), "KVM_CREATE_VCPU");
	vcpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED)
		fail("kvm_run: %s", strerror(errno));
	set_cpuid(vm, vcpu->fd);
	set_msr(vcpu->fd, FC, FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_SGX_LC_ENABLED);
	set_mode(vcpu->fd);
	must(ioctl(vcpu->fd, KVM_SET_MP_STATE, &runnable), "KVM_SET_MP_STATE");
}

void two_vcpus_init(struct two_vcpus *vm)
{
	vm->kvm = open_device("/dev/kvm");
	vm->vepc = open_device("/dev/sgx_vepc");
	vm->vm = must(ioctl(vm->kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	add_memory(vm);
	make_tables(vm);
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++)
		add_vcpu(vm, cpu);
}

void two_vcpus_free(struct two_vcpus *vm)
{
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++)
		close(vm->vcpu[cpu].fd);
	close(vm->vm);
	munmap(vm->epc, (size_t)EPC_PAGES * SGX_PAGE_SIZE);
	close(vm->vepc);
	munmap(vm->ram, RAM_SIZE);
	close(vm->kvm);
}

void set_pubkey_hash(struct two_vcpus *vm, unsigned int cpu, const uint64_t hash[4])
{
	for (uint32_t i = 0; i < 4; i++)
		set_msr(vm->vcpu[cpu].fd, PUBKEY_HASH + i, hash[i]);
}

/* The next run meets @vcpus of them, itself one of these. */
static void load(struct two_vcpus *vm, unsigned int cpu, struct leaf_call call, uint32_t vcpus)
{
	struct kvm_regs regs = {
		.rip = CODE,
		.rsp = STACK_TOP - cpu * 0x1000,
		.rax = call.rax,
		.rbx = call.rbx,
		.rcx = call.rcx,
		.rdx = call.rdx,
		.rdi = BARRIER,
		.rsi = vcpus,
		.r15 = NO_FAULT,
		.rflags = X86_EFLAGS_FIXED,
	};

	must(ioctl(vm->vcpu[cpu].fd, KVM_SET_REGS, &regs), "KVM_SET_REGS");
}

static struct leaf_end run(struct vcpu_of_two *vcpu)
{
	struct kvm_regs regs;

	must(ioctl(vcpu->fd, KVM_RUN, 0), "KVM_RUN");
	if (vcpu->run->exit_reason != KVM_EXIT_HLT)
		fail("KVM_RUN ended with reason %u", vcpu->run->exit_reason);
	must(ioctl(vcpu->fd, KVM_GET_REGS, &regs), "KVM_GET_REGS");
	return (struct leaf_end){.rax = regs.rax, .vector = regs.r15};
}

struct leaf_end encls_alone(struct two_vcpus *vm, struct leaf_call call)
{
	memset(vm->ram + BARRIER, 0, sizeof(uint32_t));
	load(vm, 0, call, 1);
	return run(&vm->vcpu[0]);
}

struct runner {
	struct vcpu_of_two *vcpu;
	struct leaf_end *end;
	pthread_t thread;
};

static void *run_thread(void *argument)
{
	struct runner *runner = argument;

	*runner->end = run(runner->vcpu);
	return NULL;
}

void encls_at_once(struct two_vcpus *vm, const struct leaf_call call[NR_VCPUS],
		   struct leaf_end end[NR_VCPUS])
{
	struct runner runners[NR_VCPUS];

	memset(vm->ram + BARRIER, 0, sizeof(uint32_t));
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++) {
		load(vm, cpu, call[cpu], NR_VCPUS);
		runners[cpu] = (struct runner){&vm->vcpu[cpu], &end[cpu], 0};
		if (pthread_create(&runners[cpu].thread, NULL, run_thread, &runners[cpu]))
			fail("no thread");
	}
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++)
		pthread_join(runners[cpu].thread, NULL);
}
