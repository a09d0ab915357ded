// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an exit costs a VMM: from one return of KVM_RUN to the next, the guest
 * doing nothing else. A system call is what real KVM could not do without.
 *
 *   exclave run -- exit-bench
 */
#define _GNU_SOURCE
#include "bare_vm.h"
#include "harness.h"
#include "latency.h"
#include "lib/bits.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MSR_SYSENTER_EIP 0x176
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_EOI   0x80b
#define MSR_X2APIC_SVR   0x80f
#define MSR_X2APIC_SELF  0x83f
#define MSR_NOBODYS      0x12345678

#define APIC_BASE_X2APIC UINT64_C(0xfee00d00) /* of the boot processor */
#define APIC_SVR_ENABLED 0x1ff

/* RAM, and from its end on as much of a device. */
#define RAM_SIZE  0x200000u
#define DEVICE    RAM_SIZE
#define HANDLER   0x6000u
#define CODE      0x8000u
#define STACK_TOP 0x10000u
#define VECTOR    0x40

struct exit_case {
	struct bench_pair pair;
	struct bare_vm *vm;
	uint32_t reason;
	uint32_t msr;
	uint32_t value; /* for the MSR */
	bool has_apic;  /* the interrupt controllers are KVM's */
	uint8_t size;
	uint8_t code[16];
};

/* Leads back to the start of the code, which begins @n bytes before. */
#define JMP_BACK(n) 0xeb, (uint8_t)(-(n)-2)

/* MSRs that nobody knows are the VMM's. */
static void take_unknown_msrs(struct bare_vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args = {KVM_MSR_EXIT_REASON_UNKNOWN},
	};

	bare_vm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap, "KVM_CAP_X86_USER_SPACE_MSR");
}

static void enable_x2apic(const struct bare_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	bare_vm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
	sregs.apic_base = APIC_BASE_X2APIC;
	bare_vm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS");
	bare_vcpu_set_msr(vcpu, MSR_X2APIC_SVR, APIC_SVR_ENABLED);
}

/* The handler of the vector only returns; with the APIC, it counts in RDI and ends the interrupt. */
static void make_vm(struct bare_vm *vm, bool has_apic)
{
	static const uint8_t iretq[] = {0x48, 0xcf};
	/* push %rcx; push %rax; inc %rdi; mov $EOI, %ecx; xor %eax, %eax; wrmsr; pop; pop; iretq */
	static const uint8_t eoi[] = {0x51, 0x50, 0x48, 0xff, 0xc7, 0xb9, 0x0b, 0x08, 0,
				      0,    0x31, 0xc0, 0x0f, 0x30, 0x58, 0x59, 0x48, 0xcf};

	bare_vm_init(vm, RAM_SIZE);
	if (has_apic)
		bare_vm_ioctl(vm->fd, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
	bare_vm_map(vm, 0, 0, RAM_SIZE + DEVICE,
		    PT_PRESENT_MASK | PT_WRITABLE_MASK | PT_PAGE_SIZE_MASK);
	bare_vm_set_gate(vm, VECTOR, HANDLER, 0, 0);
	memcpy(vm->ram + HANDLER, has_apic ? eoi : iretq, has_apic ? sizeof(eoi) : sizeof(iretq));
	take_unknown_msrs(vm);
	bare_vm_add_vcpu(vm, 0);
	if (has_apic)
		enable_x2apic(&vm->vcpu[0]);
}

/* The next run begins with @code; RBX leads to the device. */
static void load_code(const struct exit_case *c, unsigned int count)
{
	const struct kvm_regs regs = {.rip = CODE,
				      .rsp = STACK_TOP,
				      .rax = c->value,
				      .rbx = DEVICE,
				      .rcx = c->msr,
				      .rsi = count};

	memcpy(c->vm->ram + CODE, c->code, c->size);
	bare_vcpu_enter(&c->vm->vcpu[0], &regs);
}

static void run_vcpu(const struct bare_vm *vm, uint32_t reason)
{
	const uint32_t got = bare_vcpu_run(&vm->vcpu[0]);

	if (got == reason)
		return;
	fprintf(stderr, "exit-bench: KVM_RUN returned for %u instead of %u\n", got, reason);
	exit(EXIT_FAILURE);
}

static void load(const struct exit_case *c, unsigned int count)
{
	load_code(c, count);
	/* What an exit of the case before has left to be finished is finished by this. */
	run_vcpu(c->vm, c->reason);
}

static uint64_t exits(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++)
		run_vcpu(c->vm, c->reason);
	return bench_cpu_ns() - start;
}

static uint64_t wakes(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	struct kvm_interrupt interrupt = {.irq = VECTOR};
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++) {
		bare_vm_ioctl(c->vm->vcpu[0].fd, KVM_INTERRUPT, &interrupt, "KVM_INTERRUPT");
		run_vcpu(c->vm, c->reason);
	}
	return bench_cpu_ns() - start;
}

/* One exit at the end of all: RSI counts. */
static uint64_t loop(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	uint64_t start = bench_cpu_ns();

	load(c, iterations);
	return bench_cpu_ns() - start;
}

/* Likewise, with an interrupt in each turn. */
static uint64_t interrupts(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	uint64_t passed = loop(ctx, iterations);
	struct kvm_regs regs;

	bare_vm_ioctl(c->vm->vcpu[0].fd, KVM_GET_REGS, &regs, "KVM_GET_REGS");
	if (regs.rdi == iterations)
		return passed;
	fprintf(stderr, "exit-bench: %llu interrupts came instead of %u\n", regs.rdi, iterations);
	exit(EXIT_FAILURE);
}

static uint64_t empty_runs(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	uint64_t start = bench_cpu_ns();

	c->vm->vcpu[0].run->immediate_exit = 1;
	for (unsigned int i = 0; i < iterations; i++)
		if (!ioctl(c->vm->vcpu[0].fd, KVM_RUN, NULL) || errno != EINTR) {
			fprintf(stderr, "exit-bench: immediate_exit does not end KVM_RUN\n");
			exit(EXIT_FAILURE);
		}
	c->vm->vcpu[0].run->immediate_exit = 0;
	return bench_cpu_ns() - start;
}

static uint64_t system_calls(void *ctx, unsigned int iterations)
{
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++)
		getppid();
	return bench_cpu_ns() - start;
}

static const struct exit_case cases[] = {
	{
		.pair = {.name = "KVM_RUN with immediate_exit", .subject = empty_runs},
		.reason = KVM_EXIT_IO,
		.size = 4,
		.code = {0xe6, 0x80, JMP_BACK(2)}, /* out %al, $0x80 */
	},
	{
		.pair = {.name = "OUT", .subject = exits},
		.reason = KVM_EXIT_IO,
		.size = 4,
		.code = {0xe6, 0x80, JMP_BACK(2)},
	},
	{
		.pair = {.name = "IN", .subject = exits},
		.reason = KVM_EXIT_IO,
		.size = 4,
		.code = {0xe4, 0x80, JMP_BACK(2)}, /* in $0x80, %al */
	},
	{
		.pair = {.name = "MMIO write", .subject = exits},
		.reason = KVM_EXIT_MMIO,
		.size = 4,
		.code = {0x89, 0x03, JMP_BACK(2)}, /* mov %eax, (%rbx) */
	},
	{
		.pair = {.name = "MMIO read", .subject = exits},
		.reason = KVM_EXIT_MMIO,
		.size = 4,
		.code = {0x8b, 0x03, JMP_BACK(2)}, /* mov (%rbx), %eax */
	},
	{
		.pair = {.name = "HLT, woken by KVM_INTERRUPT", .subject = wakes},
		.reason = KVM_EXIT_HLT,
		.size = 4,
		.code = {0xfb, 0xf4, JMP_BACK(2)}, /* sti; hlt */
	},
	{
		.pair = {.name = "WRMSR that the VMM answers", .subject = exits},
		.reason = KVM_EXIT_X86_WRMSR,
		.msr = MSR_NOBODYS,
		.size = 4,
		.code = {0x0f, 0x30, JMP_BACK(2)}, /* wrmsr */
	},
	{
		.pair = {.name = "WRMSR that KVM answers", .subject = loop},
		.reason = KVM_EXIT_IO,
		.msr = MSR_SYSENTER_EIP,
		.size = 10,
		/* wrmsr; dec %esi; jnz .-4; out %al, $0x80 */
		.code = {0x0f, 0x30, 0xff, 0xce, 0x75, 0xfa, 0xe6, 0x80, JMP_BACK(8)},
	},
	{
		.pair = {.name = "x2APIC: EOI of nothing", .subject = loop},
		.has_apic = true,
		.reason = KVM_EXIT_IO,
		.msr = MSR_X2APIC_EOI,
		.size = 10,
		.code = {0x0f, 0x30, 0xff, 0xce, 0x75, 0xfa, 0xe6, 0x80, JMP_BACK(8)},
	},
	{
		.pair = {.name = "TSC deadline disarmed", .subject = loop},
		.has_apic = true,
		.reason = KVM_EXIT_IO,
		.msr = MSR_TSC_DEADLINE,
		.size = 10,
		.code = {0x0f, 0x30, 0xff, 0xce, 0x75, 0xfa, 0xe6, 0x80, JMP_BACK(8)},
	},
	{
		.pair = {.name = "self IPI, handler, EOI, IRET", .subject = interrupts},
		.has_apic = true,
		.reason = KVM_EXIT_IO,
		.msr = MSR_X2APIC_SELF,
		.value = VECTOR,
		.size = 11,
		/* sti; wrmsr; dec %esi; jnz .-4; out %al, $0x80 */
		.code = {0xfb, 0x0f, 0x30, 0xff, 0xce, 0x75, 0xfa, 0xe6, 0x80, JMP_BACK(9)},
	},
};

static void measure_case(struct bare_vm vms[2], const struct exit_case *which)
{
	struct exit_case c = *which;

	c.vm = &vms[c.has_apic];
	c.pair.ctx = &c;
	c.pair.iterations = 5000;
	c.pair.peer_name = "getppid()";
	c.pair.peer = system_calls;
	load(&c, 1);
	bench_run(&c.pair);
}

/* What QEMU's signal does. */
static struct kvm_run *running;

static void leave_soon(int signal)
{
	__atomic_store_n(&running->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static void send_signal(struct latency *l)
{
	pthread_kill(l->waiter, SIGUSR1);
}

static uint64_t wait_in_kvm(struct latency *l)
{
	struct bare_vm *b = l->ctx;
	int ret = ioctl(b->vcpu[0].fd, KVM_RUN, NULL);
	uint64_t now = bench_now_ns();

	if (!ret || errno != EINTR) {
		fprintf(stderr, "exit-bench: a signal does not end KVM_RUN\n");
		exit(EXIT_FAILURE);
	}
	b->vcpu[0].run->immediate_exit = 0;
	return now;
}

static void measure_kick(struct bare_vm *b)
{
	const struct exit_case spin = {.vm = b, .size = 2, .code = {JMP_BACK(0)}};
	const struct sigaction handler = {.sa_handler = leave_soon};
	struct latency l = {
		.name = "signal to a guest in a loop",
		.kick = send_signal,
		.wait = wait_in_kvm,
		.ctx = b,
	};

	running = b->vcpu[0].run;
	sigaction(SIGUSR1, &handler, NULL);
	load_code(&spin, 0);
	latency_run(&l);
}

int main(void)
{
	struct bare_vm vms[2];

	make_vm(&vms[false], false);
	make_vm(&vms[true], true);
	bench_print_header();
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		measure_case(vms, &cases[i]);
	measure_kick(&vms[false]);
	latency_run_native();
	bare_vm_free(&vms[false]);
	bare_vm_free(&vms[true]);
	return EXIT_SUCCESS;
}
