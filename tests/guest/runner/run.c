// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one bare guest on the engine, as a VMM would: memory slots, the ROM, one
 * vCPU from its reset on, and its exits.
 *
 *   run [--single] [--no-chain] [--fault-map] [--tiny-cache] ROM
 */
#define _GNU_SOURCE
#include "devices.h"

#include "cpu/cpuid.h"
#include "engine/engine.h"
#include "mmu/memslot.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_SIZE  UINT64_C(0x4000000)
#define ROM_SIZE  UINT64_C(0x20000)
#define ROM_HIGH  (UINT64_C(0x100000000) - ROM_SIZE)
#define ROM_LOW   (UINT64_C(0x100000) - ROM_SIZE)
#define EXIT_PASS 0x10
#define SECONDS   110

struct machine {
	struct memslots *slots;
	struct engine *engine;
	struct engine_vcpu *v;
	struct cpuid_table cpuid;
	uint8_t *ram, *rom;
	struct devices devices;
	pthread_t timer;
	bool has_timer; /* a thread to join */
	uint8_t timer_vector;
};

static struct machine machine;

static void synchronize(void *opaque)
{
	struct machine *m = opaque;

	if (m->engine)
		engine_synchronize(m->engine);
}

static void dma(void *opaque, uint32_t gpa, uint32_t value)
{
	struct machine *m = opaque;

	if (gpa <= RAM_SIZE - sizeof(value))
		memcpy(m->ram + gpa, &value, sizeof(value));
	engine_memory_written(m->engine);
}

static void *timer_thread(void *opaque)
{
	struct machine *m = opaque;

	(void)usleep(1000);
	m->devices.interrupt = m->timer_vector;
	atomic_store(&m->v->irq_hint, true);
	engine_kick(m->v);
	return NULL;
}

static void timer_join(struct machine *m)
{
	if (m->has_timer)
		(void)pthread_join(m->timer, NULL);
	m->has_timer = false;
}

static void timer_start(void *opaque, uint8_t vector)
{
	struct machine *m = opaque;

	timer_join(m);
	m->timer_vector = vector;
	m->has_timer = pthread_create(&m->timer, NULL, timer_thread, m) == 0;
}

static int take_interrupt(struct engine_vcpu *v)
{
	struct machine *m = v->owner;

	return atomic_exchange(&m->devices.interrupt, -1);
}

static bool has_interrupt(struct engine_vcpu *v)
{
	struct machine *m = v->owner;

	if (m->devices.interrupt >= 0)
		return true;
	/* Who raises one between the two looks sets the hint again. */
	atomic_store(&v->irq_hint, false);
	if (m->devices.interrupt < 0)
		return false;
	atomic_store(&v->irq_hint, true);
	return true;
}

static const struct engine_ops ops = {
	.take_interrupt = take_interrupt,
	.has_interrupt = has_interrupt,
};

static uint8_t *map(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static int add_slot(struct machine *m, uint32_t id, uint64_t gpa, uint64_t size, uint8_t *host,
		    uint32_t flags)
{
	struct kvm_userspace_memory_region region = {
		.slot = id,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};

	return memslots_set(m->slots, &region, NULL);
}

static int load_rom(struct machine *m, const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t got;

	if (!file) {
		perror(path);
		return -1;
	}
	got = fread(m->rom, 1, ROM_SIZE, file);
	(void)fclose(file);
	if (got != ROM_SIZE) {
		(void)fprintf(stderr, "%s: not a ROM of %u bytes\n", path, (unsigned int)ROM_SIZE);
		return -1;
	}
	return 0;
}

static int add_memory(struct machine *m, const char *path)
{
	m->ram = map(RAM_SIZE);
	m->rom = map(ROM_SIZE);
	if (!m->ram || !m->rom || load_rom(m, path))
		return -1;
	m->slots = memslots_new(46, synchronize, m);
	if (!m->slots)
		return -1;
	if (add_slot(m, 0, 0, DEVICE_MEMORY, m->ram, 0) ||
	    add_slot(m, 1, 0x100000, RAM_SIZE - 0x100000, m->ram + 0x100000, 0) ||
	    add_slot(m, 2, ROM_HIGH, ROM_SIZE, m->rom, KVM_MEM_READONLY) ||
	    add_slot(m, 3, ROM_LOW, ROM_SIZE, m->rom, KVM_MEM_READONLY))
		return -1;
	return 0;
}

/* The leaf by which the guest knows where it runs. */
static const struct cpuid_entry signature = {
	.leaf = 0x40000000,
	.regs = {0x40000000, 0x6c637845, 0x47657661, 0x74736575},
};

static int add_vcpu(struct machine *m)
{
	const struct engine_vcpu_config config = {.is_bsp = true, .run_fd = -1, .owner = m};
	const struct cpuid_extra extra = {.entries = &signature, .entry_count = 1};

	if (engine_vcpu_new(m->engine, &config, &m->v))
		return -1;
	cpuid_offer(&m->cpuid, cpuid_host, &extra);
	cpu_set_cpuid(&m->v->cpu, &m->cpuid);
	/* The processor's signature, which EDX holds after reset, has come with the table. */
	m->v->cpu.state.gpr[X86_RDX] = cpuid_find(&m->cpuid, 1, 0)->regs[CPUID_EAX];
	engine_state_changed(m->v);
	return 0;
}

static int machine_new(struct machine *m, const char *path, uint32_t debug)
{
	struct engine_config config = {.ops = &ops, .debug = debug};

	devices_init(&m->devices);
	m->devices.dma = dma;
	m->devices.timer = timer_start;
	m->devices.opaque = m;
	if (add_memory(m, path))
		return -1;
	config.slots = m->slots;
	if (engine_new(&config, &m->engine))
		return -1;
	return add_vcpu(m);
}

static void machine_free(struct machine *m)
{
	timer_join(m);
	engine_vcpu_free(m->v);
	engine_free(m->engine);
	memslots_free(m->slots);
	(void)munmap(m->ram, RAM_SIZE);
	(void)munmap(m->rom, ROM_SIZE);
}

static void do_io(struct machine *m)
{
	struct engine_exit *e = &m->v->exit;

	for (uint32_t i = 0; i < e->io.count; i++) {
		uint8_t *data = e->io.data + (size_t)i * e->io.size;

		if (e->io.in)
			devices_in(&m->devices, e->io.port, data, e->io.size);
		else
			devices_out(&m->devices, e->io.port, data, e->io.size);
	}
	/* The port may have been the one that raises an interrupt. */
	atomic_store(&m->v->irq_hint, true);
}

static void do_mmio(struct machine *m)
{
	struct engine_exit *e = &m->v->exit;

	devices_mmio(&m->devices, e->mmio.gpa, e->mmio.data, e->mmio.len, e->mmio.write);
}

static const char *exit_name(enum engine_exit_reason reason)
{
	switch (reason) {
	case ENGINE_EXIT_KICK:
		return "kick";
	case ENGINE_EXIT_IO:
		return "I/O";
	case ENGINE_EXIT_MMIO:
		return "MMIO";
	case ENGINE_EXIT_MSR:
		return "MSR";
	case ENGINE_EXIT_HLT:
		return "HLT";
	case ENGINE_EXIT_IRQ_WINDOW:
		return "interrupt window";
	case ENGINE_EXIT_SHUTDOWN:
		return "shutdown";
	case ENGINE_EXIT_FAIL_ENTRY:
	case ENGINE_EXIT_INTERNAL_ERROR:
		return "internal error";
	case ENGINE_EXIT_HOST_ERROR:
		return "host error";
	case ENGINE_EXIT_EXCEPTION:
		return "exception";
	}
	return "?";
}

static void explain(const struct machine *m, enum engine_exit_reason reason)
{
	const struct engine_vcpu *v = m->v;
	const struct x86_state *s = &v->cpu.state;

	printf("guest left by: %s\n", exit_name(reason));
	printf("CS:RIP %04x:%llx RFLAGS %llx CR0 %llx CR2 %llx CR3 %llx CR4 %llx EFER %llx\n",
	       s->seg[X86_SEG_CS].selector, (unsigned long long)s->rip,
	       (unsigned long long)s->rflags, (unsigned long long)s->cr0,
	       (unsigned long long)s->cr2, (unsigned long long)v->cpu.cr3,
	       (unsigned long long)s->cr4, (unsigned long long)s->efer);
	for (unsigned int i = 0; i < X86_NR_GPRS; i++)
		printf("%llx%c", (unsigned long long)s->gpr[i], i % 8 == 7 ? '\n' : ' ');
	if (reason == ENGINE_EXIT_INTERNAL_ERROR) {
		for (unsigned int i = 0; i < v->exit.insn.length; i++)
			printf("%02x ", v->exit.insn.bytes[i]);
		printf("\n");
	}
	if (reason == ENGINE_EXIT_HOST_ERROR)
		printf("%s\n", strerror(-v->exit.host_errno));
}

/* Does an interrupt end the HLT? It may still be on its way. */
static bool may_wake(struct machine *m)
{
	timer_join(m);
	return m->devices.interrupt >= 0 && (m->v->cpu.state.rflags & X86_EFLAGS_IF);
}

/* Return: does the guest go on? */
static bool handle_exit(struct machine *m, enum engine_exit_reason reason)
{
	switch (reason) {
	case ENGINE_EXIT_KICK:
	case ENGINE_EXIT_IRQ_WINDOW:
		return true;
	case ENGINE_EXIT_IO:
		do_io(m);
		return !m->devices.ended;
	case ENGINE_EXIT_MMIO:
		do_mmio(m);
		return true;
	case ENGINE_EXIT_HLT:
		return may_wake(m);
	case ENGINE_EXIT_MSR:
	case ENGINE_EXIT_SHUTDOWN:
	case ENGINE_EXIT_FAIL_ENTRY:
	case ENGINE_EXIT_INTERNAL_ERROR:
	case ENGINE_EXIT_HOST_ERROR:
	case ENGINE_EXIT_EXCEPTION:
		return false;
	}
	return false;
}

static int machine_run(struct machine *m)
{
	enum engine_exit_reason reason;

	do {
		reason = engine_run(m->v);
	} while (handle_exit(m, reason));
	if (!m->devices.ended)
		explain(m, reason);
	return m->devices.ended && m->devices.exit_code == EXIT_PASS ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"single", no_argument, NULL, ENGINE_DEBUG_SINGLE},
		{"no-chain", no_argument, NULL, ENGINE_DEBUG_NO_CHAIN},
		{"fault-map", no_argument, NULL, ENGINE_DEBUG_FAULT_MAP},
		{"tiny-cache", no_argument, NULL, ENGINE_DEBUG_TINY_CACHE},
		{0},
	};
	uint32_t debug = 0;
	int option, ret;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?')
			return 2;
		debug |= (uint32_t)option;
	}
	if (optind != argc - 1) {
		(void)fprintf(stderr, "usage: run [--single] [--no-chain] [--fault-map] "
				      "[--tiny-cache] ROM\n");
		return 2;
	}
	/* What the guest has said counts most when it ends badly. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* A guest that hangs must not hang the tests; SIGALRM ends the process. */
	(void)alarm(SECONDS);
	if (machine_new(&machine, argv[optind], debug)) {
		(void)fprintf(stderr, "run: the machine cannot be made\n");
		return 2;
	}
	ret = machine_run(&machine);
	machine_free(&machine);
	return ret;
}
