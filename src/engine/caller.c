// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "engine/caller.h"

#include <asm/hwcap2.h>
#include <asm/prctl.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

/* FSGSBASE spares two system calls where the host kernel lets user code use it. */
static uint64_t set_gs(uint64_t base)
{
	uint64_t before;

	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) {
		__asm__ volatile("rdgsbase %0\n\twrgsbase %1" : "=&r"(before) : "r"(base));
		return before;
	}
	syscall(SYS_arch_prctl, ARCH_GET_GS, &before);
	syscall(SYS_arch_prctl, ARCH_SET_GS, base);
	return before;
}

void caller_save(struct caller_state *caller, const struct engine_vcpu *v)
{
	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(caller->fcw), "=m"(caller->mxcsr));
	caller->gs = set_gs((uint64_t)(uintptr_t)v);
}

void caller_restore(const struct caller_state *caller)
{
	__asm__ volatile("fldcw %0\n\tldmxcsr %1" : : "m"(caller->fcw), "m"(caller->mxcsr));
	set_gs(caller->gs);
}
