// SPDX-License-Identifier: GPL-2.0-or-later
#include "vmm.h"

#include "report.h"

#include <string.h>

/* guest.S */
extern const char guest_code[], guest_code_end[], guest_encls[], guest_copy[], guest_map[],
	guest_wrmsr[], guest_to_user[], guest_enclu[];

/* RAM that the VMM gives the guest, beside the VM's own. */
#define TSS_GPA    UINT64_C(0x3000) /* of each processor */
#define TSS_SIZE   UINT64_C(0x80)
#define TSS_IST1   36
#define CODE_GPA   UINT64_C(0x4000)
#define STACK_GPA  UINT64_C(0x8000) /* of each processor's handlers */
#define FRAME_GPA  UINT64_C(0xa000) /* for IRET */
#define USER_STACK UINT64_C(0x10000)

#define TSS 0x28

struct trap_frame {
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

void *vm_ram(struct vm *vm, gpa_t gpa)
{
	return vm->bare.ram + gpa;
}

static uint64_t code_at(const char *label)
{
	return CODE_GPA + (uint64_t)(label - guest_code);
}

uint64_t vm_aep(void)
{
	return code_at(guest_enclu);
}

static void map_memory(struct bare_vm *vm)
{
	bare_vm_map(vm, 0, 0, RAM_SIZE, PTE_P | PTE_W | PTE_U);
	bare_vm_map(vm, EPC_GVA, EPC_GPA, EPC_SIZE, PTE_P | PTE_W);
}

static void fill_memory(struct vm *vm)
{
	map_memory(&vm->bare);
	for (unsigned int vector = 0; vector < 256; vector++)
		bare_vm_set_gate(&vm->bare, (uint8_t)vector, CODE_GPA + vector * 16, 3, 1);
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		const uint64_t stack = STACK_GPA + (cpu + 1) * 0x1000;

		memcpy(vm_ram(vm, TSS_GPA + cpu * TSS_SIZE + TSS_IST1), &stack, sizeof(stack));
	}
	memcpy(vm_ram(vm, CODE_GPA), guest_code, (size_t)(guest_code_end - guest_code));
}

/* What user code needs: its data segments, a TSS for the way back, and the state of SSE. */
static void allow_user(const struct bare_vcpu *vcpu, unsigned int cpu)
{
	struct kvm_xcrs xcrs = {.nr_xcrs = 1};
	struct kvm_sregs sregs;

	xcrs.xcrs[0].value = XFEATURE_MASK_FP | XFEATURE_MASK_SSE;
	bare_vm_ioctl(vcpu->fd, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS");
	bare_vm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.ds.selector = sregs.es.selector = BARE_VM_USER_SS;
	sregs.ds.dpl = sregs.es.dpl = 3;
	sregs.tr = (struct kvm_segment){
		.base = TSS_GPA + cpu * TSS_SIZE,
		.limit = TSS_SIZE - 1,
		.selector = TSS,
		.type = 11,
		.present = 1,
	};
	sregs.cr0 |= X86_CR0_MP;
	sregs.cr4 |= X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
	bare_vm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
}

static void add_vcpu(struct vm *vm, unsigned int cpu)
{
	const struct bare_vcpu *vcpu = bare_vm_add_vcpu(&vm->bare, 0);

	allow_user(vcpu, cpu);
	bare_vcpu_set_msr(vcpu, MSR_IA32_FEAT_CTL,
			  FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED |
				  (launch_control_is_locked() ? 0 : FEAT_CTL_SGX_LC_ENABLED));
}

void vm_new(struct vm *vm)
{
	vm->epc_used = 0;
	bare_vm_init(&vm->bare, RAM_SIZE);
	bare_vm_add_epc(&vm->bare, EPC_GPA, EPC_SIZE);
	fill_memory(vm);
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		add_vcpu(vm, cpu);
}

void vm_free(struct vm *vm)
{
	bare_vm_free(&vm->bare);
}

static void read_trap(struct vm *vm, int fd, struct outcome *o)
{
	struct kvm_sregs sregs;
	const struct trap_frame *frame;

	must(o->regs.rsp <= RAM_SIZE - sizeof(*frame));
	frame = vm_ram(vm, o->regs.rsp);
	bare_vm_ioctl(fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	o->vector = (int)frame->vector;
	o->error = (uint32_t)frame->error;
	o->cr2 = sregs.cr2;
	o->regs.rip = frame->rip;
	o->regs.rflags = frame->rflags;
	o->regs.rsp = frame->rsp;
}

static struct outcome run(struct vm *vm, unsigned int cpu, const struct kvm_regs *regs)
{
	const struct bare_vcpu *vcpu = &vm->bare.vcpu[cpu];
	struct outcome o = {.vector = VECTOR_NONE};

	bare_vcpu_enter(vcpu, regs);
	o.exit_reason = bare_vcpu_run(vcpu);
	bare_vm_ioctl(vcpu->fd, KVM_GET_REGS, &o.regs, "KVM_GET_REGS");
	if (o.exit_reason == KVM_EXIT_HLT)
		read_trap(vm, vcpu->fd, &o);
	return o;
}

static struct outcome run_kernel(struct vm *vm, const char *code, struct kvm_regs regs)
{
	regs.rip = code_at(code);
	regs.rsp = USER_STACK;
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
	const uint8_t *pte;
	struct outcome o;

	must(gva - WINDOW_GVA < WINDOW_SIZE);
	pte = (const uint8_t *)bare_vm_pte(&vm->bare, gva);
	o = run_kernel(vm, guest_map,
		       (struct kvm_regs){.rdi = (gpa_t)(pte - vm->bare.ram),
					 .rsi = gva,
					 .rdx = gpa_and_flags});
	must(o.vector == VECTOR_DONE);
}

/* At CPL 3: by IRET, with a frame for each processor. */
struct outcome vm_enclu(struct vm *vm, unsigned int cpu, const struct kvm_regs *regs)
{
	const gpa_t frame_gpa = FRAME_GPA + cpu * UINT64_C(0x100);
	const uint64_t frame[] = {code_at(guest_enclu), BARE_VM_USER_CS, 2, USER_STACK,
				  BARE_VM_USER_SS};
	struct kvm_regs kernel = *regs;

	memcpy(vm_ram(vm, frame_gpa), frame, sizeof(frame));
	kernel.rip = code_at(guest_to_user);
	kernel.rsp = frame_gpa;
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
