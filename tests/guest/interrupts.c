// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * External interrupts: when they are taken, and what holds them back. They come
 * from a port of the runner's, under QEMU from the processor's own APIC.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define VECTOR 0x51
#define APIC   UINT64_C(0xfee00000)

static volatile uint32_t *apic(unsigned int offset)
{
	return (volatile uint32_t *)(APIC + offset);
}

/* The next interrupt waits from here on. */
static void raise_interrupt(void)
{
	if (platform() == PLATFORM_RUNNER) {
		outl(0x508, VECTOR);
		return;
	}
	*apic(0xf0) = 0x1ff;
	*apic(0x300) = 0x40000 | VECTOR;
}

/* It comes at some time while the next code runs. */
static void raise_later(void)
{
	if (platform() == PLATFORM_RUNNER) {
		outl(0x50c, VECTOR);
		return;
	}
	*apic(0xf0) = 0x1ff;
	*apic(0x320) = VECTOR;
	*apic(0x3e0) = 0xb;
	*apic(0x380) = 1000000;
}

static void end_of_interrupt(void)
{
	if (platform() != PLATFORM_RUNNER)
		*apic(0xb0) = 0;
}

static unsigned int taken;
static uint64_t taken_at;

static bool note_interrupt(struct state *s)
{
	if (s->vector != VECTOR)
		return false;
	taken++;
	taken_at = s->rip;
	end_of_interrupt();
	return true;
}

/* Runs @code with an interrupt that waits. */
static struct state run_interrupted(const char *code, uint64_t rflags)
{
	struct state s;

	taken = 0;
	taken_at = 0;
	trap_hook = note_interrupt;
	state_kernel(&s, code);
	s.rflags |= rflags;
	raise_interrupt();
	run(&s);
	return s;
}

CODE(no_window, "nop; nop; nop");

static void interrupt_waits_while_if_is_clear(void)
{
	struct state s = run_interrupted(no_window, 0);

	EXPECT_DONE(s);
	EXPECT(taken, 0);
	s = run_interrupted(no_window, FLAGS_IF);
	EXPECT_DONE(s);
	EXPECT(taken, 1);
	EXPECT(taken_at, no_window);
}

CODE(shadow, "nop; sti; mov $1, %eax; shadow_at: mov $2, %ebx; cli");
LABEL(shadow_at);
CODE(shadow_closed, "sti; cli; nop; nop");
CODE(sti_twice, "sti; sti; sti_twice_at: nop; nop; cli");
LABEL(sti_twice_at);

static void sti_holds_back_one_instruction(void)
{
	struct state s = run_interrupted(shadow, 0);

	EXPECT_DONE(s);
	EXPECT(taken, 1);
	EXPECT(taken_at, shadow_at);
	s = run_interrupted(sti_twice, 0);
	EXPECT(taken_at, sti_twice_at);
}

static void sti_before_cli_opens_no_window(void)
{
	struct state s = run_interrupted(shadow_closed, 0);

	EXPECT_DONE(s);
	EXPECT(taken, 0);
	s = run_interrupted(no_window, FLAGS_IF);
	EXPECT(taken, 1);
}

CODE(popf_opens, "push $0x202; popfq; popf_opens_at: nop; cli");
LABEL(popf_opens_at);

static void popf_opens_at_once(void)
{
	struct state s = run_interrupted(popf_opens, 0);

	EXPECT_DONE(s);
	EXPECT(taken, 1);
	EXPECT(taken_at, popf_opens_at);
}

CODE(halt, "sti; hlt; halt_at: cli");
LABEL(halt_at);

static void hlt_ends_behind_itself(void)
{
	struct state s = run_interrupted(halt, 0);

	EXPECT_DONE(s);
	EXPECT(taken, 1);
	EXPECT(taken_at, halt_at);
}

CODE(loop, "mov $100000, %ecx; 1: inc %eax; dec %ecx; jnz 1b");

static void interrupted_loop_loses_nothing(void)
{
	struct state s = run_interrupted(loop, FLAGS_IF);

	EXPECT_DONE(s);
	EXPECT(taken, 1);
	EXPECT(s.gpr[RAX], 100000);
}

static void interrupt_at_cpl_3_changes_stack(void)
{
	struct state s;

	taken = 0;
	trap_hook = NULL;
	gate_set(VECTOR, GATE_INTERRUPT, 0);
	state_user(&s, no_window);
	s.rflags |= FLAGS_IF;
	raise_interrupt();
	run(&s);
	end_of_interrupt();
	EXPECT(s.vector, VECTOR);
	EXPECT(s.cs, USER_CS);
	EXPECT(s.rip, user_address(no_window));
	EXPECT(trap_rsp, tss.rsp[0] - 56);
	EXPECT(s.rflags & FLAGS_RF, 0);
}

CODE(spin, "1: jmp 1b");
CODE(spin_memory, "1: cmpl $0, (%rdx); jz 1b");
CODE(spin_calls, "1: call 2f; jmp 1b; 2: inc %rax; ret");
CODE(spin_indirect, "lea 1f(%rip), %rbx; 1: inc %rax; jmp *%rbx");
CODE(spin_string, "1: mov %rdx, %rdi; mov $4096, %ecx; rep stosb; jmp 1b");
CODE(spin_fault, "1: inc %rax; cpuid; jmp 1b");
CODE(spin_halt, "1: hlt; jmp 1b");
CODE(spin_spread, "1: inc %rax; jmp 2f; .fill 5000, 1, 0x90; 2: dec %rbx; jmp 1b");

static bool note_and_end(struct state *s)
{
	taken += s->vector == VECTOR;
	end_of_interrupt();
	return false;
}

/* None of these loops ends by itself. */
static void interrupt_comes_into_every_kind_of_loop(void)
{
	static const char *const loops[] = {spin,        spin_memory, spin_calls, spin_indirect,
					    spin_string, spin_fault,  spin_halt,  spin_spread};

	for (unsigned int i = 0; i < 2 * sizeof(loops) / sizeof(loops[0]); i++) {
		struct state s;

		taken = 0;
		trap_hook = note_and_end;
		state_kernel(&s, loops[i / 2]);
		s.rflags |= FLAGS_IF;
		s.gpr[RDX] = (uint64_t)page_alloc(1);
		report_case(i);
		raise_later();
		run(&s);
		EXPECT(s.vector, VECTOR);
		EXPECT(taken, 1);
	}
}

const struct test tests[] = {
	TEST(interrupt_waits_while_if_is_clear),
	TEST(sti_holds_back_one_instruction),
	TEST(sti_before_cli_opens_no_window),
	TEST(popf_opens_at_once),
	TEST(hlt_ends_behind_itself),
	TEST(interrupted_loop_loses_nothing),
	TEST(interrupt_at_cpl_3_changes_stack),
	TEST(interrupt_comes_into_every_kind_of_loop),
	{0},
};

const struct known known_tcg[] = {{0}};
