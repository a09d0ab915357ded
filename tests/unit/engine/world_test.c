// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a run leaves as it was: the VMM's floating-point control state, GS and
 * signal mask, and its signal handlers, which get what is not the guest's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "machine.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#define CODE      UINT64_C(0x40000000)
#define PAGE_SIZE 4096u

/* Spoils what it can reach, and divides by zero. */
static const uint8_t code[] = {
	0xd9, 0x2d, 0x17, 0x00, 0x00, 0x00,       /* fldcw 1f(%rip) */
	0x0f, 0xae, 0x15, 0x13, 0x00, 0x00, 0x00, /* ldmxcsr 2f(%rip) */
	0xfd,                                     /* std */
	0xc5, 0xfd, 0x76, 0xc0,                   /* vpcmpeqd %ymm0, %ymm0, %ymm0 */
	0x31, 0xc9, 0x31, 0xd2,                   /* xor %ecx, %ecx; xor %edx, %edx */
	0xf7, 0xf1,                               /* div %ecx */
	0x90, 0x90, 0x90, 0x90, 0x90,             /* up to offset 29 */
	0x7f, 0x02, 0x00,                         /* 1: 27fh, and one byte */
	0x80, 0x7f, 0x00, 0x00,                   /* 2: 7f80h */
};
_Static_assert(sizeof(code) == 36, "places of the constants");

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled = sig;
}

static void info_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	handled = info->si_signo == sig ? sig : -1;
}

/* cmocka puts in handlers of its own around each case, so the engine's are kept and put back. */
static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS};
static struct sigaction engine_actions[4];

static void use_engine_handlers(void)
{
	for (unsigned int i = 0; i < 4; i++)
		sigaction(signals[i], &engine_actions[i], NULL);
}

/* The VMM's handlers first, then the engine's, which must pass on to them. */
static int install(void **state)
{
	struct sigaction plain = {.sa_handler = handler};
	struct sigaction info = {.sa_sigaction = info_handler, .sa_flags = SA_SIGINFO};
	static struct machine m;
	uint8_t *page = mem_reserve(PAGE_SIZE);

	if (!page || sigaction(SIGBUS, &info, NULL) || sigaction(SIGILL, &plain, NULL) ||
	    machine_init(&m, 0) || machine_add_ram(&m, CODE, page, PAGE_SIZE))
		return -1;
	for (unsigned int i = 0; i < 4; i++)
		sigaction(signals[i], NULL, &engine_actions[i]);
	memcpy(page, code, sizeof(code));
	machine_map(&m, CODE, CODE, PAGE_SIZE, MACHINE_USER, 12);
	*state = &m;
	return 0;
}

static int uninstall(void **state)
{
	machine_destroy(*state);
	return 0;
}

static struct machine_trap run(struct machine *m)
{
	machine_enter_user(m);
	m->v->cpu.state.rip = CODE;
	return machine_run(m);
}

static void run_keeps_the_vmms_control_state(void **state)
{
	/* Rounding down in both, and 53 bits in the x87. */
	const uint32_t mxcsr_mine = 0x3f80, mxcsr_default = 0x1f80;
	const uint16_t fcw_mine = 0x067f, fcw_default = 0x37f;
	uint16_t fcw_after;
	uint32_t mxcsr_after;
	uint64_t gs_before, gs_after, flags;
	/* The system call fills in what the kernel has of it. */
	sigset_t mask_before = {0}, mask_after = {0};
	struct machine_trap trap;

	use_engine_handlers();
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_before);
	pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
	__asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(fcw_mine), "m"(mxcsr_mine));
	trap = run(*state);
	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(fcw_after), "=m"(mxcsr_after));
	__asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(fcw_default), "m"(mxcsr_default));
	assert_int_equal(trap.vector, DE_VECTOR);
	assert_int_equal(trap.rip, CODE + 22);
	__asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
	syscall(SYS_arch_prctl, ARCH_GET_GS, &gs_after);
	pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
	assert_int_equal(fcw_after, fcw_mine);
	assert_int_equal(mxcsr_after, mxcsr_mine);
	assert_false(flags & X86_EFLAGS_DF);
	assert_int_equal(gs_after, gs_before);
	assert_memory_equal(&mask_after, &mask_before, sizeof(mask_before));
}

static void signal_of_somebody_else_reaches_the_vmms_handler(void **state)
{
	(void)state;
	use_engine_handlers();
	handled = 0;
	raise(SIGILL);
	assert_int_equal(handled, SIGILL);
	handled = 0;
	raise(SIGBUS);
	assert_int_equal(handled, SIGBUS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signal_of_somebody_else_reaches_the_vmms_handler),
		cmocka_unit_test(run_keeps_the_vmms_control_state),
	};

	return cmocka_run_group_tests_name("world", tests, install, uninstall);
}
