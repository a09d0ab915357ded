// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
/* <asm/kvm.h> has macros of the same names: ours go first. */
#include "mmu/walk.h"

#include "bare_vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE    BARE_VM_DEVICE
#define PML4        0x1000u
#define PDPT        0x2000u
#define PD          0x3000u
#define GDT         0x4000u
#define IDT         0x5000u
#define HANDLER     0x6000u
#define CODE        0x8000u
#define STACK_TOP   0x10000u
#define CS_SELECTOR 0x08
#define SS_SELECTOR 0x10
#define OUR_KVM     "/memfd:exclave:kvm"
#define MAX_CPUID   256u

static void __attribute__((noreturn)) fail(const char *what, const char *why)
{
	fprintf(stderr, "exit-bench: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

int bare_vm_ioctl(int fd, unsigned long request, void *arg, const char *what)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		fail(what, strerror(errno));
	return ret;
}

static int open_kvm(void)
{
	char link[64], target[64] = "";
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("/dev/kvm", strerror(errno));
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) < 0 ||
	    strncmp(target, OUR_KVM, strlen(OUR_KVM)) != 0)
		fail("/dev/kvm", "not Exclave's; run this by: exclave run -- exit-bench");
	return fd;
}

static void put64(struct bare_vm *b, uint32_t gpa, uint64_t value)
{
	memcpy(b->ram + gpa, &value, sizeof(value));
}

static void make_tables(struct bare_vm *b)
{
	const uint64_t table = PT_PRESENT_MASK | PT_WRITABLE_MASK;
	const uint64_t large = table | PT_PAGE_SIZE_MASK;
	static const uint8_t iretq[] = {0x48, 0xcf};

	put64(b, PML4, PDPT | table);
	put64(b, PDPT, PD | table);
	put64(b, PD, large);
	put64(b, PD + 8, BARE_VM_DEVICE | large);
	put64(b, GDT + CS_SELECTOR, UINT64_C(0x00af9b000000ffff));
	put64(b, GDT + SS_SELECTOR, UINT64_C(0x00cf93000000ffff));
	/* An interrupt gate to HANDLER, below 64 KiB. */
	put64(b, IDT + BARE_VM_VECTOR * 16, HANDLER | CS_SELECTOR << 16 | UINT64_C(0x8e) << 40);
	memcpy(b->ram + HANDLER, iretq, sizeof(iretq));
}

static void add_ram(struct bare_vm *b)
{
	struct kvm_userspace_memory_region region = {.memory_size = RAM_SIZE};

	b->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->ram == MAP_FAILED)
		fail("guest memory", strerror(errno));
	region.userspace_addr = (uintptr_t)b->ram;
	bare_vm_ioctl(b->vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION");
}

static void set_cpuid(struct bare_vm *b)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + MAX_CPUID * sizeof(struct kvm_cpuid_entry2));

	if (!cpuid)
		fail("CPUID", "no memory");
	cpuid->nent = MAX_CPUID;
	bare_vm_ioctl(b->kvm, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID");
	bare_vm_ioctl(b->vcpu, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2");
	free(cpuid);
}

static void set_mode(struct bare_vm *b)
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

	bare_vm_ioctl(b->vcpu, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
	s.ds = s.es = s.fs = s.gs = s.ss = s.cs = data;
	s.cs.selector = CS_SELECTOR;
	s.cs.type = 11;
	s.cs.l = 1;
	s.cs.db = 0;
	s.gdt = (struct kvm_dtable){.base = GDT, .limit = 0x17};
	s.idt = (struct kvm_dtable){.base = IDT, .limit = 0xfff};
	s.cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP;
	s.cr3 = PML4;
	s.cr4 = X86_CR4_PAE;
	s.efer = EFER_LME | EFER_LMA;
	bare_vm_ioctl(b->vcpu, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
}

/* MSRs that nobody knows are the VMM's. */
static void take_unknown_msrs(struct bare_vm *b)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = {KVM_MSR_EXIT_REASON_UNKNOWN},
	};

	bare_vm_ioctl(b->vm, KVM_ENABLE_CAP, &cap, "KVM_CAP_X86_USER_SPACE_MSR");
}

void bare_vm_init(struct bare_vm *b)
{
	b->kvm = open_kvm();
	b->vm = bare_vm_ioctl(b->kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
	add_ram(b);
	make_tables(b);
	take_unknown_msrs(b);
	b->vcpu = bare_vm_ioctl(b->vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
	b->run_size = (size_t)bare_vm_ioctl(b->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL,
					    "KVM_GET_VCPU_MMAP_SIZE");
	b->run = mmap(NULL, b->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, b->vcpu, 0);
	if (b->run == MAP_FAILED)
		fail("struct kvm_run", strerror(errno));
	set_cpuid(b);
	set_mode(b);
}

void bare_vm_free(struct bare_vm *b)
{
	munmap(b->run, b->run_size);
	close(b->vcpu);
	close(b->vm);
	close(b->kvm);
	munmap(b->ram, RAM_SIZE);
}

void bare_vm_load(struct bare_vm *b, const uint8_t *code, size_t size, uint32_t msr, uint32_t count)
{
	struct kvm_regs regs = {
		.rip = CODE,
		.rsp = STACK_TOP,
		.rbx = BARE_VM_DEVICE,
		.rcx = msr,
		.rsi = count,
		.rflags = X86_EFLAGS_FIXED,
	};

	memcpy(b->ram + CODE, code, size);
	bare_vm_ioctl(b->vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}
