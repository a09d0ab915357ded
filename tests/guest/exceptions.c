// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Exception and Interrupt Reference": each vector with its error code and the
 * RIP that its handler sees; which stack the handler gets; faults on the way to it.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define FAULTS(name, text) \
	LABEL(name##_at);  \
	CODE(name, text)

static struct state run_kernel(const char *code)
{
	struct state s;

	state_kernel(&s, code);
	run(&s);
	return s;
}

static void expect_fault(const struct state *s, unsigned int vector, uint64_t error,
			 const char *where)
{
	EXPECT(s->vector, vector);
	EXPECT(s->error, error);
	EXPECT(s->rip, where);
}

FAULTS(divide, "mov $5, %eax; xor %edx, %edx; xor %ecx, %ecx; divide_at: div %ecx");
FAULTS(divide_large, "mov $5, %edx; mov $5, %ecx; divide_large_at: div %ecx");
FAULTS(divide_signed, "mov $0x80000000, %eax; cdq; mov $-1, %ecx; divide_signed_at: idiv %ecx");

static void divide_by_zero_or_overflow_de(void)
{
	struct state s = run_kernel(divide);

	expect_fault(&s, 0, 0, divide_at);
	EXPECT(s.gpr[RAX], 5);
	s = run_kernel(divide_large);
	expect_fault(&s, 0, 0, divide_large_at);
	s = run_kernel(divide_signed);
	expect_fault(&s, 0, 0, divide_signed_at);
	EXPECT(s.gpr[RDX], 0xffffffff);
}

FAULTS(breakpoint, "int3; breakpoint_at: nop");
FAULTS(icebp, ".byte 0xf1; icebp_at: nop");
FAULTS(int_n, "int $0x33; int_n_at: nop");

static void software_interrupts_trap(void)
{
	struct state s = run_kernel(breakpoint);

	expect_fault(&s, 3, 0, breakpoint_at);
	s = run_kernel(int_n);
	expect_fault(&s, 0x33, 0, int_n_at);
}

static void int1_traps_as_debug_exception(void)
{
	struct state s = run_kernel(icebp);

	expect_fault(&s, 1, 0, icebp_at);
	EXPECT(read_dr6(), 0xffff0ff0);
}

CODE32(into_clear, "xor %eax, %eax; into; mov $1, %ebx");
CODE32(into_set, "mov $0x7fffffff, %eax; inc %eax; into; into_set_at: mov $1, %ebx");
LABEL(into_set_at);
CODE32(bound_inside, "push $9; push $1; mov $9, %eax; bound %eax, (%esp); mov $1, %ebx");
CODE32(bound_outside, "push $9; push $1; mov $10, %eax; bound_at: bound %eax, (%esp)");
LABEL(bound_at);

static struct state run_user32(const char *code)
{
	struct state s;

	state_user32(&s, code);
	run(&s);
	return s;
}

static void into_and_bound_in_compatibility_mode(void)
{
	struct state s = run_user32(into_clear);

	EXPECT_DONE(s);
	s = run_user32(into_set);
	expect_fault(&s, 4, 0, (const char *)user_address(into_set_at));
	s = run_user32(bound_inside);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RBX], 1);
	s = run_user32(bound_outside);
	expect_fault(&s, 5, 0, (const char *)user_address(bound_at));
}

FAULTS(ud2, "ud2_at: ud2");
FAULTS(invalid_in_64, "invalid_in_64_at: .byte 0x06");
FAULTS(lock_register, "lock_register_at: .byte 0xf0, 0x01, 0xc0");
FAULTS(lock_mov, "lock_mov_at: .byte 0xf0, 0x89, 0x04, 0x24");
FAULTS(mov_cs, "mov_cs_at: .byte 0x8e, 0xc8");
FAULTS(mov_cr1, "mov_cr1_at: .byte 0x0f, 0x20, 0xc8");
FAULTS(lea_register, "lea_register_at: .byte 0x8d, 0xc0");

static void invalid_opcodes_ud(void)
{
	static const struct {
		const char *code, *at;
	} cases[] = {
		{ud2, ud2_at},
		{invalid_in_64, invalid_in_64_at},
		{lock_register, lock_register_at},
		{mov_cs, mov_cs_at},
		{mov_cr1, mov_cr1_at},
		{lea_register, lea_register_at},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct state s = run_kernel(cases[i].code);

		report_case(i);
		expect_fault(&s, 6, 0, cases[i].at);
	}
}

static void lock_on_mov_ud(void)
{
	struct state s = run_kernel(lock_mov);

	expect_fault(&s, 6, 0, lock_mov_at);
}

/* SDM "Instruction Length": more than 15 bytes is #GP(0), even when it would be valid. */
FAULTS(too_long, "too_long_at: .fill 15, 1, 0x2e; nop");
FAULTS(long_enough, "long_enough_at: .fill 14, 1, 0x2e; nop");

static void instruction_of_16_bytes_gp(void)
{
	struct state s = run_kernel(long_enough);

	EXPECT_DONE(s);
	s = run_kernel(too_long);
	expect_fault(&s, 13, 0, too_long_at);
}

FAULTS(x87, "x87_at: fld1");
FAULTS(wait, "wait_at: fwait");
FAULTS(sse, "sse_at: xorps %xmm0, %xmm0");
FAULTS(mmx, "mmx_at: pxor %mm0, %mm0");

static void device_not_available_by_cr0(void)
{
	struct state s;

	write_cr0(read_cr0() | CR0_TS);
	s = run_kernel(x87);
	expect_fault(&s, 7, 0, x87_at);
	s = run_kernel(wait);
	expect_fault(&s, 7, 0, wait_at);
	s = run_kernel(sse);
	expect_fault(&s, 7, 0, sse_at);
	s = run_kernel(mmx);
	expect_fault(&s, 7, 0, mmx_at);
	write_cr0(read_cr0() & ~(uint64_t)CR0_MP);
	s = run_kernel(wait);
	EXPECT_DONE(s);
	asm volatile("clts");
	s = run_kernel(sse);
	EXPECT_DONE(s);
}

static void emulation_by_cr0(void)
{
	struct state s;

	write_cr0(read_cr0() | CR0_EM);
	s = run_kernel(x87);
	expect_fault(&s, 7, 0, x87_at);
	s = run_kernel(sse);
	expect_fault(&s, 6, 0, sse_at);
	s = run_kernel(mmx);
	expect_fault(&s, 6, 0, mmx_at);
	write_cr0(read_cr0() & ~(uint64_t)CR0_EM);
	write_cr4(read_cr4() & ~(uint64_t)CR4_OSFXSR);
	s = run_kernel(sse);
	expect_fault(&s, 6, 0, sse_at);
}

FAULTS(non_canonical, "mov $0x800000000000, %rax; non_canonical_at: mov (%rax), %rcx");
FAULTS(non_canonical_stack, "mov $0x800000000000, %rbp; non_canonical_stack_at: mov (%rbp), %rcx");
FAULTS(non_canonical_end, "mov $0x7ffffffffffd, %rax; non_canonical_end_at: mov (%rax), %rcx");
FAULTS(non_canonical_jump, "mov $0x800000000000, %rax; non_canonical_jump_at: jmp *%rax");
FAULTS(bad_selector, "mov $0x1f8, %eax; bad_selector_at: mov %eax, %ds");
FAULTS(sse_misaligned, "lea 8(%rsp), %rax; and $-16, %rax; add $8, %rax;"
		       "sse_misaligned_at: movaps -64(%rax), %xmm0");

static void general_protection_with_error_codes(void)
{
	struct state s = run_kernel(non_canonical);

	expect_fault(&s, 13, 0, non_canonical_at);
	s = run_kernel(bad_selector);
	expect_fault(&s, 13, 0x1f8, bad_selector_at);
	s = run_kernel(sse_misaligned);
	expect_fault(&s, 13, 0, sse_misaligned_at);
}

static void non_canonical_address_by_rbp_ss(void)
{
	struct state s = run_kernel(non_canonical_stack);

	expect_fault(&s, 12, 0, non_canonical_stack_at);
}

/* The jump is refused itself, but not here nor by TCG (docs/errata.md). */
static void jump_to_non_canonical_gp(void)
{
	struct state s = run_kernel(non_canonical_jump);
	bool is_late = platform() != PLATFORM_OTHER;

	EXPECT(s.vector, 13);
	EXPECT(s.error, 0);
	EXPECT(s.rip, is_late ? UINT64_C(0x800000000000) : (uint64_t)non_canonical_jump_at);
}

/* The page below the hole is not mapped; the check of the address comes first. */
static void access_across_the_canonical_hole_gp(void)
{
	struct state s = run_kernel(non_canonical_end);

	expect_fault(&s, 13, 0, non_canonical_end_at);
}

FAULTS(load_fs, "load_fs_at: mov %eax, %fs");
FAULTS(load_ss, "load_ss_at: mov %eax, %ss");

#define NOT_PRESENT_DATA UINT64_C(0x00cf13000000ffff)

static void segment_not_present_np_or_ss(void)
{
	struct state s;

	gdt[GDT_FREE / 8] = NOT_PRESENT_DATA;
	state_kernel(&s, load_fs);
	s.gpr[RAX] = GDT_FREE;
	run(&s);
	expect_fault(&s, 11, GDT_FREE, load_fs_at);
	state_kernel(&s, load_ss);
	s.gpr[RAX] = GDT_FREE;
	run(&s);
	expect_fault(&s, 12, GDT_FREE, load_ss_at);
	state_kernel(&s, load_ss);
	s.gpr[RAX] = KERNEL_CS;
	run(&s);
	expect_fault(&s, 13, KERNEL_CS, load_ss_at);
	state_user(&s, load_ss);
	s.gpr[RAX] = 0;
	run(&s);
	expect_fault(&s, 13, 0, (const char *)user_address(load_ss_at));
}

FAULTS(int_absent, "int_absent_at: int $0x55");

/* Error code: vector * 8 + 2 (IDT). */
static void int_through_bad_gate_faults(void)
{
	struct state s;

	idt[0x55].type &= 0x7f;
	s = run_kernel(int_absent);
	expect_fault(&s, 11, 0x55 * 8 + 2, int_absent_at);
	gate_set(0x55, 0x8c, 0);
	s = run_kernel(int_absent);
	expect_fault(&s, 13, 0x55 * 8 + 2, int_absent_at);
	gate_set(0x55, GATE_INTERRUPT, 1);
	state_user(&s, int_absent);
	run(&s);
	expect_fault(&s, 13, 0x55 * 8 + 2, (const char *)user_address(int_absent_at));
	gate_set(0x55, GATE_INTERRUPT, 1);
	idt[0x55].selector = KERNEL_DS;
	s = run_kernel(int_absent);
	expect_fault(&s, 13, KERNEL_DS, int_absent_at);
	idt[0x55].selector = 0;
	s = run_kernel(int_absent);
	expect_fault(&s, 13, 0, int_absent_at);
}

/* An interrupt outside the IDT's limit. */
static void int_beyond_idt_limit_gp(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr = {0x55 * 16 - 1, (uint64_t)idt};
	struct state s;

	asm volatile("lidt %0" ::"m"(idtr));
	s = run_kernel(int_absent);
	expect_fault(&s, 13, 0x55 * 8 + 2, int_absent_at);
}

FAULTS(fault_now, "fault_now_at: mov (%rax), %rcx");

static void page_fault_has_address_and_error(void)
{
	struct state s;

	state_kernel(&s, fault_now);
	s.gpr[RAX] = TEST_BASE + 0x123;
	run(&s);
	expect_fault(&s, 14, 0, fault_now_at);
	EXPECT(s.cr2, TEST_BASE + 0x123);
}

/* CR2 is the first byte refused. */
static void page_fault_on_second_page_has_its_address(void)
{
	struct state s;

	page_map(TEST_BASE, page_alloc(1), PTE_P | PTE_W);
	state_kernel(&s, fault_now);
	s.gpr[RAX] = TEST_BASE + 0xffd;
	run(&s);
	expect_fault(&s, 14, 0, fault_now_at);
	EXPECT(s.cr2, TEST_BASE + 0x1000);
}

/* SDM "Double Fault": a contributory exception while another is delivered; EXT is set in neither. */
static void fault_through_absent_gate_df(void)
{
	struct state s;

	idt[0].type &= 0x7f;
	s = run_kernel(divide);
	EXPECT(s.vector, 8);
	EXPECT(s.error, 0);
	EXPECT(s.rip, divide_at);
}

static void page_fault_through_absent_gate_df(void)
{
	struct state s;

	idt[14].type &= 0x7f;
	state_kernel(&s, fault_now);
	s.gpr[RAX] = TEST_BASE;
	run(&s);
	EXPECT(s.vector, 8);
	EXPECT(s.error, 0);
	EXPECT(s.rip, fault_now_at);
}

/* #UD is benign: what follows it comes by itself, with EXT set. */
static void benign_fault_through_absent_gate_np(void)
{
	struct state s;

	idt[6].type &= 0x7f;
	s = run_kernel(ud2);
	expect_fault(&s, 11, 6 * 8 + 3, ud2_at);
}

/* The stack of a handler is not mapped: #PF during a contributory exception is #PF alone. */
static void fault_with_absent_stack_page_fault(void)
{
	struct state s;

	tss.ist[IST_SECOND - 1] = TEST_BASE + 0x2000;
	gate_set(0, GATE_INTERRUPT, IST_SECOND);
	s = run_kernel(divide);
	expect_fault(&s, 14, PF_W, divide_at);
	EXPECT(s.cr2, TEST_BASE + 0x1ff8);
}

static void page_fault_with_absent_stack_df(void)
{
	struct state s;

	tss.ist[IST_SECOND - 1] = TEST_BASE + 0x2000;
	gate_set(14, GATE_INTERRUPT, IST_SECOND);
	state_kernel(&s, fault_now);
	s.gpr[RAX] = TEST_BASE + 0x5000;
	run(&s);
	EXPECT(s.vector, 8);
	EXPECT(s.rip, fault_now_at);
	EXPECT(s.cr2, TEST_BASE + 0x1ff8);
}

static void non_canonical_stack_of_handler_ss(void)
{
	struct state s;

	tss.ist[IST_SECOND - 1] = UINT64_C(0x800000001000);
	gate_set(0x55, GATE_INTERRUPT, IST_SECOND);
	s = run_kernel(int_absent);
	expect_fault(&s, 12, 0, int_absent_at);
}

/* IST1 lies inside this limit, so that the #TS itself finds its stack; IST2 does not. */
static void handler_stack_beyond_tss_limit_ts(void)
{
	struct state s;

	gate_set(0x55, GATE_INTERRUPT, IST_SECOND);
	gdt[TSS64 / 8] &= ~UINT64_C(0x020000000000);
	gdt[TSS64 / 8] = (gdt[TSS64 / 8] & ~UINT64_C(0xffff)) | 0x2b;
	asm volatile("ltr %w0" ::"r"(TSS64) : "memory");
	s = run_kernel(int_absent);
	expect_fault(&s, 10, TSS64, int_absent_at);
}

static void handler_stack_by_ist_and_privilege(void)
{
	struct state s;

	tss.ist[IST_SECOND - 1] = (uint64_t)ist_stack[1] + 4091;
	gate_set(0, GATE_INTERRUPT, IST_SECOND);
	s = run_kernel(divide);
	EXPECT(trap_rsp, ((uint64_t)ist_stack[1] + 4091 - 11) - 56);
	gate_set(0, GATE_INTERRUPT, 0);
	state_kernel(&s, divide);
	s.gpr[RSP] -= 3;
	run(&s);
	EXPECT(trap_rsp, ((s.gpr[RSP]) & ~UINT64_C(15)) - 56);
	state_user(&s, divide);
	run(&s);
	EXPECT(s.vector, 0);
	EXPECT(trap_rsp, tss.rsp[0] - 56);
	EXPECT(s.ss, USER_DS);
	EXPECT(s.cs, USER_CS);
}

FAULTS(read_flags, "pushfq; pop %rax");

static bool flags_seen_if, flags_seen_tf;

static bool look_at_flags(struct state *s)
{
	uint64_t flags;

	asm volatile("pushfq; pop %0" : "=r"(flags));
	flags_seen_if = flags & FLAGS_IF;
	flags_seen_tf = flags & (FLAGS_TF | FLAGS_NT);
	return false;
}

/* Interrupts cannot arrive: no controller has been told to send any. */
static void interrupt_gate_clears_if_and_trap_gate_does_not(void)
{
	struct state s;

	trap_hook = look_at_flags;
	state_kernel(&s, breakpoint);
	s.rflags |= FLAGS_IF | FLAGS_NT;
	run(&s);
	EXPECT(s.rflags & (FLAGS_IF | FLAGS_NT), FLAGS_IF | FLAGS_NT);
	EXPECT(flags_seen_if, 0);
	EXPECT(flags_seen_tf, 0);
	gate_set(3, GATE_TRAP, 1);
	state_kernel(&s, breakpoint);
	s.rflags |= FLAGS_IF;
	run(&s);
	EXPECT(flags_seen_if, 1);
}

/* RF in the image: set for faults, as it was for software interrupts. */
static void resume_flag_is_set_in_the_image_of_faults(void)
{
	struct state s = run_kernel(ud2);

	EXPECT(s.rflags & FLAGS_RF, FLAGS_RF);
	s = run_kernel(breakpoint);
	EXPECT(s.rflags & FLAGS_RF, 0);
	state_kernel(&s, fault_now);
	s.gpr[RAX] = TEST_BASE;
	run(&s);
	EXPECT(s.rflags & FLAGS_RF, FLAGS_RF);
}

FAULTS(aligned_word, "aligned_word_at: mov 1(%rsp), %ax; mov $7, %ebx");

static struct state run_alignment(uint64_t rflags, bool user)
{
	struct state s;

	if (user)
		state_user(&s, aligned_word);
	else
		state_kernel(&s, aligned_word);
	s.gpr[RSP] -= 16;
	s.rflags |= rflags;
	run(&s);
	return s;
}

static void misaligned_access_ac_at_cpl_3_alone(void)
{
	struct state s;

	write_cr0(read_cr0() | CR0_AM);
	s = run_alignment(FLAGS_AC, true);
	expect_fault(&s, 17, 0, (const char *)user_address(aligned_word_at));
	s = run_alignment(0, true);
	EXPECT_DONE(s);
	s = run_alignment(FLAGS_AC, false);
	EXPECT_DONE(s);
	write_cr0(read_cr0() & ~(uint64_t)CR0_AM);
	s = run_alignment(FLAGS_AC, true);
	EXPECT_DONE(s);
}

FAULTS(privileged, "privileged_at: hlt");
FAULTS(cli_user, "cli_user_at: cli");

static void privileged_instruction_gp(void)
{
	struct state s;

	state_user(&s, privileged);
	run(&s);
	expect_fault(&s, 13, 0, (const char *)user_address(privileged_at));
	state_user(&s, cli_user);
	run(&s);
	expect_fault(&s, 13, 0, (const char *)user_address(cli_user_at));
	state_user(&s, cli_user);
	s.rflags |= FLAGS_IOPL;
	run(&s);
	EXPECT_DONE(s);
}

const struct test tests[] = {
	TEST(divide_by_zero_or_overflow_de),
	TEST(software_interrupts_trap),
	TEST(int1_traps_as_debug_exception),
	TEST(into_and_bound_in_compatibility_mode),
	TEST(invalid_opcodes_ud),
	TEST(lock_on_mov_ud),
	TEST(instruction_of_16_bytes_gp),
	TEST(device_not_available_by_cr0),
	TEST(emulation_by_cr0),
	TEST(general_protection_with_error_codes),
	TEST(non_canonical_address_by_rbp_ss),
	TEST(jump_to_non_canonical_gp),
	TEST(access_across_the_canonical_hole_gp),
	TEST(segment_not_present_np_or_ss),
	TEST(int_through_bad_gate_faults),
	TEST(int_beyond_idt_limit_gp),
	TEST(page_fault_has_address_and_error),
	TEST(page_fault_on_second_page_has_its_address),
	TEST(fault_through_absent_gate_df),
	TEST(page_fault_through_absent_gate_df),
	TEST(benign_fault_through_absent_gate_np),
	TEST(fault_with_absent_stack_page_fault),
	TEST(page_fault_with_absent_stack_df),
	TEST(non_canonical_stack_of_handler_ss),
	TEST(handler_stack_beyond_tss_limit_ts),
	TEST(handler_stack_by_ist_and_privilege),
	TEST(interrupt_gate_clears_if_and_trap_gate_does_not),
	TEST(resume_flag_is_set_in_the_image_of_faults),
	TEST(misaligned_access_ac_at_cpl_3_alone),
	TEST(privileged_instruction_gp),
	{0},
};

const struct known known_tcg[] = {
	{"int1_traps_as_debug_exception", "INT1 is #UD"},
	{"lock_on_mov_ud", "LOCK is ignored"},
	{"non_canonical_address_by_rbp_ss", "#GP, whatever the segment"},
	{"access_across_the_canonical_hole_gp", "the last byte is not checked"},
	{"int_through_bad_gate_faults", "error codes are 16 times the vector"},
	{"int_beyond_idt_limit_gp", "error codes are 16 times the vector"},
	{"benign_fault_through_absent_gate_np", "error codes are 16 times the vector"},
	{"resume_flag_is_set_in_the_image_of_faults", "RF is not set"},
	{"misaligned_access_ac_at_cpl_3_alone", "no alignment checks"},
	{0},
};
