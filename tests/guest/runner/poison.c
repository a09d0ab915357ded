// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator, which may change any vector register, as the ABI has it: code that calls it
 * while the guest's extended state is in the host's registers spoils it. The linker puts these
 * in (--wrap); sanitizers' builds save the state at once.
 */
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void __wrap_free(void *p);

#define POISON(n) "vpcmpeqd %%xmm" #n ", %%xmm" #n ", %%xmm" #n "\n\t"

static void poison(void)
{
	__asm__ volatile(POISON(0) POISON(1) POISON(2) POISON(3) POISON(4) POISON(5) POISON(6)
				 POISON(7) POISON(8) POISON(9) POISON(10) POISON(11) POISON(12)
					 POISON(13) POISON(14) POISON(15)
			 :
			 :
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void *__wrap_malloc(size_t size)
{
	void *p = __real_malloc(size);

	poison();
	return p;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *p = __real_calloc(count, size);

	poison();
	return p;
}

void __wrap_free(void *p)
{
	__real_free(p);
	poison();
}
