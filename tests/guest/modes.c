// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Switches between the modes, each one from 64-bit mode and back: 16- and 32-bit
 * protected mode without paging, with 32-bit paging and with PAE, at CPL 0 and 3;
 * compatibility mode; and switches that must be refused.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/legacy.h"
#include "lib/paging.h"

#define BYTE(address)  (*(volatile uint8_t *)(uint64_t)(address))
#define DWORD(address) (*(volatile uint32_t *)(uint64_t)(address))

CODE16_(work16, "mov %sp, %bp; push %cs; pop %ax; mov $0xb000, %bx; addw $0x11, (%bx);"
		"movl $0x12345678, %ecx; call 1f; jmp 2f; 1: mov $7, %dx; ret; 2: mov %esp, %esi;"
		"smsw %di");

static void protected_16_bit_code_runs(void)
{
	struct legacy l;

	DWORD(LEGACY_DATA) = 0x10;
	LEGACY_PROT16(&l, work16);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], CODE16);
	EXPECT(DWORD(LEGACY_DATA), 0x21);
	EXPECT(l.gpr[ECX], 0x12345678);
	EXPECT(l.gpr[EDX], 7);
	EXPECT(l.gpr[ESI], REAL_STACK);
	EXPECT(l.gpr[EDI] & 1, 1);
	EXPECT(l.cs, CODE16);
	EXPECT(l.ss, DATA16);
}

CODE32(work32,
       "push %cs; pop %eax; mov $0xb000, %ebx; addl $0x11, (%ebx); inc %ecx; call 1f; jmp 2f;"
       "1: mov $7, %edx; ret; 2: pusha; popa; mov %esp, %esi; mov %cs, %edi");

static void expect_work32(const struct legacy *l, uint32_t cs)
{
	EXPECT(l->vector, DONE_VECTOR);
	EXPECT(l->gpr[EAX], cs);
	EXPECT(DWORD(LEGACY_DATA), 0x21);
	EXPECT(l->gpr[ECX], 1);
	EXPECT(l->gpr[EDX], 7);
	EXPECT(l->gpr[ESI], REAL_STACK);
	EXPECT(l->gpr[EDI], cs);
	EXPECT(l->cs, cs);
}

static void run_work32(void (*paging)(struct legacy *), void (*privilege)(struct legacy *))
{
	struct legacy l;

	DWORD(LEGACY_DATA) = 0x10;
	LEGACY_PROT32(&l, work32);
	if (paging)
		paging(&l);
	if (privilege)
		privilege(&l);
	legacy_run(&l);
	expect_work32(&l, privilege ? USER_CS32 : KERNEL_CS32);
}

static void protected_32_bit_code_runs(void)
{
	run_work32(NULL, NULL);
	run_work32(NULL, legacy_user);
}

static void paging_of_32_bits_runs(void)
{
	run_work32(legacy_paging32, NULL);
	run_work32(legacy_paging32, legacy_user);
}

static void paging_pae_runs(void)
{
	run_work32(legacy_paging_pae, NULL);
	run_work32(legacy_paging_pae, legacy_user);
}

CODE32(touch, "touch_at: mov (%ebx), %eax; mov %eax, (%ecx)");
LABEL(touch_at);

static void page_fault_under_32_bit_paging(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, touch);
	legacy_paging32(&l);
	legacy_user(&l);
	legacy_directory[1] = 0;
	l.gpr[EBX] = 0x400123;
	legacy_run(&l);
	EXPECT(l.vector, 14);
	EXPECT(l.error, PF_U);
	EXPECT(l.cr2, 0x400123);
	EXPECT(l.eip, LEGACY_CODE);
	LEGACY_PROT32(&l, touch);
	legacy_paging32(&l);
	legacy_user(&l);
	legacy_directory[2] = 0x800000 | 0x85;
	l.gpr[EBX] = 0x800000;
	l.gpr[ECX] = 0x800004;
	legacy_run(&l);
	EXPECT(l.vector, 14);
	EXPECT(l.error, PF_P | PF_W | PF_U);
	EXPECT(l.cr2, 0x800004);
	EXPECT(legacy_directory[2] & 0x60, 0x20);
}

/* 4-KiB pages in two levels: a table between, and one page that is somewhere else. */
static void table_under_32_bit_paging_remaps(void)
{
	uint32_t *table = page_alloc(1);
	volatile uint32_t *page = page_alloc(1);
	struct legacy l;

	LEGACY_PROT32(&l, touch);
	legacy_paging32(&l);
	legacy_directory[0x300] = (uint32_t)(uint64_t)table | 7;
	table[5] = (uint32_t)(uint64_t)page | 3;
	page[1] = 0xcafe;
	l.gpr[EBX] = 0xc0005004;
	l.gpr[ECX] = 0xc0005008;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EAX], 0xcafe);
	EXPECT(page[2], 0xcafe);
	EXPECT(table[5] & 0xfff, 0x63);
}

CODE32(limit, "mov $0x68, %eax; mov %eax, %es; mov %es:0xffc, %ecx; limit_at: mov %es:0xffd, %edx");
LABEL(limit_at);
CODE32(down, "mov $0x68, %eax; mov %eax, %es; mov %es:0x1000, %ecx; down_at: mov %es:0xfff, %edx");
LABEL(down_at);

/* SDM "Limit Checking": in 32-bit mode limits and types count, expand-down ones too. */
static void segment_limits_gp(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, limit);
	gdt[0x68 / 8] = 0x004093000000ull << 16 | 0x0fff;
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.error, 0);
	EXPECT(l.eip, LEGACY_CODE + (limit_at - limit));
	LEGACY_PROT32(&l, down);
	gdt[0x68 / 8] = 0x004097000000ull << 16 | 0x0fff;
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.eip, LEGACY_CODE + (down_at - down));
}

CODE32(based, "mov $0x68, %eax; mov %eax, %fs; mov %fs:4, %ecx; movl $0x55, %fs:8; mov %fs, %edx;"
	      "lsl %eax, %esi; lar %eax, %edi");

static void segment_base_is_added(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, based);
	gdt[0x68 / 8] = 0x0040920000000fffull | (uint64_t)LEGACY_DATA << 16;
	DWORD(LEGACY_DATA + 4) = 0x1234;
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[ECX], 0x1234);
	EXPECT(DWORD(LEGACY_DATA + 8), 0x55);
	EXPECT(l.gpr[ESI], 0xfff);
	EXPECT(l.gpr[EDI], 0x409300);
	EXPECT(gdt[0x68 / 8] >> 40 & 1, 1);
}

CODE32(null_segment, "xor %eax, %eax; mov %eax, %es; null_at: mov %es:0xb000, %ecx");
LABEL(null_at);
CODE32(write_code, "write_code_at: mov %eax, %cs:0xb000");
LABEL(write_code_at);
CODE32(read_only,
       "mov $0x68, %eax; mov %eax, %es; mov %es:0xb000, %ecx; read_only_at: mov %ecx, %es:0xb000");
LABEL(read_only_at);

static void segment_types_gp(void)
{
	struct legacy l;

	LEGACY_PROT32(&l, null_segment);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.eip, LEGACY_CODE + (null_at - null_segment));
	LEGACY_PROT32(&l, write_code);
	legacy_run(&l);
	EXPECT(l.vector, 13);
	LEGACY_PROT32(&l, read_only);
	gdt[0x68 / 8] = 0x00cf91000000ffffull;
	legacy_run(&l);
	EXPECT(l.vector, 13);
	EXPECT(l.eip, LEGACY_CODE + (read_only_at - read_only));
}

/* 16-bit code on a 32-bit stack, and 32-bit code on a 16-bit stack. */
CODE16_(mixed16,
	"mov $0x10, %ax; mov %ax, %ss; mov $0x200ff0, %esp; push $1; pushl $2; mov %esp, %ebx;"
	"lss %cs:1f - mixed16 + 0xa000, %esp; jmp 2f; 1: .long 0x9000; .word 0x48; 2:");
CODE32(mixed32,
       "mov $0x48, %eax; mov %eax, %ss; mov $0x12340004, %esp; push $0x77; pushw $1; mov %esp, %ebx;"
       "pop %cx; pop %ecx; mov %esp, %edx; mov $0x10, %eax; mov %eax, %ss; mov $0x9000, %esp");

static void stack_size_is_that_of_ss(void)
{
	struct legacy l;

	LEGACY_PROT16(&l, mixed16);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EBX], 0x200ff0 - 6);
	LEGACY_PROT32(&l, mixed32);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[EBX], 0x1234fffe);
	EXPECT(l.gpr[EDX], 0x12340004);
}

CODE32(rings, "lcall $0x68, $0; mov %esp, %ebx; mov %cs, %esi");
CODE32(ring0, "mov %cs, %ecx; mov %esp, %edx; mov 8(%esp), %edi; lret $4");

/* SDM "Call Gates": parameters are copied to the inner stack; RET n drops them from both. */
static void call_gate_of_32_bits_changes_stack(void)
{
	uint32_t target = (uint32_t)(uint64_t)ring0;
	struct legacy l;

	LEGACY_PROT32(&l, rings);
	legacy_user(&l);
	l.gpr[ESP] -= 4;
	DWORD(REAL_STACK - 4) = 0xabcd;
	gdt[0x68 / 8] = (uint64_t)(target >> 16) << 48 | 0xec01ull << 32 |
			(uint32_t)KERNEL_CS32 << 16 | (target & 0xffff);
	legacy_run(&l);
	EXPECT(l.vector, DONE_VECTOR);
	EXPECT(l.gpr[ECX], KERNEL_CS32);
	EXPECT(l.gpr[EDX], LOW_STACK - 20);
	EXPECT(l.gpr[EDI], 0xabcd);
	EXPECT(l.gpr[EBX], REAL_STACK);
	EXPECT(l.gpr[ESI], USER_CS32);
}

CODE32(compat, "mov %cs, %eax; push $0x1234; pop %ebx; mov $-1, %ecx; inc %ecx; dec %edx;"
	       "mov %esp, %esi");

static void compatibility_mode_runs_32_bit_code(void)
{
	struct state s;

	state_user32(&s, compat);
	s.gpr[R12] = 0x123456789abcdef0;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], USER_CS32);
	EXPECT(s.gpr[RBX], 0x1234);
	EXPECT(s.gpr[RCX], 0);
	EXPECT(s.gpr[RDX], 0xffffffff);
	EXPECT(s.gpr[R12], 0x123456789abcdef0);
	state_kernel(&s, compat);
	s.cs = KERNEL_CS32;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], KERNEL_CS32);
}

asm(".pushsection .text; .code64; there_and_back: mov %rsp, %rbx; push $0x38; lea 1f(%rip), %rax; push %rax;"
    "lretq; .code32; 1: mov %cs, %ecx; add $1, %edx; ljmp $8, $2f; .code64; 2: mov %cs, %esi;"
    "mov %rbx, %rsp; int $0x40; .popsection");
LABEL(there_and_back);

static void far_transfers_between_64_bit_and_compatibility_mode(void)
{
	struct state s;

	state_kernel(&s, there_and_back);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RCX], KERNEL_CS32);
	EXPECT(s.gpr[RDX], 1);
	EXPECT(s.gpr[RSI], KERNEL_CS);
}

CODE(read_selectors,
     "mov $-1, %rax; mov %rax, %rbx; mov %rax, %rcx; mov %rax, %rsi; mov %edx, %fs; mov %cs, %eax;"
     "mov %ss, %rbx; mov %fs, %ecx; mov %fs, %r12; mov %fs, %si");

static void moves_from_segments_fill_whole_registers(void)
{
	struct state s;

	state_kernel(&s, read_selectors);
	s.gpr[RDX] = KERNEL_DS;
	s.gpr[R12] = UINT64_MAX;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], KERNEL_CS);
	EXPECT(s.gpr[RBX], s.ss);
	EXPECT(s.gpr[RCX], KERNEL_DS);
	EXPECT(s.gpr[R12], KERNEL_DS);
	EXPECT(s.gpr[RSI], 0xffffffffffff0000 | KERNEL_DS);
}

CODE(disable_paging, "mov %cr0, %rax; btr $31, %rax; disable_paging_at: mov %rax, %cr0");
LABEL(disable_paging_at);
CODE(clear_pae, "mov %cr4, %rax; btr $5, %rax; clear_pae_at: mov %rax, %cr4");
LABEL(clear_pae_at);
CODE(clear_lme, "mov $0xc0000080, %ecx; rdmsr; btr $8, %eax; clear_lme_at: wrmsr");
LABEL(clear_lme_at);

static void expect_refused(const char *code, const char *at)
{
	struct state s;

	state_kernel(&s, code);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, at);
}

static void leave_64_bit_mode_by_force_gp(void)
{
	SKIP_UNLESS(platform() != PLATFORM_TCG, "TCG obeys, and the guest ends");
	expect_refused(disable_paging, disable_paging_at);
	expect_refused(clear_pae, clear_pae_at);
	expect_refused(clear_lme, clear_lme_at);
}

const struct test tests[] = {
	TEST(protected_16_bit_code_runs),
	TEST(protected_32_bit_code_runs),
	TEST(paging_of_32_bits_runs),
	TEST(paging_pae_runs),
	TEST(page_fault_under_32_bit_paging),
	TEST(table_under_32_bit_paging_remaps),
	TEST(segment_limits_gp),
	TEST(segment_base_is_added),
	TEST(segment_types_gp),
	TEST(stack_size_is_that_of_ss),
	TEST(call_gate_of_32_bits_changes_stack),
	TEST(compatibility_mode_runs_32_bit_code),
	TEST(far_transfers_between_64_bit_and_compatibility_mode),
	TEST(moves_from_segments_fill_whole_registers),
	TEST(leave_64_bit_mode_by_force_gp),
	{0},
};

const struct known known_tcg[] = {
	{"segment_limits_gp", "no limit checks"},
	{"segment_types_gp", "no checks of types"},
	{0},
};
