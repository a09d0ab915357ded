// SPDX-License-Identifier: GPL-2.0-or-later
/* What single things cost in the guest, against the same code run natively. */
#define _GNU_SOURCE
#include "engine_bench.h"
#include "harness.h"
#include "lib/bits.h"
#include "paths.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

struct cost {
	struct bench_pair pair;
	struct guest *guest;
	kernel_function *run;
	unsigned int per_turn; /* of what is counted, in one turn of `run` */
	uint8_t *memory;
};

static uint32_t turns(const struct cost *c, unsigned int iterations)
{
	return iterations / c->per_turn;
}

static uint64_t in_guest(void *ctx, unsigned int iterations)
{
	const struct cost *c = ctx;
	uint64_t start = bench_cpu_ns();

	guest_call(c->guest, c->run, c->memory, turns(c, iterations));
	return bench_cpu_ns() - start;
}

static uint64_t natively(void *ctx, unsigned int iterations)
{
	const struct cost *c = ctx;
	uint64_t start = bench_cpu_ns();

	c->run(c->memory, turns(c, iterations));
	return bench_cpu_ns() - start;
}

static void step_over_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	u->uc_mcontext.gregs[REG_RIP] += PATH_FAULT_LENGTH;
}

/* The engine's own handler steps aside meanwhile: no guest is running. */
static uint64_t natively_by_signal(void *ctx, unsigned int iterations)
{
	const struct sigaction mine = {
		.sa_sigaction = step_over_fault,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction engine;
	uint64_t ns;

	sigaction(SIGSEGV, &mine, &engine);
	ns = natively(ctx, iterations);
	sigaction(SIGSEGV, &engine, NULL);
	return ns;
}

static uint64_t exits(void *ctx, unsigned int iterations)
{
	const struct cost *c = ctx;
	struct engine_vcpu *v = c->guest->machine.v;
	uint64_t start = bench_cpu_ns();

	guest_start(c->guest, c->run, c->memory, turns(c, iterations));
	v->cpu.state.rflags |= X86_EFLAGS_IOPL;
	for (unsigned int i = 0; i < iterations; i++)
		if (engine_run(v) != ENGINE_EXIT_IO) {
			fprintf(stderr, "the guest does not leave for its port\n");
			exit(EXIT_FAILURE);
		}
	guest_finish(c->guest);
	return bench_cpu_ns() - start;
}

static uint64_t system_calls(void *ctx, unsigned int iterations)
{
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++)
		getppid();
	return bench_cpu_ns() - start;
}

/* #PF steps over the instruction, as step_over_fault() does; SYSCALL returns at once. */
static void add_handlers(struct guest *g)
{
	static const uint8_t page_fault[] = {
		0x48, 0x83, 0x44, 0x24, 0x08, PATH_FAULT_LENGTH, /* add $3, 8(%rsp) */
		0x48, 0x83, 0xc4, 0x08,                          /* add $8, %rsp */
		0x48, 0xcf,                                      /* iretq */
	};
	static const uint8_t sysret[] = {0x48, 0x0f, 0x07};
	struct machine *m = &g->machine;
	const unsigned int unused = 255;

	_Static_assert(sizeof(page_fault) <= MACHINE_HANDLER_SIZE, "the handler of #PF");
	memcpy(machine_handler(m, PF_VECTOR), page_fault, sizeof(page_fault));
	memcpy(machine_handler(m, unused), sysret, sizeof(sysret));
	engine_memory_written(m->engine);
	m->v->cpu.msr.lstar = machine_handler_gva(unused);
	/* SYSRET adds 16 for CS. */
	m->v->cpu.msr.star = (uint64_t)MACHINE_KERNEL_CS << 32 | (uint64_t)(MACHINE_USER_CS - 16)
									 << 48;
}

/* Two stretches of pages, PATH_TLB_DISTANCE apart: their entries of the TLB are the same. */
static uint8_t *tlb_memory(struct guest *g)
{
	const size_t size = PATH_TLB_PAGES * 4096;
	uint8_t *low = mmap(NULL, PATH_TLB_DISTANCE + size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (low == MAP_FAILED) {
		perror("memory for TLB misses");
		exit(EXIT_FAILURE);
	}
	memset(low, 1, size);
	memset(low + PATH_TLB_DISTANCE, 1, size);
	guest_share(g, low, size);
	guest_share(g, low + PATH_TLB_DISTANCE, size);
	return low;
}

/* What names no other peer is compared with itself, natively. */
static const struct cost costs[] = {
	{.pair = {.name = "jump inside a page, linked", .iterations = 640000},
	 .run = path_linked,
	 .per_turn = PATH_BLOCKS},
	{.pair = {.name = "jump to another page", .iterations = 640000},
	 .run = path_across,
	 .per_turn = PATH_BLOCKS},
	{.pair = {.name = "indirect jump, known", .iterations = 640000},
	 .run = path_indirect,
	 .per_turn = PATH_BLOCKS},
	{.pair = {.name = "CALL and RET", .iterations = 640000},
	 .run = path_return,
	 .per_turn = PATH_BLOCKS},
	{.pair = {.name = "indirect jump, unknown", .iterations = 20000},
	 .run = path_miss,
	 .per_turn = 2},
	{.pair = {.name = "TLB miss", .iterations = 25600},
	 .run = path_tlb,
	 .per_turn = 2 * PATH_TLB_PAGES},
	{.pair = {.name = "#PF, handler, IRET",
		  .peer_name = "SIGSEGV, handler, return",
		  .peer = natively_by_signal,
		  .iterations = 2000},
	 .run = path_fault,
	 .per_turn = 1},
	{.pair = {.name = "SYSCALL, SYSRET", .peer_name = "getppid()", .iterations = 10000},
	 .run = path_syscall,
	 .per_turn = 1},
	{.pair = {.name = "CPUID", .iterations = 1000}, .run = path_cpuid, .per_turn = 1},
	{.pair = {.name = "exit for OUT and back",
		  .subject = exits,
		  .peer_name = "getppid()",
		  .peer = system_calls,
		  .iterations = 10000},
	 .run = path_out,
	 .per_turn = 1},
};

unsigned int bench_costs(struct guest *g)
{
	uint8_t *tlb = tlb_memory(g);
	unsigned int missed = 0;

	add_handlers(g);
	for (unsigned int i = 0; i < ARRAY_SIZE(costs); i++) {
		struct cost c = costs[i];

		c.guest = g;
		/* Page 0 is nobody's. */
		c.memory = c.run == path_tlb ? tlb : c.run == path_fault ? NULL : g->memory;
		c.pair.ctx = &c;
		if (!c.pair.subject)
			c.pair.subject = in_guest;
		if (!c.pair.peer)
			c.pair.peer = natively;
		if (!c.pair.peer_name)
			c.pair.peer_name = "natively";
		missed += !bench_run(&c.pair);
	}
	return missed;
}
