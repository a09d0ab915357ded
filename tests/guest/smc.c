// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Self-Modifying Code" and what processors do beyond it: a store is seen by
 * the very next instruction, whatever the address it was made by.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

/* Memory that is code and data at once; the functions in it take nothing, return EAX. */
typedef uint32_t function(void);

static uint32_t call(const void *code)
{
	return ((function *)code)();
}

/* mov $value, %eax; ret */
static void write_function(volatile uint8_t *at, uint32_t value)
{
	at[0] = 0xb8;
	for (unsigned int i = 0; i < 4; i++)
		at[1 + i] = (uint8_t)(value >> 8 * i);
	at[5] = 0xc3;
}

CODE(next_instruction, "movl $0x22222222, 1f+1(%rip); 1: mov $0x11111111, %eax");
CODE(same_block,
     "mov $3, %ecx; 1: movb %cl, 2f+1(%rip); 2: mov $0, %al; add %eax, %ebx; dec %ecx; jnz 1b");

/* The code lies in pages that are mapped read-write, like all of a guest's memory. */
static void store_over_next_instruction_is_seen(void)
{
	struct state s;

	state_kernel(&s, next_instruction);
	run(&s);
	EXPECT(s.gpr[RAX], 0x22222222);
	state_kernel(&s, same_block);
	run(&s);
	EXPECT(s.gpr[RBX], 6);
}

static void store_over_code_just_run_is_seen(void)
{
	volatile uint8_t *code = page_alloc(1);

	for (uint32_t i = 1; i <= 100; i++) {
		write_function(code, i);
		report_case(i);
		EXPECT(call((void *)code), i);
	}
}

static void store_of_one_byte_of_an_immediate_is_seen(void)
{
	volatile uint8_t *code = page_alloc(1);
	uint32_t want = 0;

	write_function(code, 0);
	for (uint32_t i = 0; i < 64; i++) {
		code[1 + i % 4] = (uint8_t)(i * 7 + 1);
		want = (want & ~(0xffu << i % 4 * 8)) | (uint32_t)(uint8_t)(i * 7 + 1) << i % 4 * 8;
		EXPECT(call((void *)code), want);
	}
}

static void store_through_an_alias_is_seen(void)
{
	volatile uint8_t *page = page_alloc(1);
	volatile uint8_t *alias = page_map(TEST_BASE, (void *)page, PTE_P | PTE_W);

	for (uint32_t i = 1; i <= 50; i++) {
		write_function(i % 2 ? alias : page, i);
		EXPECT(call((void *)page), i);
		EXPECT(call((void *)alias), i);
	}
}

/* An instruction whose bytes lie in two pages, each of which is changed by itself. */
static void store_on_either_side_of_a_page_border_is_seen(void)
{
	volatile uint8_t *pages = page_alloc(2), *code = pages + 4096 - 3;
	uint32_t want = 0x04030201;

	write_function(code, want);
	EXPECT(call((void *)code), want);
	for (uint32_t i = 1; i <= 40; i++) {
		code[1 + i % 4] = (uint8_t)i;
		want = (want & ~(0xffu << i % 4 * 8)) | i << i % 4 * 8;
		report_case(i);
		EXPECT(call((void *)code), want);
	}
}

/* The second page of an instruction is another one, at the same address. */
static void remapped_second_page_is_seen(void)
{
	uint8_t *first = page_alloc(1), *second[2] = {page_alloc(1), page_alloc(1)};

	first[4095] = 0xb8;
	for (unsigned int i = 0; i < 2; i++) {
		*(uint32_t *)second[i] = 0x100 + i;
		second[i][4] = 0xc3;
	}
	page_map(TEST_BASE, first, PTE_P | PTE_W);
	for (unsigned int i = 0; i < 20; i++) {
		page_map(TEST_BASE + 4096, second[i % 2], PTE_P | PTE_W);
		EXPECT(call((void *)(TEST_BASE + 4095)), 0x100 + i % 2);
	}
}

static void remapped_page_is_seen(void)
{
	uint8_t *pages[2] = {page_alloc(1), page_alloc(1)};

	write_function(pages[0], 0x1000);
	write_function(pages[1], 0x2000);
	for (unsigned int i = 0; i < 20; i++) {
		page_map(TEST_BASE, pages[i % 2], PTE_P | PTE_W);
		EXPECT(call((void *)TEST_BASE), i % 2 ? 0x2000 : 0x1000);
	}
}

/* A counter on the page of the loop that counts: data beside code. */
CODE(loop_beside_data, "1: incl (%rdx); dec %ecx; jnz 1b; mov (%rdx), %eax; ret");

static void data_beside_code_in_a_hot_loop(void)
{
	uint8_t *page = page_alloc(1);
	struct state s;

	memcpy(page, loop_beside_data, (uint64_t)(loop_beside_data_stop - loop_beside_data));
	memcpy(page + 0x100, "\xcd\x40", 2);
	state_kernel(&s, page);
	*(uint64_t *)(s.gpr[RSP] -= 8) = (uint64_t)page + 0x100;
	s.gpr[RDX] = (uint64_t)page + 0x800;
	s.gpr[RCX] = 20000;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], 20000);
	/* In the same 64 bytes as the code. */
	state_kernel(&s, page);
	*(uint64_t *)(s.gpr[RSP] -= 8) = (uint64_t)page + 0x100;
	s.gpr[RDX] = (uint64_t)page + 0x20;
	s.gpr[RCX] = 2000;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], 2000);
}

/* Every way to store: each writes a new immediate into the function that runs next. */
CODE(by_mov, "mov %eax, (%rdi)");
CODE(by_stos, "stosl");
CODE(by_rep_stos, "mov $1, %ecx; rep stosl");
CODE(by_movs, "mov %eax, -8(%rsp); lea -8(%rsp), %rsi; mov $4, %ecx; rep movsb");
CODE(by_xchg, "xchg %eax, (%rdi)");
CODE(by_cmpxchg, "mov %eax, %ecx; mov (%rdi), %eax; lock cmpxchg %ecx, (%rdi)");
CODE(by_push,
     "mov %rsp, %rbx; lea 8(%rdi), %rsp; mov 4(%rdi), %ecx; shl $32, %rcx; mov %eax, %eax; or %rcx, %rax; push %rax; mov %rbx, %rsp");
CODE(by_sse, "movd %eax, %xmm0; movd %xmm0, (%rdi)");
CODE(by_add, "sub (%rdi), %eax; lock add %eax, (%rdi)");
CODE(by_bts,
     "movl $0, (%rdi); mov $31, %ecx; 1: bt %ecx, %eax; jnc 2f; bts %ecx, (%rdi); 2: dec %ecx; jns 1b");

static void store_of_every_kind_is_seen(void)
{
	static const char *const kinds[] = {by_mov,     by_stos, by_rep_stos, by_movs, by_xchg,
					    by_cmpxchg, by_push, by_sse,      by_add,  by_bts};
	uint8_t *code = page_alloc(1);
	struct state s;

	for (unsigned int i = 0; i < 10 * 5; i++) {
		write_function(code, 0);
		EXPECT(call(code), 0);
		state_kernel(&s, kinds[i % 10]);
		s.gpr[RAX] = 0x87650000 + i;
		s.gpr[RDI] = (uint64_t)code + 1;
		report_case(i % 10);
		run(&s);
		EXPECT_DONE(s);
		EXPECT(call(code), 0x87650000 + i);
	}
}

/* A store by the processor itself: the frame of an interrupt, written over code. */
static void frame_of_an_interrupt_over_code_is_seen(void)
{
	uint8_t *code = page_alloc(1);
	struct state s;

	write_function(code, 1);
	write_function(code + 4096 - 64, 1);
	EXPECT(call(code + 4096 - 64), 1);
	tss.ist[IST_SECOND - 1] = (uint64_t)code + 4096;
	gate_set(0x41, GATE_INTERRUPT, IST_SECOND);
	memcpy(code, "\xcd\x41", 2);
	state_kernel(&s, code);
	run(&s);
	EXPECT(s.vector, 0x41);
	write_function(code + 4096 - 64, 2);
	EXPECT(call(code + 4096 - 64), 2);
}

/* What was no instruction becomes one by its second byte: CPUID. */
static void store_into_invalid_instruction_is_seen(void)
{
	uint8_t *page = page_alloc(2);

	for (unsigned int border = 0; border < 2; border++) {
		volatile uint8_t *code = page + (border ? 4095 : 0);
		struct state s;

		for (unsigned int i = 0; i < 10; i++) {
			code[0] = 0x0f;
			code[1] = i % 2 ? 0xa2 : 0x04;
			code[2] = 0xcd;
			code[3] = DONE_VECTOR;
			state_kernel(&s, (void *)code);
			run(&s);
			report_case(border * 10 + i);
			EXPECT(s.vector, i % 2 ? DONE_VECTOR : 6);
		}
	}
}

/* Code that is copied, run, and overwritten by other code, as a boot loader does. */
static void code_copied_over_code_runs(void)
{
	uint8_t *from[2] = {page_alloc(1), page_alloc(1)}, *to = page_alloc(1);

	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int at = 0; at < 4096; at += 16)
			write_function(from[i] + at, i * 0x10000 + at);
	for (unsigned int i = 0; i < 6; i++) {
		asm volatile("rep movsb" ::"S"(from[i % 2]), "D"(to), "c"(4096) : "memory");
		for (unsigned int at = 0; at < 4096; at += 256)
			EXPECT(call(to + at), i % 2 * 0x10000 + at);
	}
}

const struct test tests[] = {
	TEST(store_over_next_instruction_is_seen),
	TEST(store_over_code_just_run_is_seen),
	TEST(store_of_one_byte_of_an_immediate_is_seen),
	TEST(store_through_an_alias_is_seen),
	TEST(store_on_either_side_of_a_page_border_is_seen),
	TEST(remapped_second_page_is_seen),
	TEST(remapped_page_is_seen),
	TEST(data_beside_code_in_a_hot_loop),
	TEST(store_of_every_kind_is_seen),
	TEST(frame_of_an_interrupt_over_code_is_seen),
	TEST(store_into_invalid_instruction_is_seen),
	TEST(code_copied_over_code_runs),
	{0},
};

const struct known known_tcg[] = {{0}};
