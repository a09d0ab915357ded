// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device writes over code that has been run, behind the processor's back. The
 * device is the runner's own.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

typedef uint32_t function(void);

static uint32_t call(const void *code)
{
	return ((function *)code)();
}

static void device_writes(const void *at, uint32_t value)
{
	outl(0x500, (uint32_t)(uint64_t)at);
	outl(0x504, value);
}

static uint8_t *new_function(uint64_t offset)
{
	uint8_t *code = (uint8_t *)page_alloc(2) + offset;

	code[0] = 0xb8;
	code[5] = 0xc3;
	return code;
}

#define SKIP_UNLESS_RUNNER() SKIP_UNLESS(platform() == PLATFORM_RUNNER, "no such device here")

/*
 * By these a driver's processor notices that the device is done: they are where
 * code is compared with memory (docs/errata.md: nothing of them, no promise).
 */
static void by_cpuid(void)
{
	(void)cpuid(0, 0);
}

static void by_cr3(void)
{
	write_cr3(read_cr3());
}

static void by_invlpg(void)
{
	invlpg((void *)TEST_BASE);
}

CODE(nothing, "nop");

static void by_iret(void)
{
	struct state s;

	state_kernel(&s, nothing);
	run(&s);
}

static void write_and_call(uint8_t *code, void (*notice)(void))
{
	for (uint32_t i = 1; i <= 50; i++) {
		device_writes(code + 1, i);
		notice();
		EXPECT(call(code), i);
	}
}

static void device_writes_over_code_is_seen_after_cpuid(void)
{
	SKIP_UNLESS_RUNNER();
	write_and_call(new_function(0), by_cpuid);
}

static void device_writes_over_code_is_seen_after_mov_to_cr3(void)
{
	SKIP_UNLESS_RUNNER();
	write_and_call(new_function(0), by_cr3);
}

static void device_writes_over_code_is_seen_after_invlpg(void)
{
	SKIP_UNLESS_RUNNER();
	write_and_call(new_function(0), by_invlpg);
}

static void device_writes_over_code_is_seen_after_iret(void)
{
	SKIP_UNLESS_RUNNER();
	write_and_call(new_function(0), by_iret);
}

static void device_writes_over_second_page_of_an_instruction_is_seen(void)
{
	SKIP_UNLESS_RUNNER();
	write_and_call(new_function(4096 - 1), by_cpuid);
}

/* Links between blocks of one page, and calls from another page, must not outlive it. */
CODE(calls, "mov $10, %ecx; 1: call *%rdx; add %eax, %ebx; dec %ecx; jnz 1b");

static void device_writes_over_callee_is_seen_by_the_caller(void)
{
	struct state s;
	uint8_t *code;

	SKIP_UNLESS_RUNNER();
	code = new_function(0);
	for (uint32_t i = 1; i <= 20; i++) {
		device_writes(code + 1, i);
		state_kernel(&s, calls);
		s.gpr[RDX] = (uint64_t)code;
		run(&s);
		EXPECT_DONE(s);
		EXPECT(s.gpr[RBX], 10 * i);
	}
}

static void device_writes_data_is_seen(void)
{
	volatile uint32_t *page;

	SKIP_UNLESS_RUNNER();
	page = page_alloc(1);
	for (uint32_t i = 1; i <= 20; i++) {
		device_writes((void *)page, i);
		EXPECT(*page, i);
		*page = 0;
	}
}

static void device_writes_page_table_is_seen_after_invlpg(void)
{
	uint32_t *pages[2];

	SKIP_UNLESS_RUNNER();
	for (unsigned int i = 0; i < 2; i++) {
		pages[i] = page_alloc(1);
		*pages[i] = i;
	}
	for (unsigned int i = 0; i < 20; i++) {
		device_writes(pte_of(TEST_BASE, 1), (uint32_t)(uint64_t)pages[i % 2] | 3);
		invlpg((void *)TEST_BASE);
		EXPECT(*(volatile uint32_t *)TEST_BASE, i % 2);
	}
}

const struct test tests[] = {
	TEST(device_writes_over_code_is_seen_after_cpuid),
	TEST(device_writes_over_code_is_seen_after_mov_to_cr3),
	TEST(device_writes_over_code_is_seen_after_invlpg),
	TEST(device_writes_over_code_is_seen_after_iret),
	TEST(device_writes_over_second_page_of_an_instruction_is_seen),
	TEST(device_writes_over_callee_is_seen_by_the_caller),
	TEST(device_writes_data_is_seen),
	TEST(device_writes_page_table_is_seen_after_invlpg),
	{0},
};

const struct known known_tcg[] = {{0}};
