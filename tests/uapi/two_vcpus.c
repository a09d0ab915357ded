// SPDX-License-Identifier: GPL-2.0-or-later
#include "two_vcpus.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLERS    0x6000u
#define CODE        0x8000u
#define BARRIER     0x9000u
#define STACK_TOP   0x10000u /* and one page below it for the other vCPU */
#define HANDLER_LEN 16u
#define NR_VECTORS  32u
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

/* Each vector's handler says which it is in R15, and halts. */
static void make_handlers(struct bare_vm *vm)
{
	for (uint32_t vector = 0; vector < NR_VECTORS; vector++) {
		const uint32_t gpa = HANDLERS + vector * HANDLER_LEN;
		const uint8_t handler[] = {0x41, 0xbf, (uint8_t)vector, 0, 0, 0, 0xf4};

		bare_vm_set_gate(vm, (uint8_t)vector, gpa, 0, 0);
		memcpy(vm->ram + gpa, handler, sizeof(handler));
	}
}

void two_vcpus_init(struct bare_vm *vm)
{
	const uint64_t flags = PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_PAGE_SIZE_MASK;

	bare_vm_init(vm, RAM_SIZE);
	bare_vm_add_epc(vm, EPC_GPA, EPC_PAGES * (uint64_t)SGX_PAGE_SIZE);
	bare_vm_map(vm, 0, 0, RAM_SIZE, flags);
	bare_vm_map(vm, EPC_GPA, EPC_GPA, vm->epc_size, flags);
	make_handlers(vm);
	memcpy(vm->ram + CODE, code, sizeof(code));
	for (unsigned int cpu = 0; cpu < NR_VCPUS; cpu++)
		bare_vcpu_set_msr(bare_vm_add_vcpu(vm, 0), FC,
				  FEAT_CTL_LOCKED | FEAT_CTL_SGX_ENABLED | FEAT_CTL_SGX_LC_ENABLED);
}

void set_pubkey_hash(struct bare_vm *vm, unsigned int cpu, const uint64_t hash[4])
{
	for (uint32_t i = 0; i < 4; i++)
		bare_vcpu_set_msr(&vm->vcpu[cpu], PUBKEY_HASH + i, hash[i]);
}

/* The next run meets @vcpus of them, itself one of these. */
static void load(struct bare_vm *vm, unsigned int cpu, struct leaf_call call, uint32_t vcpus)
{
	const struct kvm_regs regs = {
		.rip = CODE,
		.rsp = STACK_TOP - cpu * 0x1000,
		.rax = call.rax,
		.rbx = call.rbx,
		.rcx = call.rcx,
		.rdx = call.rdx,
		.rdi = BARRIER,
		.rsi = vcpus,
		.r15 = NO_FAULT,
	};

	bare_vcpu_enter(&vm->vcpu[cpu], &regs);
}

static struct leaf_end run(const struct bare_vcpu *vcpu)
{
	const uint32_t reason = bare_vcpu_run(vcpu);
	struct kvm_regs regs;

	if (reason != KVM_EXIT_HLT)
		fail("KVM_RUN ended with reason %u", reason);
	bare_vm_ioctl(vcpu->fd, KVM_GET_REGS, &regs, "KVM_GET_REGS");
	return (struct leaf_end){.rax = regs.rax, .vector = regs.r15};
}

struct leaf_end encls_alone(struct bare_vm *vm, struct leaf_call call)
{
	memset(vm->ram + BARRIER, 0, sizeof(uint32_t));
	load(vm, 0, call, 1);
	return run(&vm->vcpu[0]);
}

struct runner {
	const struct bare_vcpu *vcpu;
	struct leaf_end *end;
	pthread_t thread;
};

static void *run_thread(void *argument)
{
	struct runner *runner = argument;

	*runner->end = run(runner->vcpu);
	return NULL;
}

void encls_at_once(struct bare_vm *vm, const struct leaf_call call[NR_VCPUS],
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
