// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include "lib/bits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_SIZE 65536
#define PAGE_SIZE  UINT64_C(4096)

/* Where a kernel returns to: UD2 ends the run. */
__asm__(".text\n.globl kernel_end\nkernel_end:\n\tud2\n");
extern const uint8_t kernel_end[];

/* This program: code, constants and data, which the linker has put side by side. */
extern const uint8_t __executable_start[], _end[];

void guest_share(struct guest *g, const void *start, uint64_t size)
{
	gva_t first = align_down((uint64_t)(uintptr_t)start, PAGE_SIZE);
	uint64_t bytes = align_up((uint64_t)(uintptr_t)start + size, PAGE_SIZE) - first;

	/* Host addresses are below 2^47, guest-physical ones may be up to 2^52: they are equal. */
	if (machine_add_ram(&g->machine, first, (void *)first, bytes)) {
		fprintf(stderr, "no memory slot for %#lx\n", first);
		exit(EXIT_FAILURE);
	}
	machine_map(&g->machine, first, first, bytes, MACHINE_USER | MACHINE_WRITABLE, 12);
}

void guest_init(struct guest *g)
{
	g->memory = aligned_alloc(PAGE_SIZE, KERNEL_MEMORY);
	g->stack = aligned_alloc(PAGE_SIZE, STACK_SIZE);
	if (!g->memory || !g->stack || machine_init(&g->machine, 0)) {
		fprintf(stderr, "no memory for the guest\n");
		exit(EXIT_FAILURE);
	}
	memset(g->memory, 0, KERNEL_MEMORY);
	guest_share(g, g->memory, KERNEL_MEMORY);
	guest_share(g, g->stack, STACK_SIZE);
	guest_share(g, __executable_start, (uint64_t)(_end - __executable_start));
}

void guest_free(struct guest *g)
{
	machine_destroy(&g->machine);
	free(g->memory);
	free(g->stack);
}

void guest_start(struct guest *g, kernel_function *run, const void *memory, uint32_t scale)
{
	struct x86_state *s = &g->machine.v->cpu.state;
	uint64_t *sp = (uint64_t *)(g->stack + STACK_SIZE - 64);

	*--sp = (uint64_t)kernel_end;
	machine_enter_user(&g->machine);
	s->gpr[X86_RSP] = (uint64_t)sp;
	s->gpr[X86_RDI] = (uint64_t)memory;
	s->gpr[X86_RSI] = scale;
	s->rip = (uint64_t)run;
}

uint64_t guest_finish(struct guest *g)
{
	const struct machine_trap trap = machine_run(&g->machine);

	if (trap.vector != UD_VECTOR || trap.rip != (uint64_t)kernel_end) {
		fprintf(stderr, "the guest stopped at %#lx by vector %d, exit %d\n", trap.rip,
			trap.vector, (int)trap.exit);
		exit(EXIT_FAILURE);
	}
	return g->machine.v->cpu.state.gpr[X86_RAX];
}

uint64_t guest_call(struct guest *g, kernel_function *run, const void *memory, uint32_t scale)
{
	guest_start(g, run, memory, scale);
	return guest_finish(g);
}
