// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/host_string.h"

#include "lib/bits.h"
#include "mmu/guest_access.h"

#define MOVS(suffix)                                         \
	asm volatile("1: rep movs" suffix "\n\t"             \
		     "2:\n\t" GUEST_ACCESS_ENTRY("1b", "2b") \
		     : "+D"(to), "+S"(from), "+c"(count)     \
		     :                                       \
		     : "memory")

size_t host_movs(uint8_t *to, const uint8_t *from, size_t count, unsigned int size)
{
	lock_assert_none_held();
	switch (size) {
	case 1:
		MOVS("b");
		break;
	case 2:
		MOVS("w");
		break;
	case 4:
		MOVS("l");
		break;
	default:
		MOVS("q");
		break;
	}
	return count;
}

/* Not by STD: a signal handler of the VMM would run with DF = 1. */
#define MOVS_DOWN(width, bytes)                                                                   \
	asm volatile(                                                                             \
		"1: mov (%[from]), %" width "[element]\n\t"                                       \
		"2: mov %" width "[element], (%[to])\n\t"                                         \
		"sub $" bytes ", %[from]\n\t"                                                     \
		"sub $" bytes ", %[to]\n\t"                                                       \
		"dec %[count]\n\t"                                                                \
		"jnz 1b\n\t"                                                                      \
		"3:\n\t" GUEST_ACCESS_ENTRY("1b", "3b") GUEST_ACCESS_ENTRY("2b", "3b")            \
		: [to] "+r"(to), [from] "+r"(from), [count] "+r"(count), [element] "=&q"(element) \
		:                                                                                 \
		: "memory", "cc")

size_t host_movs_down(uint8_t *to, const uint8_t *from, size_t count, unsigned int size)
{
	uint64_t element;

	lock_assert_none_held();
	switch (size) {
	case 1:
		MOVS_DOWN("b", "1");
		break;
	case 2:
		MOVS_DOWN("w", "2");
		break;
	case 4:
		MOVS_DOWN("k", "4");
		break;
	default:
		MOVS_DOWN("q", "8");
		break;
	}
	return count;
}

#define STOS(suffix)                                         \
	asm volatile("1: rep stos" suffix "\n\t"             \
		     "2:\n\t" GUEST_ACCESS_ENTRY("1b", "2b") \
		     : "+D"(to), "+c"(count)                 \
		     : "a"(value)                            \
		     : "memory")

size_t host_stos(uint8_t *to, uint64_t value, size_t count, unsigned int size)
{
	lock_assert_none_held();
	switch (size) {
	case 1:
		STOS("b");
		break;
	case 2:
		STOS("w");
		break;
	case 4:
		STOS("l");
		break;
	default:
		STOS("q");
		break;
	}
	return count;
}

/* AH as LAHF leaves it, and OF, are RFLAGS without a push below our stack pointer. */
#define TAKE_FLAGS             \
	"seto %[overflow]\n\t" \
	"lahf\n\t"

static uint64_t taken_flags(uint64_t rax, uint8_t overflow)
{
	uint64_t flags = (rax >> 8 & 0xff) | (overflow ? X86_EFLAGS_OF : 0);

	return flags & HOST_ARITHMETIC_FLAGS;
}

#define CMPS(repeat, suffix)                                                                     \
	asm volatile("1: " repeat " cmps" suffix "\n\t" TAKE_FLAGS "2:\n\t" GUEST_ACCESS_LANDING \
		     : "+S"(first), "+D"(second), "+c"(res.left),                                \
		       "+a"(rax), [overflow] "+q"(overflow), [error] "+r"(res.error)             \
		     : [efault] "i"(-EFAULT)                                                     \
		     : "memory", "cc")

#define CMPS_WHILE(suffix)                     \
	do {                                   \
		if (while_unequal)             \
			CMPS("repne", suffix); \
		else                           \
			CMPS("repe", suffix);  \
	} while (0)

struct host_compared host_cmps(const uint8_t *first, const uint8_t *second, size_t count,
			       unsigned int size, bool while_unequal)
{
	struct host_compared res = {.left = count};
	uint64_t rax = 0;
	uint8_t overflow = 0;

	lock_assert_none_held();
	switch (size) {
	case 1:
		CMPS_WHILE("b");
		break;
	case 2:
		CMPS_WHILE("w");
		break;
	case 4:
		CMPS_WHILE("l");
		break;
	default:
		CMPS_WHILE("q");
		break;
	}
	res.flags = taken_flags(rax, overflow);
	return res;
}

#define SCAS(repeat, suffix)                                                                     \
	asm volatile("1: " repeat " scas" suffix "\n\t" TAKE_FLAGS "2:\n\t" GUEST_ACCESS_LANDING \
		     : "+D"(at), "+c"(res.left),                                                 \
		       "+a"(rax), [overflow] "+q"(overflow), [error] "+r"(res.error)             \
		     : [efault] "i"(-EFAULT)                                                     \
		     : "memory", "cc")

#define SCAS_WHILE(suffix)                     \
	do {                                   \
		if (while_unequal)             \
			SCAS("repne", suffix); \
		else                           \
			SCAS("repe", suffix);  \
	} while (0)

struct host_compared host_scas(const uint8_t *at, uint64_t value, size_t count, unsigned int size,
			       bool while_unequal)
{
	struct host_compared res = {.left = count};
	uint64_t rax = value;
	uint8_t overflow = 0;

	lock_assert_none_held();
	switch (size) {
	case 1:
		SCAS_WHILE("b");
		break;
	case 2:
		SCAS_WHILE("w");
		break;
	case 4:
		SCAS_WHILE("l");
		break;
	default:
		SCAS_WHILE("q");
		break;
	}
	res.flags = taken_flags(rax, overflow);
	return res;
}
