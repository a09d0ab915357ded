// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor against the host CPU: the same machine code natively and in a
 * guest whose linear addresses are the host's.
 */
#include "harness.h"
#include "kernels.h"
#include "lib/bits.h"
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_SIZE 65536

/* Host addresses are below 2^47, guest-physical ones may be up to 2^52: no offset is needed. */
#define HOST_BASE UINT64_C(0)

struct guest {
	struct machine machine;
	uint8_t *memory;
	uint8_t *stack;
	const struct kernel *kernel;
	uint64_t result;
};

/* Where a kernel returns to: UD2 ends the run. */
__asm__(".text\n.globl kernel_end\nkernel_end:\n\tud2\n");
extern const uint8_t kernel_end[];

static uint64_t run_guest(void *ctx, unsigned int iterations)
{
	struct guest *g = ctx;
	struct machine *m = &g->machine;
	struct x86_state *v = &m->v->cpu.state;
	uint64_t start = bench_cpu_ns();

	for (unsigned int i = 0; i < iterations; i++) {
		uint64_t *sp = (uint64_t *)(g->stack + STACK_SIZE - 64);

		*--sp = (uint64_t)kernel_end;
		struct machine_trap trap;

		machine_enter_user(m);
		v->gpr[X86_RSP] = (uint64_t)sp;
		v->gpr[X86_RDI] = (uint64_t)g->memory;
		v->gpr[X86_RSI] = g->kernel->scale;
		v->rip = (uint64_t)g->kernel->run;
		trap = machine_run(m);
		if (trap.vector != UD_VECTOR || trap.rip != (uint64_t)kernel_end) {
			fprintf(stderr, "%s: the guest stopped at %#lx by %d\n", g->kernel->name,
				trap.rip, trap.vector);
			exit(EXIT_FAILURE);
		}
		g->result = v->gpr[X86_RAX];
	}
	return bench_cpu_ns() - start;
}

static uint64_t run_native(void *ctx, unsigned int iterations)
{
	struct guest *g = ctx;
	uint64_t start = bench_cpu_ns();
	uint64_t result = 0;

	for (unsigned int i = 0; i < iterations; i++)
		result = g->kernel->run(g->memory, g->kernel->scale);
	if (g->result && result != g->result)
		fprintf(stderr, "%s: guest and host disagree\n", g->kernel->name);
	return bench_cpu_ns() - start;
}

static double ratio_of(struct guest *g)
{
	double ratios[BENCH_ROUNDS], guest[BENCH_ROUNDS], native[BENCH_ROUNDS];
	double r;

	run_guest(g, 1);
	for (unsigned int i = 0; i < BENCH_ROUNDS; i++) {
		guest[i] = (double)run_guest(g, 1);
		native[i] = (double)run_native(g, 1);
		ratios[i] = guest[i] / native[i];
	}
	r = bench_median(ratios, BENCH_ROUNDS);
	printf("%-10s guest %9.1f us  native %9.1f us  %5.2fx\n", g->kernel->name,
	       bench_median(guest, BENCH_ROUNDS) / 1000, bench_median(native, BENCH_ROUNDS) / 1000,
	       r);
	return r;
}

/* The guest has host memory where the host has it. */
static void share(struct machine *m, const void *start, uint64_t size)
{
	gva_t first = align_down((uint64_t)(uintptr_t)start, 4096);
	uint64_t bytes = align_up((uint64_t)(uintptr_t)start + size, 4096) - first;

	if (machine_add_ram(m, first - HOST_BASE, (void *)first, bytes)) {
		fprintf(stderr, "no memory slot for %#lx\n", first);
		exit(EXIT_FAILURE);
	}
	machine_map(m, first, first - HOST_BASE, bytes, MACHINE_USER | MACHINE_WRITABLE, 12);
}

/* This program: code, constants and data, which the linker has put side by side. */
extern const uint8_t __executable_start[], _end[];

static void share_image(struct machine *m)
{
	share(m, __executable_start, (uint64_t)(_end - __executable_start));
}

int main(int argc, char **argv)
{
	struct guest g = {0};
	double log_int = 0, log_simd = 0;
	unsigned int n_int = 0, n_simd = 0;

	g.memory = aligned_alloc(4096, KERNEL_MEMORY);
	g.stack = aligned_alloc(4096, STACK_SIZE);
	if (!g.memory || !g.stack || machine_init(&g.machine, 0))
		return EXIT_FAILURE;
	memset(g.memory, 0, KERNEL_MEMORY);
	share(&g.machine, g.memory, KERNEL_MEMORY);
	share(&g.machine, g.stack, STACK_SIZE);
	share_image(&g.machine);
	for (unsigned int i = 0; i < kernel_count; i++) {
		double r;

		g.kernel = &kernels[i];
		if (argc > 1 && strcmp(argv[1], g.kernel->name) != 0)
			continue;
		g.result = 0;
		r = ratio_of(&g);
		if (g.kernel->simd) {
			log_simd += log(r);
			n_simd++;
		} else {
			log_int += log(r);
			n_int++;
		}
	}
	printf("geometric mean: integer %.2fx (target <= 3.0x), SIMD %.2fx (target <= 3.0x)\n",
	       exp(log_int / n_int), exp(log_simd / n_simd));
	machine_destroy(&g.machine);
	return EXIT_SUCCESS;
}
