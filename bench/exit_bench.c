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
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MSR_SYSENTER_EIP 0x176
#define MSR_NOBODYS      0x12345678

struct exit_case {
	struct bench_pair pair;
	struct bare_vm *vm;
	uint32_t reason;
	uint32_t msr;
	uint8_t size;
	uint8_t code[16];
};

/* Leads back to the start of the code, which begins @n bytes before. */
#define JMP_BACK(n) 0xeb, (uint8_t)(-(n)-2)

static void run_vcpu(struct bare_vm *b, uint32_t reason)
{
	bare_vm_ioctl(b->vcpu, KVM_RUN, NULL, "KVM_RUN");
	if (b->run->exit_reason == reason)
		return;
	fprintf(stderr, "exit-bench: KVM_RUN returned for %u instead of %u\n", b->run->exit_reason,
		reason);
	exit(EXIT_FAILURE);
}

static void load(const struct exit_case *c, unsigned int count)
{
	bare_vm_load(c->vm, c->code, c->size, c->msr, count);
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
	struct kvm_interrupt interrupt = {.irq = BARE_VM_VECTOR};
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++) {
		bare_vm_ioctl(c->vm->vcpu, KVM_INTERRUPT, &interrupt, "KVM_INTERRUPT");
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

static uint64_t empty_runs(void *ctx, unsigned int iterations)
{
	const struct exit_case *c = ctx;
	uint64_t start = bench_cpu_ns();

	c->vm->run->immediate_exit = 1;
	for (unsigned int i = 0; i < iterations; i++)
		if (!ioctl(c->vm->vcpu, KVM_RUN, NULL) || errno != EINTR) {
			fprintf(stderr, "exit-bench: immediate_exit does not end KVM_RUN\n");
			exit(EXIT_FAILURE);
		}
	c->vm->run->immediate_exit = 0;
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
};

static void measure_case(struct bare_vm *b, const struct exit_case *which)
{
	struct exit_case c = *which;

	c.vm = b;
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
	int ret = ioctl(b->vcpu, KVM_RUN, NULL);
	uint64_t now = bench_now_ns();

	if (!ret || errno != EINTR) {
		fprintf(stderr, "exit-bench: a signal does not end KVM_RUN\n");
		exit(EXIT_FAILURE);
	}
	b->run->immediate_exit = 0;
	return now;
}

static void measure_kick(struct bare_vm *b)
{
	static const uint8_t spin[] = {JMP_BACK(0)};
	const struct sigaction handler = {.sa_handler = leave_soon};
	struct latency l = {
		.name = "signal to a guest in a loop",
		.kick = send_signal,
		.wait = wait_in_kvm,
		.ctx = b,
	};

	running = b->run;
	sigaction(SIGUSR1, &handler, NULL);
	bare_vm_load(b, spin, sizeof(spin), 0, 0);
	latency_run(&l);
}

int main(void)
{
	struct bare_vm b = {0};

	bare_vm_init(&b);
	bench_print_header();
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		measure_case(&b, &cases[i]);
	measure_kick(&b);
	latency_run_native();
	bare_vm_free(&b);
	return EXIT_SUCCESS;
}
