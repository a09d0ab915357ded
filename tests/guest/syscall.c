// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ways between privilege levels: SYSCALL and SYSRET, SYSENTER and SYSEXIT, INT
 * and IRET to ring 3 and to compatibility mode, SWAPGS, call gates of 64-bit mode.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

CODE(user_syscall, "syscall; user_syscall_next: ud2");
LABEL(user_syscall_next);
CODE(kernel_entry, "mov %cs, %ebx; mov %ss, %esi; pushfq; pop %rdi");

static void enable_syscall(const void *entry)
{
	wrmsr(MSR_STAR, (uint64_t)(0x18 | 3) << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)entry);
	wrmsr(MSR_SFMASK, FLAGS_IF | FLAGS_DF | FLAGS_CF);
}

static void syscall_enters_cpl_0(void)
{
	struct state s;

	enable_syscall(kernel_entry);
	state_user(&s, user_syscall);
	s.rflags |= FLAGS_DF | FLAGS_CF | FLAGS_ZF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], KERNEL_CS);
	EXPECT(s.gpr[RSI], KERNEL_DS);
	EXPECT(s.gpr[RCX], user_address(user_syscall_next));
	EXPECT(s.gpr[R11], FLAGS_ONE | FLAGS_DF | FLAGS_CF | FLAGS_ZF);
	EXPECT(s.gpr[RDI], FLAGS_ONE | FLAGS_ZF);
	EXPECT(s.cs, KERNEL_CS);
}

static void syscall_without_sce_ud(void)
{
	struct state s;

	enable_syscall(kernel_entry);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~UINT64_C(1));
	state_user(&s, user_syscall);
	run(&s);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	EXPECT(s.vector, 6);
	EXPECT(s.rip, user_address(user_syscall));
}

CODE(sysret64, "sysretq");
CODE(sysret32, "sysretl");
CODE(user_end, "mov %cs, %ebx; mov %ss, %esi");
CODE32(user_end32, "mov %cs, %ebx; mov %ss, %esi; inc %edi");

static void sysret_returns_to_64_bit_code(void)
{
	struct state s;

	enable_syscall(kernel_entry);
	state_kernel(&s, sysret64);
	s.gpr[RCX] = user_address(user_end);
	s.gpr[R11] = FLAGS_ZF | FLAGS_RF | 1 << 17;
	s.gpr[RSP] = user_address(page_alloc(1)) + 4096;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], USER_CS);
	EXPECT(s.gpr[RSI], USER_DS);
	EXPECT(s.rflags, FLAGS_ONE | FLAGS_ZF);
}

static void sysret_returns_to_compatibility_mode(void)
{
	struct state s;

	enable_syscall(kernel_entry);
	state_kernel(&s, sysret32);
	s.gpr[RCX] = user_address(user_end32) | UINT64_C(0x123) << 32;
	s.gpr[R11] = FLAGS_ONE;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], USER_CS32);
	EXPECT(s.gpr[RSI], USER_DS);
	EXPECT(s.gpr[RDI], 1);
	EXPECT(s.rip, user_address(user_end32_stop));
}

/* Intel's: the check is made at CPL 0. */
static void sysret_to_non_canonical_gp_at_cpl_0(void)
{
	struct state s;

	enable_syscall(kernel_entry);
	state_kernel(&s, sysret64);
	s.gpr[RCX] = UINT64_C(0x800000000000);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.cs, KERNEL_CS);
	EXPECT(s.rip, sysret64);
	state_user(&s, sysret64);
	run(&s);
	EXPECT(s.vector, 13);
}

CODE(user_sysenter, "sysenter");
CODE(sysenter_entry, "mov %cs, %ebx; mov %ss, %esi; mov %rsp, %rdi");
CODE(sysexit64, "sysexitq");
CODE(sysexit32, "sysexitl");

static void enable_sysenter(uint32_t cs)
{
	wrmsr(MSR_SYSENTER_CS, cs);
	wrmsr(MSR_SYSENTER_ESP, (uint64_t)ist_stack[1] + 4096);
	wrmsr(MSR_SYSENTER_EIP, (uint64_t)sysenter_entry);
}

static void sysenter_enters_cpl_0(void)
{
	struct state s;

	enable_sysenter(KERNEL_CS | 3);
	state_user(&s, user_sysenter);
	s.rflags |= FLAGS_ZF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], KERNEL_CS);
	EXPECT(s.gpr[RSI], KERNEL_DS);
	EXPECT(s.gpr[RDI], (uint64_t)ist_stack[1] + 4096);
}

static void sysenter_without_cs_gp(void)
{
	struct state s;

	enable_sysenter(3);
	state_user(&s, user_sysenter);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, user_address(user_sysenter));
}

static void sysexit_returns_to_cpl_3(void)
{
	struct state s;

	enable_sysenter(KERNEL_CS);
	state_kernel(&s, sysexit64);
	s.gpr[RDX] = user_address(user_end);
	s.gpr[RCX] = user_address(page_alloc(1)) + 4096;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], USER_CS);
	EXPECT(s.gpr[RSI], USER_DS2);
	state_kernel(&s, sysexit32);
	s.gpr[RDX] = user_address(user_end32);
	s.gpr[RCX] = user_address(page_alloc(1)) + 4096;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], USER_CS32);
	EXPECT(s.gpr[RSI], USER_DS);
}

CODE(iret, "iret_at: iretq");
LABEL(iret_at);

/* Runs IRETQ at CPL 0 with this frame. */
static struct state run_iret(uint64_t rip, uint64_t cs, uint64_t rflags, uint64_t rsp, uint64_t ss)
{
	static uint64_t frame[5] __attribute__((aligned(16)));
	struct state s;

	state_kernel(&s, iret);
	frame[0] = rip;
	frame[1] = cs;
	frame[2] = rflags;
	frame[3] = rsp;
	frame[4] = ss;
	s.gpr[RSP] = (uint64_t)frame;
	s.gpr[RAX] = 0x1234;
	run(&s);
	return s;
}

static void iret_refuses_bad_frames(void)
{
	uint64_t end = user_address(user_end), stack = user_address(page_alloc(1));
	struct state s = run_iret(end, USER_CS, 2, stack, USER_DS);

	EXPECT_DONE(s);
	s = run_iret(end, KERNEL_DS, 2, stack, USER_DS);
	EXPECT(s.vector, 13);
	EXPECT(s.error, KERNEL_DS);
	EXPECT(s.rip, iret_at);
	s = run_iret(end, USER_CS, 2, stack, KERNEL_DS);
	EXPECT(s.vector, 13);
	EXPECT(s.error, KERNEL_DS);
	s = run_iret(end, 0, 2, stack, USER_DS);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	s = run_iret(end, 0x1f8 | 3, 2, stack, USER_DS);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0x1f8);
	s = run_iret(end, USER_CS, 2, stack, 0x1f8 | 3);
	EXPECT(s.error, 0x1f8);
	s = run_iret(end, USER_CS, 2, stack, 0);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
}

/* SDM "IRET": in 64-bit mode NT is #GP(0). */
static void iret_with_nested_task_gp(void)
{
	struct state s;

	state_kernel(&s, iret);
	s.rflags |= FLAGS_NT;
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
}

static void iret_to_outer_level_clears_segments_of_inner_levels(void)
{
	uint64_t stack = user_address(page_alloc(1));
	struct state s;

	asm volatile("mov %0, %%fs; mov %1, %%gs" ::"r"(KERNEL_DS), "r"(USER_DS));
	s = run_iret(user_address(user_end), USER_CS, 2, stack, USER_DS);
	EXPECT_DONE(s);
	{
		uint16_t fs, gs;

		asm volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
		EXPECT(fs, 0);
		EXPECT(gs, USER_DS);
	}
}

CODE(popf_user, "push $0x3202; popfq; pushfq; pop %rax");

/* CPL 3 changes neither IF nor IOPL, without a fault. */
static void popf_at_cpl_3_keeps_if_and_iopl(void)
{
	struct state s;

	state_user(&s, popf_user);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], FLAGS_ONE);
}

CODE(swap, "swapgs; mov %gs:0, %rax; swapgs; mov %gs:0, %rbx");

static void swapgs_exchanges_bases(void)
{
	uint64_t *pages[2] = {page_alloc(1), page_alloc(1)};
	struct state s;

	*pages[0] = 0x111;
	*pages[1] = 0x222;
	wrmsr(MSR_GS_BASE, (uint64_t)pages[0]);
	wrmsr(MSR_KERNEL_GS, (uint64_t)pages[1]);
	state_kernel(&s, swap);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], 0x222);
	EXPECT(s.gpr[RBX], 0x111);
	state_user(&s, swap);
	run(&s);
	EXPECT(s.vector, 13);
}

CODE(fs_gs_base, "wrfsbase %rax; rdfsbase %rcx; mov %fs:8, %rdx; wrgsbase %ebx; rdgsbase %rsi");
CODE(bad_base, "bad_base_at: wrfsbase %rax");
LABEL(bad_base_at);

static void base_instructions_by_cr4(void)
{
	uint64_t *page = page_alloc(1);
	struct state s;

	SKIP_UNLESS(has_leaf7_b(0), "no FSGSBASE");
	page[1] = 0x77;
	state_kernel(&s, fs_gs_base);
	run(&s);
	EXPECT(s.vector, 6);
	write_cr4(read_cr4() | CR4_FSGSBASE);
	state_kernel(&s, fs_gs_base);
	s.gpr[RAX] = (uint64_t)page;
	s.gpr[RBX] = UINT64_C(0xffffffff12345678);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RCX], (uint64_t)page);
	EXPECT(s.gpr[RDX], 0x77);
	EXPECT(s.gpr[RSI], 0x12345678);
	EXPECT(rdmsr(MSR_FS_BASE), (uint64_t)page);
}

static void write_base_non_canonical_gp(void)
{
	struct state s;

	SKIP_UNLESS(has_leaf7_b(0), "no FSGSBASE");
	write_cr4(read_cr4() | CR4_FSGSBASE);
	state_kernel(&s, bad_base);
	s.gpr[RAX] = UINT64_C(0x800000000000);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, bad_base_at);
}

CODE(through_gate, "lcall *(%rbx); mov %cs, %edi");
CODE(gate_target, "mov %cs, %eax; mov %ss, %ecx; mov %rsp, %rdx; lretq");

/* SDM "Call Gates in IA-32e Mode": a new stack, SS null with the new CPL. */
static void call_gate_of_64_bits_changes_stack(void)
{
	uint64_t target = (uint64_t)gate_target;
	uint32_t *pointer = page_alloc(1);
	struct state s;

	gdt[GDT_FREE / 8] = (target >> 16 & 0xffff) << 48 | UINT64_C(0xec00) << 32 |
			    (uint64_t)KERNEL_CS << 16 | (target & 0xffff);
	gdt[GDT_FREE / 8 + 1] = target >> 32;
	pointer[1] = GDT_FREE | 3;
	state_user(&s, through_gate);
	s.gpr[RBX] = user_address(pointer);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], KERNEL_CS);
	EXPECT(s.gpr[RCX], 0);
	EXPECT(s.gpr[RDX], tss.rsp[0] - 32);
	EXPECT(s.gpr[RDI], USER_CS);
	EXPECT(s.cs, USER_CS);
}

CODE(umip, "umip_at: sidt (%rbx)");
LABEL(umip_at);
CODE(smsw_user, "smsw_user_at: smsw %eax");
LABEL(smsw_user_at);

static void umip_refuses_tables_at_cpl_3(void)
{
	struct state s;

	SKIP_UNLESS(has_leaf7_c(2), "no UMIP");
	state_user(&s, smsw_user);
	run(&s);
	EXPECT_DONE(s);
	write_cr4(read_cr4() | CR4_UMIP);
	state_user(&s, smsw_user);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, user_address(smsw_user_at));
	state_user(&s, umip);
	run(&s);
	EXPECT(s.vector, 13);
	state_kernel(&s, umip);
	s.gpr[RBX] = (uint64_t)page_alloc(1);
	run(&s);
	EXPECT_DONE(s);
}

const struct test tests[] = {
	TEST(syscall_enters_cpl_0),
	TEST(syscall_without_sce_ud),
	TEST(sysret_returns_to_64_bit_code),
	TEST(sysret_returns_to_compatibility_mode),
	TEST(sysret_to_non_canonical_gp_at_cpl_0),
	TEST(sysenter_enters_cpl_0),
	TEST(sysenter_without_cs_gp),
	TEST(sysexit_returns_to_cpl_3),
	TEST(iret_refuses_bad_frames),
	TEST(iret_with_nested_task_gp),
	TEST(iret_to_outer_level_clears_segments_of_inner_levels),
	TEST(popf_at_cpl_3_keeps_if_and_iopl),
	TEST(swapgs_exchanges_bases),
	TEST(base_instructions_by_cr4),
	TEST(write_base_non_canonical_gp),
	TEST(call_gate_of_64_bits_changes_stack),
	TEST(umip_refuses_tables_at_cpl_3),
	{0},
};

const struct known known_tcg[] = {
	{"syscall_enters_cpl_0", "SYSCALL forgets the arithmetic flags"},
	{"sysret_returns_to_64_bit_code", "SYSRET loads VM and RF"},
	{"sysret_to_non_canonical_gp_at_cpl_0", "AMD's rule"},
	{"sysenter_enters_cpl_0", "not in 64-bit mode, AMD's rule"},
	{"sysenter_without_cs_gp", "not in 64-bit mode, AMD's rule"},
	{"sysexit_returns_to_cpl_3", "not in 64-bit mode, AMD's rule"},
	{"write_base_non_canonical_gp", "no check"},
	{0},
};
