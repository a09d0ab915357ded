// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUID of the host's own programs, answered by us: with CPUID faulting (arch_prctl(2),
 * ARCH_SET_CPUID) the instruction raises #GP in a thread, and the handler of SIGSEGV executes it
 * again, amends the answer and goes on behind it. Of no use to guests, whose CPUID is never
 * executed.
 */
#define _GNU_SOURCE
#include "engine/core.h"

#include "cpu/cpuid.h"

#include <asm/prctl.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define MAX_INSN_SIZE 15

static _Atomic(engine_cpuid_fn *) amend_answer;

/* Return: whether this thread's CPUID now is as asked for. */
static bool set_cpuid_enabled(bool enabled)
{
	return !syscall(SYS_arch_prctl, ARCH_SET_CPUID, (unsigned long)enabled);
}

/* Prefixes have no effect on CPUID; LOCK would be #UD. */
static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64 ... 0x67:
	case 0xf2:
	case 0xf3:
	case 0x40 ... 0x4f:
		return true;
	default:
		return false;
	}
}

/* No byte is read behind the instruction, where nothing may be mapped. Return: 0 for another one. */
static unsigned int cpuid_size(const uint8_t *pc)
{
	unsigned int size = 0;

	while (size < MAX_INSN_SIZE - 2 && is_prefix(pc[size]))
		size++;
	return pc[size] == 0x0f && pc[size + 1] == 0xa2 ? size + 2 : 0;
}

bool cpuid_fault_answer(void *ucontext)
{
	engine_cpuid_fn *amend = atomic_load(&amend_answer);
	ucontext_t *uc = ucontext;
	greg_t *gregs = uc->uc_mcontext.gregs;
	uint32_t leaf = (uint32_t)gregs[REG_RAX], subleaf = (uint32_t)gregs[REG_RCX];
	uint32_t regs[CPUID_NR_REGS];
	unsigned int size;

	if (!amend || gregs[REG_TRAPNO] != GP_VECTOR)
		return false;
	size = cpuid_size((const uint8_t *)gregs[REG_RIP]);
	if (!size)
		return false;
	/* Otherwise it faults here, too. ENODEV: it cannot fault on this machine. */
	if (!set_cpuid_enabled(true) && errno != ENODEV)
		return false;
	cpuid_host(leaf, subleaf, regs);
	set_cpuid_enabled(false);
	amend(leaf, subleaf, regs);
	gregs[REG_RAX] = regs[CPUID_EAX];
	gregs[REG_RBX] = regs[CPUID_EBX];
	gregs[REG_RCX] = regs[CPUID_ECX];
	gregs[REG_RDX] = regs[CPUID_EDX];
	gregs[REG_RIP] += size;
	return true;
}

int engine_cpuid_intercept(engine_cpuid_fn *amend)
{
	int err = errno;
	int ret = fault_handlers_install();

	if (ret)
		return ret;
	atomic_store(&amend_answer, amend);
	if (!set_cpuid_enabled(false))
		ret = -errno;
	errno = err;
	return ret;
}

void engine_cpuid_release(void)
{
	int err = errno;

	set_cpuid_enabled(true);
	errno = err;
}
