/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every access of C code to guest memory. The memory is the VMM's mapping: it
 * may be unmapped, cut short or poisoned under us, and it may sleep in the
 * VMM's userfaultfd. So no lock is held here, and each instruction that touches
 * it has an entry in a table of the program: where it may fault, and where it
 * goes on then with -EFAULT. guest_access_fixup() applies the table; nothing
 * here has state.
 *
 * The instructions are in assembly so that the table names exactly them, and
 * because what they touch is shared with the guest: the compiler may neither
 * tear nor repeat them.
 */
#ifndef EXCLAVE_MMU_GUEST_ACCESS_H
#define EXCLAVE_MMU_GUEST_ACCESS_H

#include "lib/lock.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One entry; both are relative to their own address, so that the table needs no relocation. */
struct guest_access_entry {
	int32_t fault;
	int32_t landing;
};

#define GUEST_ACCESS_ENTRY(fault, landing)                      \
	".pushsection guest_access_table, \"a\", @progbits\n\t" \
	".balign 4\n\t"                                         \
	".long " fault " - .\n\t"                               \
	".long " landing " - .\n\t"                             \
	".popsection\n\t"

/* After the access at label 1 and the label 2 that follows it: error := -EFAULT, on at 2. */
#define GUEST_ACCESS_LANDING                                     \
	".pushsection .text.guest_access, \"ax\", @progbits\n\t" \
	"3: movl %[efault], %[error]\n\t"                        \
	"jmp 2b\n\t"                                             \
	".popsection\n\t" GUEST_ACCESS_ENTRY("1b", "3b")

/*
 * Called by the process's handler of SIGSEGV and SIGBUS, with the handler's
 * third argument: if the signal interrupted an access of this file, the thread
 * will go on at its landing. Only for signals that a fault has raised
 * (si_code > 0). Async-signal-safe.
 * Return: false when the fault is somebody else's.
 */
bool guest_access_fixup(void *ucontext);

/*
 * guest_load32(), guest_load64(): one load of @hva, which is naturally aligned.
 * Return: 0, or -EFAULT with @value undefined.
 */
#define GUEST_LOAD(bits, mov)                                                      \
	static inline int guest_load##bits(const void *hva, uint##bits##_t *value) \
	{                                                                          \
		uint##bits##_t loaded = 0;                                         \
		int error = 0;                                                     \
                                                                                   \
		lock_assert_none_held();                                           \
		asm volatile("1: " mov " (%[hva]), %[loaded]\n\t"                  \
			     "2:\n\t" GUEST_ACCESS_LANDING                         \
			     : [error] "+r"(error), [loaded] "+r"(loaded)          \
			     : [hva] "r"(hva), [efault] "i"(-EFAULT)               \
			     : "memory");                                          \
		*value = loaded;                                                   \
		return error;                                                      \
	}

/* guest_store32(), guest_store64(): one store; Return: 0 or -EFAULT. */
#define GUEST_STORE(bits, mov)                                                           \
	static inline int guest_store##bits(void *hva, uint##bits##_t value)             \
	{                                                                                \
		int error = 0;                                                           \
                                                                                         \
		lock_assert_none_held();                                                 \
		asm volatile("1: " mov " %[value], (%[hva])\n\t"                         \
			     "2:\n\t" GUEST_ACCESS_LANDING                               \
			     : [error] "+r"(error)                                       \
			     : [hva] "r"(hva), [value] "r"(value), [efault] "i"(-EFAULT) \
			     : "memory");                                                \
		return error;                                                            \
	}

/*
 * guest_cmpxchg32(), guest_cmpxchg64(): an atomic compare-exchange.
 * Return: 0 when @desired was stored, -EAGAIN when @hva did not hold @expected,
 * -EFAULT.
 */
#define GUEST_CMPXCHG(bits, cmpxchg)                                                         \
	static inline int guest_cmpxchg##bits(void *hva, uint##bits##_t expected,            \
					      uint##bits##_t desired)                        \
	{                                                                                    \
		bool stored;                                                                 \
		int error = 0;                                                               \
                                                                                             \
		lock_assert_none_held();                                                     \
		asm volatile("1: lock " cmpxchg " %[desired], (%[hva])\n\t"                  \
			     "2:\n\t" GUEST_ACCESS_LANDING                                   \
			     : "=@ccz"(stored), [error] "+r"(error), "+a"(expected)          \
			     : [hva] "r"(hva), [desired] "r"(desired), [efault] "i"(-EFAULT) \
			     : "memory");                                                    \
		if (error)                                                                   \
			return error;                                                        \
		return stored ? 0 : -EAGAIN;                                                 \
	}

GUEST_LOAD(32, "movl")
GUEST_LOAD(64, "movq")
GUEST_STORE(32, "movl")
GUEST_STORE(64, "movq")
GUEST_CMPXCHG(32, "cmpxchgl")
GUEST_CMPXCHG(64, "cmpxchgq")

/*
 * Exchanges the byte at @hva and *@value, atomically.
 * Return: 0, or -EFAULT with neither changed.
 */
static inline int guest_swap8(void *hva, uint8_t *value)
{
	int error = 0;

	lock_assert_none_held();
	asm volatile("1: xchgb %[value], (%[hva])\n\t"
		     "2:\n\t" GUEST_ACCESS_LANDING
		     : [error] "+r"(error), [value] "+q"(*value)
		     : [hva] "r"(hva), [efault] "i"(-EFAULT)
		     : "memory");
	return error;
}

#undef GUEST_LOAD
#undef GUEST_STORE
#undef GUEST_CMPXCHG

/*
 * Copies from and to guest memory. Aligned 4 and 8 bytes are one access, as the
 * processor's own for descriptors and stack slots; up to 64 bytes of aligned quadwords
 * one for each, and anything else is bytes in ascending order.
 * Return: 0, or -EFAULT when the copy stopped part of the way.
 */
int guest_copy_from(void *dst, const void *hva, size_t len);
int guest_copy_to(void *hva, const void *src, size_t len);

#endif
