// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Protected mode of 16 and 32 bits with segments that are not flat: limits in every
 * kind of access, stacks, gates of both sizes, privilege, single step, code that
 * changes itself.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/legacy.h"
#include "lib/paging.h"

#define BYTE(address)  (*(volatile uint8_t *)(uint64_t)(address))
#define DWORD(address) (*(volatile uint32_t *)(uint64_t)(address))

#define FREE(n) (GDT_FREE + 8 * (n))

/* @rights: bits 8 to 15 of the second word and, shifted by 8, its flags G, B. */
static void segment_set(unsigned int selector, uint32_t base, uint32_t limit, uint32_t rights)
{
	gdt[selector / 8] = (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
			    (uint64_t)(rights & 0xff) << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
			    (uint64_t)(rights >> 8) << 52 | (uint64_t)(base >> 24) << 56;
}

#define DATA_RW   0x493
#define CODE_RX   0x49b
#define CODE_CONF 0x49e

CODE32(stack_limit,
       "mov $0x68, %eax; mov %eax, %ss; mov $0x104, %esp; push %ebx; stack_limit_at: push %ebx;"
       "ud2");
LABEL(stack_limit_at);

/* An expand-down stack segment: valid from limit + 1 to 4 GiB; the handler's own is another. */
static void push_beyond_expand_down_limit_ss(void)
{
	struct legacy l;

	/* At CPL 3, so that the fault finds a stack. */
	LEGACY_PROT32(&l, stack_limit);
	legacy_user(&l);
	segment_set(FREE(0), LEGACY_DATA, 0xff, 0x4f7);
	DWORD(LEGACY_CODE + 1) = FREE(0) | 3;
	l.gpr[EBX] = 0x1234;
	legacy_run(&l);
	EXPECT(l.vector, 12);
	EXPECT(l.error, 0);
	EXPECT(l.eip, LEGACY_CODE + (stack_limit_at - stack_limit));
	EXPECT(l.gpr[ESP], 0x100);
	EXPECT(DWORD(LEGACY_DATA + 0x100), 0x1234);
}

CODE32(limited_string,
       "mov $0x68, %eax; mov %eax, %es; mov $8, %ecx; mov $0xfc, %edi; mov $0x55, %al; cld;"
       "limited_string_at: rep stosb");
LABEL(limited_string_at);

static void string_beyond_limit_stops_at_its_element(void)
{
	struct legacy l;

	for (unsigned int i = 0; i < 8; i++)
		BYTE(LEGACY_DATA + 0xfc + i) = 0;
	LEGACY_PROT32(&l, limited_string);
	segment_set(FREE(0), LEGACY_DATA, 0xff, DATA_RW);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.error, 0);
	EXPECT(l.eip, LEGACY_CODE + (limited_string_at - limited_string));
	EXPECT(l.gpr[ECX], 4);
	EXPECT(l.gpr[EDI], 0x100);
	EXPECT(DWORD(LEGACY_DATA + 0xfc), 0x55555555);
	EXPECT(BYTE(LEGACY_DATA + 0x100), 0);
}

CODE32(limited_vector,
       "mov $0x68, %eax; mov %eax, %ds; movups 0xf0, %xmm0; movd %xmm0, %ebx; limited_vector_at: movups 0xf1, %xmm1");
LABEL(limited_vector_at);

static void vector_access_beyond_limit_gp(void)
{
	struct legacy l;

	DWORD(LEGACY_DATA + 0xf0) = 0x7777;
	LEGACY_PROT32(&l, limited_vector);
	l.cr4 = CR4_OSFXSR;
	segment_set(FREE(0), LEGACY_DATA, 0xff, DATA_RW);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.gpr[EBX], 0x7777);
	EXPECT(l.eip, LEGACY_CODE + (limited_vector_at - limited_vector));
}

CODE32(limited_code,
       "ljmp $0x68, $0; limited_target: inc %ebx; inc %ebx; limited_last: inc %ebx; inc %ebx");
LABEL(limited_target);
LABEL(limited_last);

/* The instruction pointer runs beyond CS.limit: #GP(0) at the instruction that is outside. */
static void fetch_beyond_code_limit_gp(void)
{
	uint32_t base = LEGACY_CODE + (uint32_t)(limited_target - limited_code);
	struct legacy l;

	LEGACY_PROT32(&l, limited_code);
	segment_set(FREE(0), base, (uint32_t)(limited_last - limited_target) - 1, CODE_RX);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.error, 0);
	EXPECT(l.cs, FREE(0));
	EXPECT(l.eip, limited_last - limited_target);
	EXPECT(l.gpr[EBX], 2);
}

CODE32(based_code,
       "ljmp $0x68, $0; based_target: call 1f; 1: pop %eax; mov %cs:based_data - based_target, %ecx;"
       "movb $0x42, %es:(%edi); based_smc: mov $0, %dl; int $0x40; based_data: .long 0xabcd");
LABEL(based_target);
LABEL(based_smc);

/* EIP is an offset: what is pushed has no base in it. Code changes itself by a flat segment. */
static void code_segment_with_base(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, based_code);
	segment_set(FREE(0), LEGACY_CODE + (uint32_t)(based_target - based_code), 0xfff, CODE_RX);
	l.gpr[EDI] = LEGACY_CODE + (uint32_t)(based_smc - based_code) + 1;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], 5);
	EXPECT(l.gpr[ECX], 0xabcd);
	EXPECT(l.gpr[EDX], 0x42);
}

CODE16_(step16, "push $0x102; popf; mov $1, %ax; step16_at: mov $2, %ax");
LABEL(step16_at);
CODE32(step32, "push $0x102; popf; mov $1, %eax; step32_at: mov $2, %eax");
LABEL(step32_at);

static void trap_flag_steps(void)
{
	struct legacy l;

	LEGACY_PROT16(&l, step16);
	legacy_run(&l);
	EXPECT(l.vector, 1);
	EXPECT(l.eip, LEGACY_CODE + (step16_at - step16));
	LEGACY_PROT32(&l, step32);
	legacy_run(&l);
	EXPECT(l.vector, 1);
	EXPECT(l.gpr[EAX], 1);
	EXPECT(l.eip, LEGACY_CODE + (step32_at - step32));
}

CODE32(faults32, "faults32_at: mov %eax, %ds");
CODE32(absent32, "absent32_at: int $0x55");

static void faults_have_error_codes(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, faults32);
	l.gpr[EAX] = 0x1f8;
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.error, 0x1f8);
	EXPECT(l.eip, LEGACY_CODE);
	LEGACY_PROT32(&l, faults32);
	segment_set(FREE(0), 0, 0xfffff, 0xc13);
	l.gpr[EAX] = FREE(0);
	legacy_run(&l);
	EXPECT(l.vector, 11);
	EXPECT(l.error, FREE(0));
	LEGACY_PROT32(&l, absent32);
	legacy_idt[0x55] &= ~(UINT64_C(0x80) << 40);
	legacy_run(&l);
	EXPECT(l.vector, 11);
	EXPECT(l.error, 0x55 * 8 + 2);
	LEGACY_PROT32(&l, absent32);
	legacy_idt[0x55] &= ~(UINT64_C(0x60) << 40);
	legacy_user(&l);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.error, 0x55 * 8 + 2);
}

/* SDM "Invalid TSS": the stack of level 1 cannot be loaded; the handler runs on that of level 0. */
CODE32(bad_stack, "bad_stack_at: lcall $0x68, $0");

static void bad_inner_stack_ts(void)
{
	uint32_t target = (uint32_t)(uint64_t)bad_stack;
	struct legacy l;

	LEGACY_PROT32(&l, bad_stack);
	segment_set(FREE(1), 0, 0xfffff, 0xcbb); /* code, DPL 1: its stack is that of level 1 */
	gdt[FREE(0) / 8] = (uint64_t)(target >> 16) << 48 | UINT64_C(0xec00) << 32 |
			   (uint32_t)(FREE(1)) << 16 | (target & 0xffff);
	legacy_user(&l);
	legacy_tss.rest[0] = LOW_STACK;
	legacy_tss.rest[1] = 0x1f9;
	legacy_run(&l);
	EXPECT(l.vector, 10);
	EXPECT(l.error, 0x1f8);
	EXPECT(l.eip, LEGACY_CODE);
	EXPECT(l.cs, USER_CS32);
}

CODE32(conforming, "lcall $0x68, $0; mov %cs, %edx");
CODE32(conforming_target, "mov %cs, %eax; lret");

/* A conforming segment runs at the caller's level. */
static void conforming_code_keeps_cpl(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, conforming);
	segment_set(FREE(0), (uint32_t)(uint64_t)conforming_target, 0xfff, CODE_CONF);
	legacy_user(&l);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], FREE(0) | 3);
	EXPECT(l.gpr[EDX], USER_CS32);
}

CODE16_(gate16,
	"mov $0x1111, %ax; int $0x56; mov %ax, %bx; jmp 1f; gate16_handler: mov %sp, %bp; mov (%bp), %cx;"
	"mov 4(%bp), %dx; mov $0x2222, %ax; iret; 1: nop");
LABEL(gate16_handler);

/* A 286's gate pushes 16-bit words. */
static void interrupt_gate_of_16_bits(void)
{
	uint32_t handler = LEGACY_CODE + (uint32_t)(gate16_handler - gate16);
	struct legacy l;

	LEGACY_PROT16(&l, gate16);
	legacy_idt[0x56] = UINT64_C(0xe600) << 32 | CODE16 << 16 | handler;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EBX], 0x2222);
	EXPECT(l.gpr[ECX], LEGACY_CODE + 5);
	EXPECT(l.gpr[EDX] & FLAGS_ONE, FLAGS_ONE);
	EXPECT(l.gpr[ESP], REAL_STACK);
}

CODE32(port_user, "mov $0x77, %al; port_user_at: out %al, $0x82");

static void permission_bitmap_of_the_32_bit_tss(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, port_user);
	legacy_user(&l);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	LEGACY_PROT32(&l, port_user);
	legacy_user(&l);
	legacy_tss.iomap_base = offsetof(struct tss32, iomap);
	memset(legacy_tss.iomap, 0xff, sizeof(legacy_tss.iomap));
	legacy_tss.iomap[0x82 / 8] = 0xfb;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(inb(0x82), 0x77);
}

CODE32(arpl32,
       "mov $0x10, %eax; mov $3, %ebx; arpl %bx, %ax; setz %cl; arpl %bx, %ax; setz %ch; .byte 0x82, 0xc2, 5;"
       "inc %esi; dec %edi; lea 4(%esi), %ebp");

/* One-byte INC and DEC, 82h, ARPL: what 64-bit mode has no room for. */
static void instructions_that_64_bit_mode_lacks(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, arpl32);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], 0x13);
	EXPECT(l.gpr[ECX], 1);
	EXPECT(l.gpr[EDX], 5);
	EXPECT(l.gpr[ESI], 1);
	EXPECT(l.gpr[EDI], 0xffffffff);
	EXPECT(l.gpr[EBP], 5);
}

CODE32(wrap32,
       "mov $0xfffffffe, %ebx; movb $0x5a, 0xb006(%ebx); mov $0x20000000, %ecx; mov 0xb010(,%ecx,8), %eax");

static void effective_address_wraps_at_4_gib(void)
{
	struct legacy l;

	BYTE(0xb004) = 0;
	DWORD(0xb010) = 0x1234;
	LEGACY_PROT32(&l, wrap32);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(BYTE(0xb004), 0x5a);
	EXPECT(l.gpr[EAX], 0x1234);
}

CODE32(addr16,
       "mov $0xffff8000, %ebx; movb $0x66, %ds:(0x3010)(%bx); addr16 lodsb; addr16 loop 1f; 1: nop");

static void address_size_of_16_bits_in_32_bit_code(void)
{
	struct legacy l;

	BYTE(0xb010) = 0;
	BYTE(0xb020) = 0x21;
	LEGACY_PROT32(&l, addr16);
	l.gpr[ESI] = 0x5000b020;
	l.gpr[ECX] = 0x70001;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(BYTE(0xb010), 0x66);
	EXPECT(l.gpr[EAX] & 0xff, 0x21);
	EXPECT(l.gpr[ESI], 0x5000b021);
	EXPECT(l.gpr[ECX], 0x70000);
}

const struct test tests[] = {
	TEST(push_beyond_expand_down_limit_ss),
	TEST(string_beyond_limit_stops_at_its_element),
	TEST(vector_access_beyond_limit_gp),
	TEST(fetch_beyond_code_limit_gp),
	TEST(code_segment_with_base),
	TEST(trap_flag_steps),
	TEST(faults_have_error_codes),
	TEST(bad_inner_stack_ts),
	TEST(conforming_code_keeps_cpl),
	TEST(interrupt_gate_of_16_bits),
	TEST(permission_bitmap_of_the_32_bit_tss),
	TEST(instructions_that_64_bit_mode_lacks),
	TEST(effective_address_wraps_at_4_gib),
	TEST(address_size_of_16_bits_in_32_bit_code),
	{0},
};

const struct known known_tcg[] = {
	{"push_beyond_expand_down_limit_ss", "no limit checks"},
	{"string_beyond_limit_stops_at_its_element", "no limit checks"},
	{"vector_access_beyond_limit_gp", "no limit checks"},
	{"fetch_beyond_code_limit_gp", "no limit checks"},
	{0},
};
