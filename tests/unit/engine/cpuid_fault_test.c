// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID of host programs, answered by the handler of SIGSEGV. Cases that let the machine raise
 * the fault are skipped where it has no CPUID faulting; the others hand it to the handler.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <asm/prctl.h>
#include <errno.h>
#include <immintrin.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "engine/core.h"

#include "cpu/cpuid.h"

#define MARK 0x5a5a0000u

/* Of the host's answer EDX alone stays. */
static void amend(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
	regs[CPUID_EAX] = leaf | MARK;
	regs[CPUID_EBX] = subleaf | MARK;
	regs[CPUID_ECX] = ~leaf;
}

static bool is_amended(void)
{
	uint32_t regs[4];

	cpuid_host(3, 4, regs);
	return regs[CPUID_EAX] == (MARK | 3) && regs[CPUID_EBX] == (MARK | 4) &&
	       regs[CPUID_ECX] == ~3u;
}

/* cmocka puts its own in the place of this one before each case. */
static struct sigaction engine_action;

static void install_handler(void)
{
	engine_cpuid_intercept(amend);
	engine_cpuid_release();
	sigaction(SIGSEGV, NULL, &engine_action);
}

/* Whether CPUID faulting can be had, which is the machine's and its kernel's to say. */
static void intercept_or_skip(void)
{
	int ret;

	sigaction(SIGSEGV, &engine_action, NULL);
	ret = engine_cpuid_intercept(amend);
	if (ret == -ENODEV || ret == -EINVAL)
		skip();
	assert_int_equal(ret, 0);
}

static void intercept_without_faulting_enodev(void **state)
{
	bool has = !syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1ul);

	(void)state;
	if (has)
		skip();
	assert_int_equal(engine_cpuid_intercept(amend), -errno);
	assert_false(is_amended());
}

static void intercept_amends_until_release(void **state)
{
	uint32_t before[4], after[4];

	(void)state;
	cpuid_host(0x80000002, 0, before);
	intercept_or_skip();
	assert_true(is_amended());
	cpuid_host(0x80000002, 0, after);
	assert_int_equal(after[CPUID_EAX], 0x80000002 | MARK);
	assert_int_equal(after[CPUID_EDX], before[CPUID_EDX]);
	engine_cpuid_release();
	assert_false(is_amended());
}

static void *look(void *amended)
{
	*(bool *)amended = is_amended();
	return NULL;
}

static bool look_in_thread(void)
{
	bool amended = false;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, look, &amended), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return amended;
}

static bool look_in_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(is_amended());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void intercept_holds_for_threads_and_children_made_afterwards(void **state)
{
	(void)state;
	intercept_or_skip();
	assert_true(look_in_thread());
	assert_true(look_in_child());
	engine_cpuid_release();
	assert_false(look_in_thread());
	assert_false(look_in_child());
}

/* What CPUID does not write is as before, vector registers and flags too. */
static void intercept_keeps_other_registers(void **state)
{
	uint32_t eax = 3, ebx, ecx = 4, edx, carry;
	uint64_t r8 = 0x8888, vector[2] = {0x1111, 0x2222}, kept[2];

	(void)state;
	intercept_or_skip();
	__asm__ volatile("movdqu %[in], %%xmm7\n\t"
			 "mov %[r8], %%r8\n\t"
			 "stc\n\t"
			 "cpuid\n\t"
			 "mov %%r8, %[r8]\n\t"
			 "movdqu %%xmm7, %[out]\n\t"
			 "sbb %[carry], %[carry]\n\t"
			 : "+a"(eax), "=b"(ebx), "+c"(ecx),
			   "=d"(edx), [r8] "+m"(r8), [carry] "=r"(carry), [out] "=m"(kept)
			 : [in] "m"(vector)
			 : "r8", "xmm7", "cc");
	engine_cpuid_release();
	assert_int_equal(eax, MARK | 3);
	assert_int_equal(ebx, MARK | 4);
	assert_int_equal(r8, 0x8888);
	assert_int_equal(carry, UINT32_MAX);
	assert_memory_equal(kept, vector, sizeof(kept));
}

/* Another #GP goes where it went before: here to the default action. */
static void other_fault_of_same_thread_is_not_taken(void **state)
{
	volatile uint64_t *nowhere = (uint64_t *)0x8000000000000000;
	pid_t pid;
	int status;

	(void)state;
	intercept_or_skip();
	pid = fork();
	if (!pid)
		_exit((int)*nowhere);
	engine_cpuid_release();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

/* The last bytes of a page that nothing follows. Return: where @code begins. */
static const uint8_t *before_hole(const uint8_t *code, size_t len)
{
	uint8_t *page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	assert_int_equal(munmap(page + 4096, 4096), 0);
	memcpy(page + 4096 - len, code, len);
	return page + 4096 - len;
}

static bool answer(ucontext_t *uc, const uint8_t *pc, greg_t vector)
{
	greg_t *gregs = uc->uc_mcontext.gregs;
	bool taken;

	memset(uc, 0xff, sizeof(*uc));
	gregs[REG_TRAPNO] = vector;
	gregs[REG_RIP] = (greg_t)(uintptr_t)pc;
	gregs[REG_RAX] = (greg_t)0xffffffff00000007;
	gregs[REG_RCX] = (greg_t)0xffffffff00000001;
	taken = cpuid_fault_answer(uc);
	engine_cpuid_release();
	munmap((void *)((uintptr_t)pc & ~UINT64_C(4095)), 4096);
	return taken;
}

static void fault_of_cpuid_is_answered_behind_its_prefixes(void **state)
{
	static const uint8_t prefixed[] = {0x2e, 0x66, 0x48, 0x0f, 0xa2};

	(void)state;
	engine_cpuid_intercept(amend);
	for (size_t len = 2; len <= sizeof(prefixed); len++) {
		const uint8_t *pc = before_hole(prefixed + sizeof(prefixed) - len, len);
		greg_t *gregs;
		ucontext_t uc;

		assert_true(answer(&uc, pc, GP_VECTOR));
		gregs = uc.uc_mcontext.gregs;
		assert_int_equal(gregs[REG_RIP], (uintptr_t)pc + len);
		assert_int_equal(gregs[REG_RAX], MARK | 7);
		assert_int_equal(gregs[REG_RBX], MARK | 1);
		assert_int_equal(gregs[REG_RCX], ~7u);
		assert_int_equal(gregs[REG_RDX] >> 32, 0);
		assert_int_equal(gregs[REG_RSI], -1);
	}
}

static void fault_of_anything_else_is_not_taken(void **state)
{
	static const uint8_t cpuid[] = {0x0f, 0xa2}, rdtsc[] = {0x0f, 0x31},
			     locked[] = {0xf0, 0x0f, 0xa2};
	static const uint8_t too_long[] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					   0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0xa2};
	ucontext_t uc;

	(void)state;
	engine_cpuid_intercept(amend);
	assert_false(answer(&uc, before_hole(cpuid, sizeof(cpuid)), UD_VECTOR));
	assert_false(answer(&uc, before_hole(rdtsc, sizeof(rdtsc)), GP_VECTOR));
	assert_false(answer(&uc, before_hole(locked, sizeof(locked)), GP_VECTOR));
	assert_false(answer(&uc, before_hole(too_long, sizeof(too_long)), GP_VECTOR));
	assert_int_equal(uc.uc_mcontext.gregs[REG_RBX], -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intercept_without_faulting_enodev),
		cmocka_unit_test(intercept_amends_until_release),
		cmocka_unit_test(intercept_holds_for_threads_and_children_made_afterwards),
		cmocka_unit_test(intercept_keeps_other_registers),
		cmocka_unit_test(other_fault_of_same_thread_is_not_taken),
		cmocka_unit_test(fault_of_cpuid_is_answered_behind_its_prefixes),
		cmocka_unit_test(fault_of_anything_else_is_not_taken),
	};

	install_handler();
	return cmocka_run_group_tests_name("cpuid_fault", tests, NULL, NULL);
}
