// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "Single-Step Exception Condition" and "Debug Registers": TF over instructions
 * that change TF, the stack, or the privilege level; DR0-3 for execution, writes and
 * accesses; RF; GD; the shadow of MOV SS.
 */
#include "lib/guest.h"
#include "lib/instr.h"
#include "lib/paging.h"

#define DR6_BS   (1u << 14)
#define DR6_BD   (1u << 13)
#define DR7_GD   (1u << 13)
#define DR6_INIT 0xffff0ff0

#define MAX_STOPS 64

static struct {
	unsigned int count;
	uint64_t rip[MAX_STOPS], dr6[MAX_STOPS], rcx[MAX_STOPS];
	bool set_rf;
} stops;

static bool note_stop(struct state *s)
{
	if (s->vector != 1 || stops.count == MAX_STOPS)
		return false;
	stops.rip[stops.count] = s->rip;
	stops.dr6[stops.count] = read_dr6();
	stops.rcx[stops.count++] = s->gpr[RCX];
	write_dr6(DR6_INIT);
	if (stops.set_rf)
		s->rflags |= FLAGS_RF;
	return true;
}

static struct state run_noting(const char *code, uint64_t rflags)
{
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	state_kernel(&s, code);
	s.rflags |= rflags;
	run(&s);
	return s;
}

CODE(plain,
     "nop; plain1: mov $1, %eax; plain2: push %rax; plain3: pop %rbx; plain4: jmp plain5; ud2; plain5: nop");
LABEL(plain1);
LABEL(plain2);
LABEL(plain3);
LABEL(plain4);
LABEL(plain5);

static void step_stops_after_each_instruction(void)
{
	const char *const want[] = {plain1, plain2, plain3, plain4, plain5, plain_done};
	struct state s = run_noting(plain, FLAGS_TF);

	EXPECT_DONE(s);
	EXPECT(stops.count, 6);
	for (unsigned int i = 0; i < 6; i++) {
		EXPECT(stops.rip[i], want[i]);
		EXPECT(stops.dr6[i], DR6_INIT | DR6_BS);
	}
	/* The software interrupt at the end has cleared TF for its handler, not in the image. */
	EXPECT(s.rflags & FLAGS_TF, FLAGS_TF);
}

CODE(popf_sets,
     "pushfq; orl $0x100, (%rsp); popfq; nop; popf_sets_stop1: pushfq; popf_sets_stop2: andl $~0x100, (%rsp);"
     "popf_sets_stop3: popfq; popf_sets_stop4: nop; nop");
LABEL(popf_sets_stop1);
LABEL(popf_sets_stop2);
LABEL(popf_sets_stop3);
LABEL(popf_sets_stop4);

/* The POPF that sets TF does not trap, the one that clears it does. */
static void popf_traps_by_the_flag_before_it(void)
{
	struct state s = run_noting(popf_sets, 0);

	EXPECT_DONE(s);
	EXPECT(stops.count, 4);
	EXPECT(stops.rip[0], popf_sets_stop1);
	EXPECT(stops.rip[1], popf_sets_stop2);
	EXPECT(stops.rip[2], popf_sets_stop3);
	EXPECT(stops.rip[3], popf_sets_stop4);
	EXPECT(s.rflags & FLAGS_TF, 0);
}

CODE(repeat, "mov $3, %ecx; repeat_at: rep movsb; repeat_after: nop");
LABEL(repeat_at);
LABEL(repeat_after);

/* A repeated string instruction traps after each iteration. */
static void step_over_rep_stops_after_each_iteration(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	state_kernel(&s, repeat);
	s.gpr[RSI] = page;
	s.gpr[RDI] = page + 100;
	s.rflags |= FLAGS_TF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(stops.count, 5);
	EXPECT(stops.rip[1], repeat_at);
	EXPECT(stops.rcx[1], 2);
	EXPECT(stops.rip[2], repeat_at);
	EXPECT(stops.rcx[2], 1);
	EXPECT(stops.rip[3], repeat_after);
	EXPECT(stops.rcx[3], 0);
	EXPECT(stops.rip[4], repeat_done);
}

CODE(mov_ss, "mov %ss, %eax; mov_ss1: mov %eax, %ss; nop; mov_ss2: nop");
LABEL(mov_ss1);
LABEL(mov_ss2);

CODE(ports,
     "mov $0x82, %edx; mov $3, %ecx; ports1: out %al, %dx; ports2: in %dx, %al; ports3: rep outsb;"
     "ports4: nop");
LABEL(ports1);
LABEL(ports2);
LABEL(ports3);
LABEL(ports4);

static void step_over_ports_stops_after_each_access(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	state_kernel(&s, ports);
	s.gpr[RSI] = page;
	s.rflags |= FLAGS_TF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(stops.count, 8);
	EXPECT(stops.rip[1], ports1);
	EXPECT(stops.rip[2], ports2);
	EXPECT(stops.rip[3], ports3);
	EXPECT(stops.rip[4], ports3);
	EXPECT(stops.rcx[4], 2);
	EXPECT(stops.rip[5], ports3);
	EXPECT(stops.rcx[5], 1);
	EXPECT(stops.rip[6], ports4);
	EXPECT(stops.dr6[6], DR6_INIT | DR6_BS);
}

/* SDM "MOV": a load of SS holds back debug traps until after the next instruction. */
static void step_over_mov_ss_stops_one_later(void)
{
	struct state s = run_noting(mov_ss, FLAGS_TF);

	EXPECT_DONE(s);
	EXPECT(stops.count, 3);
	EXPECT(stops.rip[0], mov_ss1);
	EXPECT(stops.rip[1], mov_ss2);
	EXPECT(stops.rip[2], mov_ss_done);
}

CODE(fault_step, "xor %ecx, %ecx; fault_step_at: div %ecx; nop");
LABEL(fault_step_at);

/* The faulting instruction does not trap; the fault's handler is not stepped. */
static void step_into_fault_delivers_the_fault(void)
{
	struct state s = run_noting(fault_step, FLAGS_TF);

	EXPECT(stops.count, 1);
	EXPECT(s.vector, 0);
	EXPECT(s.rip, fault_step_at);
	EXPECT(read_dr6(), DR6_INIT);
	EXPECT(s.rflags & FLAGS_TF, FLAGS_TF);
}

CODE(system_call, "syscall; ud2");
CODE(system_entry, "system_entry_at: nop; mov $1, %ebx");
LABEL(system_entry_at);

/* SFMASK has TF: the handler runs unstepped. Without it, the step comes at its first instruction. */
static void step_over_syscall_by_sfmask(void)
{
	struct state s;

	wrmsr(MSR_STAR, (uint64_t)(0x18 | 3) << 48 | (uint64_t)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)system_entry);
	wrmsr(MSR_SFMASK, FLAGS_TF);
	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	state_user(&s, system_call);
	s.rflags |= FLAGS_TF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(stops.count, 0);
	EXPECT(s.gpr[R11] & FLAGS_TF, FLAGS_TF);
	wrmsr(MSR_SFMASK, 0);
	memset(&stops, 0, sizeof(stops));
	state_user(&s, system_call);
	s.rflags |= FLAGS_TF;
	run(&s);
	EXPECT_DONE(s);
	EXPECT(stops.rip[0], system_entry_at);
}

CODE(writes,
     "movb $1, (%rdx); writes1: movb $2, 1(%rdx); writes2: movl $3, 2(%rdx); writes3: mov (%rdx), %eax;"
     "writes4: mov 8(%rdx), %eax; writes5: nop");
LABEL(writes1);
LABEL(writes2);
LABEL(writes3);
LABEL(writes4);

static uint64_t dr7_of(unsigned int index, unsigned int rw, unsigned int len)
{
	return 0x400 | 2ull << (2 * index) | (uint64_t)(rw | len << 2) << (16 + 4 * index);
}

static struct state run_watching(const char *code, uint64_t address, uint64_t dr7, uint64_t rdx)
{
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	write_dr0(address);
	write_dr6(DR6_INIT);
	write_dr7(dr7);
	state_kernel(&s, code);
	s.gpr[RDX] = rdx;
	run(&s);
	write_dr7(0x400);
	return s;
}

static void data_breakpoint_traps_after_the_write(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s = run_watching(writes, page, dr7_of(0, 1, 3), page);

	EXPECT_DONE(s);
	EXPECT(stops.count, 3);
	EXPECT(stops.rip[0], writes1);
	EXPECT(stops.rip[1], writes2);
	EXPECT(stops.rip[2], writes3);
	EXPECT(stops.dr6[0], DR6_INIT | 1);
	EXPECT(*(uint32_t *)page, 0x30201);
}

static void data_breakpoint_for_reads_traps_after_the_read(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s = run_watching(writes, page, dr7_of(0, 3, 0), page);

	EXPECT_DONE(s);
	EXPECT(stops.count, 2);
	EXPECT(stops.rip[0], writes1);
	EXPECT(stops.rip[1], writes4);
}

static void execution_breakpoint_faults_before_the_instruction(void)
{
	struct state s;

	stops.set_rf = false;
	s = run_watching(plain, (uint64_t)plain2, dr7_of(0, 0, 0), 0);
	/* Without RF the instruction would stop for ever. */
	EXPECT(stops.count, MAX_STOPS);
	EXPECT(stops.rip[0], plain2);
	EXPECT(stops.rip[1], plain2);
	EXPECT(stops.dr6[0], DR6_INIT | 1);
	EXPECT(s.gpr[RBX], 0);
}

static bool note_and_resume(struct state *s)
{
	stops.set_rf = true;
	return note_stop(s);
}

static void resume_flag_passes_one_execution_breakpoint(void)
{
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_and_resume;
	write_dr0((uint64_t)plain2);
	write_dr1((uint64_t)plain3);
	write_dr7(dr7_of(0, 0, 0) | dr7_of(1, 0, 0));
	state_kernel(&s, plain);
	run(&s);
	write_dr7(0x400);
	EXPECT_DONE(s);
	EXPECT(stops.count, 2);
	EXPECT(stops.rip[1], plain3);
	EXPECT(stops.dr6[1], DR6_INIT | 2);
	EXPECT(s.rflags & FLAGS_RF, 0);
}

CODE(read_dr, "read_dr_at: mov %dr0, %rax");
LABEL(read_dr_at);
CODE(write_dr6_high, "mov $1, %rax; shl $32, %rax; write_dr6_high_at: mov %rax, %dr6");
LABEL(write_dr6_high_at);
CODE(read_dr4, "read_dr4_at: mov %dr4, %rax");
LABEL(read_dr4_at);

static void general_detect_faults_at_the_move(void)
{
	struct state s = run_noting(read_dr, 0);

	write_dr7(0x400 | DR7_GD);
	trap_hook = NULL;
	state_kernel(&s, read_dr);
	run(&s);
	/* The fault has cleared GD, or the handler could not read DR6. */
	EXPECT(s.vector, 1);
	EXPECT(s.rip, read_dr_at);
	EXPECT(read_dr6(), DR6_INIT | DR6_BD);
	EXPECT(read_dr7(), 0x400);
}

static void debug_register_moves_fault_as_documented(void)
{
	struct state s;

	state_user(&s, read_dr);
	run(&s);
	EXPECT(s.vector, 13);
	state_kernel(&s, write_dr6_high);
	run(&s);
	EXPECT(s.vector, 13);
	EXPECT(s.rip, write_dr6_high_at);
	state_kernel(&s, read_dr4);
	run(&s);
	EXPECT_DONE(s);
	EXPECT(s.gpr[RAX], read_dr6());
	write_cr4(read_cr4() | CR4_DE);
	state_kernel(&s, read_dr4);
	run(&s);
	EXPECT(s.vector, 6);
	EXPECT(s.rip, read_dr4_at);
}

CODE(rep_watched, "mov $8, %ecx; rep stosb");

static void data_breakpoint_in_rep_traps_at_its_iteration(void)
{
	uint64_t page = (uint64_t)page_alloc(1);
	struct state s;

	memset(&stops, 0, sizeof(stops));
	trap_hook = note_stop;
	write_dr0(page + 3);
	write_dr7(dr7_of(0, 1, 0));
	state_kernel(&s, rep_watched);
	s.gpr[RDI] = page;
	run(&s);
	write_dr7(0x400);
	EXPECT_DONE(s);
	EXPECT(stops.count, 1);
	EXPECT(stops.rcx[0], 4);
}

const struct test tests[] = {
	TEST(step_stops_after_each_instruction),
	TEST(popf_traps_by_the_flag_before_it),
	TEST(step_over_rep_stops_after_each_iteration),
	TEST(step_over_ports_stops_after_each_access),
	TEST(step_over_mov_ss_stops_one_later),
	TEST(step_into_fault_delivers_the_fault),
	TEST(step_over_syscall_by_sfmask),
	TEST(data_breakpoint_traps_after_the_write),
	TEST(data_breakpoint_for_reads_traps_after_the_read),
	TEST(execution_breakpoint_faults_before_the_instruction),
	TEST(resume_flag_passes_one_execution_breakpoint),
	TEST(general_detect_faults_at_the_move),
	TEST(debug_register_moves_fault_as_documented),
	TEST(data_breakpoint_in_rep_traps_at_its_iteration),
	{0},
};

const struct known known_tcg[] = {
	{"data_breakpoint_for_reads_traps_after_the_read", "a neighbour's write stops, too"},
	{"general_detect_faults_at_the_move", "no GD"},
	{0},
};
