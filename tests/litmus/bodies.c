// SPDX-License-Identifier: GPL-2.0-or-later
#include "bodies.h"

#include "guest.h"

__asm__(".text\n"
	".globl guest_return\n"
	"guest_return:\n"
	"	out %al, $0xf4\n"
	"	ud2\n"
	".globl guest_unexpected\n"
	"guest_unexpected:\n"
	"	out %al, $0xf5\n"
	"	ud2\n");

/* A thread whose partner is not running goes on alone, but that threads start late is usual. */
#define PATIENCE_FIRST 1000000
#define PATIENCE       300

/* Threads begin an instance together, each time a little differently. */
static inline void meet(struct litmus_thread *t, uint64_t i)
{
	uint64_t delay = (t->number & 1 ? i : i / 16) % 16;

	__atomic_fetch_add(t->arrived, 1, __ATOMIC_SEQ_CST);
	for (unsigned int n = 0; n < (i ? PATIENCE : PATIENCE_FIRST); n++)
		if (__atomic_load_n(t->arrived, __ATOMIC_RELAXED) >= t->threads * (i + 1))
			break;
	while (delay--)
		__asm__ volatile("");
}

void litmus_touch(struct litmus_thread *t)
{
	for (uint64_t i = 0; i < t->count; i++)
		((void (*)(void))(t->x + i * t->stride + t->code))();
}

/* @code sees X and Y as (%[x]) and (%[y]), and has two results. RAX to RDX are its own. */
#define BODY(name, code)                                                                  \
	void litmus_##name(struct litmus_thread *t)                                       \
	{                                                                                 \
		uint8_t *x = t->x, *y = t->y;                                             \
                                                                                          \
		for (uint64_t i = 0; i < t->count; i++, x += t->stride, y += t->stride) { \
			uint64_t r0 = 0, r1 = 0;                                          \
                                                                                          \
			meet(t, i);                                                       \
			__asm__ volatile(code                                             \
					 : [r0] "+&r"(r0), [r1] "+&r"(r1)                 \
					 : [x] "r"(x), [y] "r"(y), [one] "r"(LITMUS_ONE), \
					   [two] "r"(LITMUS_TWO)                          \
					 : "rax", "rbx", "rcx", "rdx", "memory", "cc");   \
			t->result[i][0] = r0;                                             \
			t->result[i][1] = r1;                                             \
		}                                                                         \
	}

#define WX   "mov %[one], (%[x])\n"
#define WY   "mov %[one], (%[y])\n"
#define WX2  "mov %[two], (%[x])\n"
#define WY2  "mov %[two], (%[y])\n"
#define R0X  "mov (%[x]), %[r0]\n"
#define R0Y  "mov (%[y]), %[r0]\n"
#define R1X  "mov (%[x]), %[r1]\n"
#define R1Y  "mov (%[y]), %[r1]\n"
#define LOCK "lock addq $0, 128(%[x])\n"

BODY(wx_wy, WX WY)
BODY(ry_rx, R0Y R1X)
BODY(wx_ry, WX R0Y)
BODY(wy_rx, WY R0X)
BODY(wx_f_ry, WX "mfence\n" R0Y)
BODY(wy_f_rx, WY "mfence\n" R0X)
BODY(wx_lock_ry, WX LOCK R0Y)
BODY(wy_lock_rx, WY LOCK R0X)
BODY(xchgx_ry, "mov %[one], %[r1]\nxchg %[r1], (%[x])\n" R0Y)
BODY(xchgy_rx, "mov %[one], %[r1]\nxchg %[r1], (%[y])\n" R0X)
BODY(rx_wy, R0X WY)
BODY(ry_wx, R0Y WX)
BODY(wx, WX)
BODY(wy, WY)
BODY(rx_ry, R0X R1Y)
BODY(wx_wx2, WX WX2)
BODY(rx_rx, R0X R1X)
BODY(wx_wy2, WX WY2)
BODY(wy_wx2, WY WX2)
BODY(wx_rx, WX R0X)
BODY(wx2_rx, WX2 R0X)
BODY(wx_rx_ry, WX R0X R1Y)
BODY(wy2_wx2, WY2 WX2)
BODY(xadd_x, "mov $1, %k[r0]\nlock xadd %[r0], (%[x])\n")
BODY(xchg_x, "mov %[one], %[r0]\nxchg %[r0], (%[x])\n")
BODY(xchg_x2, "mov %[two], %[r0]\nxchg %[r0], (%[x])\n")
BODY(lock_low_x, "lock addl $1, (%[x])\n")
BODY(lock_add_x, "lock addq $1, (%[x])\n")
/* X and what follows it become 2, together, whatever they were. */
BODY(swap16, "mov (%[x]), %%rax\n"
	     "mov 8(%[x]), %%rdx\n"
	     "mov %[two], %%rbx\n"
	     "mov %[two], %%rcx\n"
	     "1: lock cmpxchg16b (%[x])\n"
	     "jne 1b\n")
BODY(read16, "xor %%eax, %%eax\n"
	     "xor %%edx, %%edx\n"
	     "xor %%ebx, %%ebx\n"
	     "xor %%ecx, %%ecx\n"
	     "lock cmpxchg16b (%[x])\n"
	     "mov %%rax, %[r0]\n"
	     "mov %%rdx, %[r1]\n")
/* Operands with one base register, which the translator may look up together. */
BODY(wx_wy_group, WX "mov %[one], 64(%[x])\n")
BODY(ry_rx_group, "mov 64(%[x]), %[r0]\n" R1X)
BODY(wx_ry_group, WX "mov 64(%[x]), %[r0]\n")
BODY(wy_rx_group, "mov %[one], 64(%[x])\n" R0X)
