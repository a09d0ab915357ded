// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "vmm.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* guest.S */
extern const char guest_code[], guest_code_end[], guest_encls[], guest_copy[], guest_map[],
	guest_wrmsr[], guest_to_user[], guest_enclu[];

/* The guest's own tables in RAM. */
#define GDT_GPA    UINT64_C(0x1000)
#define TSS_GPA    UINT64_C(0x2000) /* of each processor */
#define TSS_SIZE   UINT64_C(0x80)
#define TSS_IST1   36
#define IDT_GPA    UINT64_C(0x3000)
#define CODE_GPA   UINT64_C(0x4000)
#define STACK_GPA  UINT64_C(0x8000) /* of each processor's handlers */
#define FRAME_GPA  UINT64_C(0xa000) /* for IRET */
#define USER_STACK UINT64_C(0x10000)
#define TABLES_GPA UINT64_C(0x100000)
#define PDPT_GPA   (TABLES_GPA + 0x1000)
#define PD_GPA     (TABLES_GPA + 0x2000) /* of each GiB */
#define PT_RAM_GPA (TABLES_GPA + 0x5000)
#define PT_RAMS    (RAM_SIZE / 0x200000)
#define PT_WIN_GPA (PT_RAM_GPA + PT_RAMS * 0x1000)
#define PT_EPC_GPA (PT_WIN_GPA + 0x1000)

#define KERNEL_CS 0x08
#define KERNEL_DS 0x10
#define USER_DS   0x1b
#define USER_CS   0x23
#define TSS       0x28

struct trap_frame {
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

void *vm_ram(struct vm *vm, gpa_t gpa)
{
	return vm->ram + gpa;
}

static uint64_t code_at(const char *label)
{
	return CODE_GPA + (uint64_t)(label - guest_code);
}

uint64_t vm_aep(void)
{
	return code_at(guest_enclu);
}

static void fill_tables(struct vm *vm)
{
	const uint64_t all = PTE_P | PTE_W | PTE_U;
	uint64_t *pdpt = vm_ram(vm, PDPT_GPA), *pt;

	*(uint64_t *)vm_ram(vm, TABLES_GPA) = PDPT_GPA | all;
	for (uint64_t gib = 0; gib < 3; gib++)
		pdpt[gib] = (PD_GPA + gib * 0x1000) | all;
	for (uint64_t i = 0; i < PT_RAMS; i++)
		((uint64_t *)vm_ram(vm, PD_GPA))[i] = (PT_RAM_GPA + i * 0x1000) | all;
	*(uint64_t *)vm_ram(vm, PD_GPA + 0x1000) = PT_WIN_GPA | all;
	*(uint64_t *)vm_ram(vm, PD_GPA + 0x2000) = PT_EPC_GPA | all;
	pt = vm_ram(vm, PT_RAM_GPA);
	for (uint64_t page = 0; page < RAM_SIZE / SGX_PAGE_SIZE; page++)
		pt[page] = page * SGX_PAGE_SIZE | all;
	pt = vm_ram(vm, PT_EPC_GPA);
	for (uint64_t page = 0; page < EPC_PAGES; page++)
		pt[page] = (EPC_GPA + page * SGX_PAGE_SIZE) | PTE_P | PTE_W;
}

static void fill_gates(struct vm *vm)
{
	uint64_t *idt = vm_ram(vm, IDT_GPA);

	for (uint64_t vector = 0; vector < 256; vector++) {
		/* Present, DPL 3, interrupt gate, IST 1. */
		uint64_t handler = CODE_GPA + vector * 16;

		idt[2 * vector] = (handler & 0xffff) | KERNEL_CS << 16 | UINT64_C(1) << 32 |
				  UINT64_C(0xee) << 40 | (handler >> 16) << 48;
	}
}

static void fill_memory(struct vm *vm)
{
	uint64_t *gdt = vm_ram(vm, GDT_GPA);

	fill_tables(vm);
	fill_gates(vm);
	gdt[1] = UINT64_C(0x00af9b000000ffff);
	gdt[2] = UINT64_C(0x00cf93000000ffff);
	gdt[3] = UINT64_C(0x00cff3000000ffff);
	gdt[4] = UINT64_C(0x00affb000000ffff);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		const uint64_t stack = STACK_GPA + (cpu + 1) * 0x1000;

		memcpy(vm_ram(vm, TSS_GPA + cpu * TSS_SIZE + TSS_IST1), &stack, sizeof(stack));
	}
	memcpy(vm_ram(vm, CODE_GPA), guest_code, (size_t)(guest_code_end - guest_code));
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool is_code)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.dpl = selector & 3,
		.db = !is_code,
		.s = 1,
		.l = is_code,
		.g = 1,
	};
}

static void enter_long_mode(struct vm *vm, unsigned int cpu)
{
	int fd = vm->vcpu[cpu].fd;
	struct kvm_sregs sregs;

	must(!ioctl(fd, KVM_GET_SREGS, &sregs));
	sregs.cs = segment(KERNEL_CS, 11, true);
	sregs.ss = sregs.ds = sregs.es = sregs.fs = sregs.gs = segment(KERNEL_DS, 3, false);
	sregs.ds = sregs.es = segment(USER_DS, 3, false);
	sregs.tr = (struct kvm_segment){
		.base = TSS_GPA + cpu * TSS_SIZE,
		.limit = TSS_SIZE - 1,
		.selector = TSS,
		.type = 11,
		.present = 1,
	};
	sregs.gdt = (struct kvm_dtable){.base = GDT_GPA, .limit = 0x37};
	sregs.idt = (struct kvm_dtable){.base = IDT_GPA, .limit = 0xfff};
	sregs.cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_NE | X86_CR0_WP | X86_CR0_PG;
	sregs.cr3 = TABLES_GPA;
	sregs.cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
	sregs.efer = EFER_LME | EFER_LMA;
	must(!ioctl(fd, KVM_SET_SREGS, &sregs));
}

static void set_msr(int fd, uint32_t index, uint64_t value)
{
	/* struct kvm_msrs, with an array at its end. */
	struct {
		uint32_t nmsrs, pad;
		struct kvm_msr_entry entry;
	} msrs = {.nmsrs = 1, .entry = {.index = index, .data = value}};

	must(ioctl(fd, KVM_SET_MSRS, &msrs) == 1);
}

static void add_vcpu(struct vm *vm, int kvm, unsigned int cpu)
{
	/* struct kvm_cpuid2, likewise. */
	static struct {
		uint32_t nent, padding;
		struct kvm_cpuid_entry2 entries[256];
	} cpuid;
	struct kvm_xcrs xcrs = {.nr_xcrs = 1};
	long size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	struct vcpu *vcpu = &vm->vcpu[cpu];

	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, cpu);
	must(vcpu->fd >= 0 && size > 0);
	vcpu->run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	must(vcpu->run != MAP_FAILED);
	cpuid.nent = 256;
	must(!ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	must(!ioctl(vcpu->fd, KVM_SET_CPUID2, &cpuid));
	xcrs.xcrs[0].value = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	must(!ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs));
	must(!ioctl(vcpu->fd, KVM_SET_MP_STATE, &(struct kvm_mp_state){KVM_MP_STATE_RUNNABLE}));
	enter_long_mode(vm, cpu);
	set_msr(vcpu->fd, MSR_IA32_FEAT_CTL,
		FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED |
			(launch_control_is_locked() ? 0 : FEAT_CTL_SGX_LC_ENABLED));
}

static void add_slot(struct vm *vm, uint32_t slot, gpa_t gpa, uint8_t *hva, uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)hva,
	};

	must(!ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region));
}

void vm_new(struct vm *vm)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	*vm = (struct vm){.vepc = open("/dev/sgx_vepc", O_RDWR | O_CLOEXEC)};
	must(kvm >= 0 && vm->vepc >= 0);
	vm->fd = ioctl(kvm, KVM_CREATE_VM, 0);
	must(vm->fd >= 0);
	vm->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	vm->epc = mmap(NULL, EPC_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vepc, 0);
	must(vm->ram != MAP_FAILED && vm->epc != MAP_FAILED);
	fill_memory(vm);
	add_slot(vm, 0, 0, vm->ram, RAM_SIZE);
	add_slot(vm, 1, EPC_GPA, vm->epc, EPC_SIZE);
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		add_vcpu(vm, kvm, cpu);
	close(kvm);
}

void vm_free(struct vm *vm)
{
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		munmap(vm->vcpu[cpu].run, SGX_PAGE_SIZE);
		close(vm->vcpu[cpu].fd);
	}
	close(vm->fd);
	munmap(vm->epc, EPC_SIZE);
	close(vm->vepc);
	munmap(vm->ram, RAM_SIZE);
}

static void read_trap(struct vm *vm, int fd, struct outcome *o)
{
	struct kvm_sregs sregs;
	const struct trap_frame *frame;

	must(o->regs.rsp <= RAM_SIZE - sizeof(*frame));
	frame = vm_ram(vm, o->regs.rsp);
	must(!ioctl(fd, KVM_GET_SREGS, &sregs));
	o->vector = (int)frame->vector;
	o->error = (uint32_t)frame->error;
	o->cr2 = sregs.cr2;
	o->regs.rip = frame->rip;
	o->regs.rflags = frame->rflags;
	o->regs.rsp = frame->rsp;
}

static struct outcome run(struct vm *vm, unsigned int cpu, const struct kvm_regs *regs)
{
	const struct vcpu *vcpu = &vm->vcpu[cpu];
	struct outcome o = {.vector = VECTOR_NONE};
	int ret;

	must(!ioctl(vcpu->fd, KVM_SET_REGS, regs));
	do
		ret = ioctl(vcpu->fd, KVM_RUN, 0);
	while (ret && errno == EINTR);
	must(!ret);
	o.exit_reason = vcpu->run->exit_reason;
	must(!ioctl(vcpu->fd, KVM_GET_REGS, &o.regs));
	if (o.exit_reason == KVM_EXIT_HLT)
		read_trap(vm, vcpu->fd, &o);
	return o;
}

static struct outcome run_kernel(struct vm *vm, const char *code, struct kvm_regs regs)
{
	regs.rip = code_at(code);
	regs.rsp = USER_STACK;
	regs.rflags = 2;
	return run(vm, 0, &regs);
}

struct outcome vm_encls(struct vm *vm, uint32_t leaf, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	return run_kernel(vm, guest_encls,
			  (struct kvm_regs){.rax = leaf, .rbx = rbx, .rcx = rcx, .rdx = rdx});
}

struct outcome vm_copy(struct vm *vm, gva_t dst, gva_t src, uint64_t size)
{
	return run_kernel(vm, guest_copy, (struct kvm_regs){.rdi = dst, .rsi = src, .rcx = size});
}

struct outcome vm_wrmsr(struct vm *vm, uint32_t index, uint64_t value)
{
	return run_kernel(
		vm, guest_wrmsr,
		(struct kvm_regs){.rcx = index, .rax = (uint32_t)value, .rdx = value >> 32});
}

void vm_map(struct vm *vm, gva_t gva, uint64_t gpa_and_flags)
{
	struct outcome o;

	must(gva - WINDOW_GVA < WINDOW_SIZE);
	o = run_kernel(vm, guest_map,
		       (struct kvm_regs){.rdi = PT_WIN_GPA + (gva - WINDOW_GVA) / SGX_PAGE_SIZE * 8,
					 .rsi = gva,
					 .rdx = gpa_and_flags});
	must(o.vector == VECTOR_DONE);
}

/* At CPL 3: by IRET, with a frame for each processor. */
struct outcome vm_enclu(struct vm *vm, unsigned int cpu, const struct kvm_regs *regs)
{
	const gpa_t frame_gpa = FRAME_GPA + cpu * UINT64_C(0x100);
	const uint64_t frame[] = {code_at(guest_enclu), USER_CS, 2, USER_STACK, USER_DS};
	struct kvm_regs kernel = *regs;

	memcpy(vm_ram(vm, frame_gpa), frame, sizeof(frame));
	kernel.rip = code_at(guest_to_user);
	kernel.rsp = frame_gpa;
	kernel.rflags = 2;
	return run(vm, cpu, &kernel);
}

gva_t epc_gva(unsigned int page)
{
	return EPC_GVA + page * UINT64_C(4096);
}

unsigned int vm_epc_page(struct vm *vm)
{
	must(vm->epc_used < EPC_PAGES);
	return vm->epc_used++;
}

/* A SECS goes after its children. */
void vm_epc_clear(struct vm *vm)
{
	for (unsigned int pass = 0; pass < 2; pass++)
		for (unsigned int page = 0; page < EPC_PAGES; page++) {
			struct outcome o = vm_encls(vm, EREMOVE, 0, epc_gva(page), 0);

			must(o.vector == VECTOR_DONE && (!pass || !o.regs.rax));
		}
	vm->epc_used = 0;
}
