// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Engines and vCPUs that have run give everything back: what malloc() gave,
 * LeakSanitizer sees; mappings and descriptors are compared here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "machine.h"

#define CYCLES    1000
#define PAGE_SIZE 4096u
#define CODE      UINT64_C(0x40000000)
/* AddressSanitizer keeps up to 256 MiB of what was freed; one engine is larger than all its others. */
#define GROWTH_MAX   (UINT64_C(512) << 20)
#define MAPPINGS_MAX 64u

/* A loop that is linked to itself, and spoils its own translation. */
static const uint8_t code[] = {
	0xb8, 0x05, 0x00, 0x00, 0x00,             /* mov $5, %eax */
	0xff, 0xc8,                               /* 1: dec %eax */
	0xc6, 0x05, 0x0b, 0x00, 0x00, 0x00, 0x90, /* movb $0x90, 2f(%rip) */
	0x75, 0xf5,                               /* jnz 1b */
	0xc5, 0xfd, 0xef, 0xc0,                   /* vpxor %ymm0, %ymm0, %ymm0 */
	0xcc,                                     /* int3 */
	0x90, 0x90, 0x90, 0x90, 0x90,             /* 2: */
};

static unsigned int count_descriptors(void)
{
	unsigned int count = 0;
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static unsigned int count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned int count = 0;
	int c;

	assert_non_null(file);
	while ((c = fgetc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

/* Bytes of address space. */
static uint64_t count_memory(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	char line[128] = "";
	uint64_t pages;

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	pages = strtoull(line, NULL, 10);
	assert_int_not_equal(pages, 0);
	return pages * PAGE_SIZE;
}

struct held {
	unsigned int descriptors, mappings;
	uint64_t memory;
};

static struct held held_now(void)
{
	return (struct held){count_descriptors(), count_mappings(), count_memory()};
}

static void assert_no_more_than(const struct held *before)
{
	struct held now = held_now();

	assert_int_equal(now.descriptors, before->descriptors);
	assert_in_range(now.mappings, 0, before->mappings + MAPPINGS_MAX);
	assert_in_range(now.memory, 0, before->memory + GROWTH_MAX);
}

static void run_code(struct machine *m, uint8_t *page)
{
	struct machine_trap trap;

	memcpy(page, code, sizeof(code));
	m->v->cpu.state.rip = CODE;
	trap = machine_run(m);
	assert_int_equal(trap.vector, BP_VECTOR);
	assert_int_equal(trap.rip, CODE + 21);
}

static void run_machine(uint8_t *page)
{
	struct machine m;

	assert_int_equal(machine_init(&m, 0), 0);
	assert_int_equal(machine_add_ram(&m, CODE, page, PAGE_SIZE), 0);
	machine_map(&m, CODE, CODE, PAGE_SIZE, MACHINE_WRITABLE | MACHINE_USER, 12);
	run_code(&m, page);
	machine_destroy(&m);
}

static void engine_that_ran_gives_all_back(void **state)
{
	uint8_t *page = mem_reserve(PAGE_SIZE);
	struct held before;

	/* The first one also makes what stays: handlers, the decoder. */
	run_machine(page);
	before = held_now();
	for (unsigned int i = 0; i < CYCLES; i++)
		run_machine(page);
	assert_no_more_than(&before);
	mem_release(page, PAGE_SIZE);
}

/* What a vCPU made the engine translate stays with the engine. */
static void vcpu_of_running_engine_gives_all_back(void **state)
{
	const struct engine_vcpu_config config = {.run_fd = -1};
	uint8_t *page = mem_reserve(PAGE_SIZE);
	struct machine m;
	struct held before;

	assert_int_equal(machine_init(&m, 0), 0);
	assert_int_equal(machine_add_ram(&m, CODE, page, PAGE_SIZE), 0);
	machine_map(&m, CODE, CODE, PAGE_SIZE, MACHINE_WRITABLE | MACHINE_USER, 12);
	run_code(&m, page);
	before = held_now();
	for (unsigned int i = 0; i < CYCLES; i++) {
		engine_vcpu_free(m.v);
		assert_int_equal(engine_vcpu_new(m.engine, &config, &m.v), 0);
		cpu_set_cpuid(&m.v->cpu, &m.cpuid);
		machine_enter_user(&m);
		engine_state_changed(m.v);
		run_code(&m, page);
	}
	assert_no_more_than(&before);
	machine_destroy(&m);
	mem_release(page, PAGE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(engine_that_ran_gives_all_back),
		cmocka_unit_test(vcpu_of_running_engine_gives_all_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
