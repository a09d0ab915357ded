// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* REG_RIP */
#include "mmu/guest_access.h"

#include "lib/bits.h"

#include <string.h>
#include <ucontext.h>

/* The linker's names for the bounds of the section guest_access_table. */
extern const struct guest_access_entry __start_guest_access_table[]
	__attribute__((visibility("hidden")));
extern const struct guest_access_entry __stop_guest_access_table[]
	__attribute__((visibility("hidden")));

static uintptr_t absolute(const int32_t *relative)
{
	return (uintptr_t)relative + (uintptr_t)(intptr_t)*relative;
}

bool guest_access_fixup(void *ucontext)
{
	greg_t *rip = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];

	for (const struct guest_access_entry *e = __start_guest_access_table;
	     e < __stop_guest_access_table; e++) {
		if (absolute(&e->fault) != (uintptr_t)*rip)
			continue;
		*rip = (greg_t)absolute(&e->landing);
		return true;
	}
	return false;
}

/* Return: the number of bytes that could not be copied. */
static size_t copy_bytes(void *dst, const void *src, size_t len)
{
	lock_assert_none_held();
	asm volatile("1: rep movsb\n\t"
		     "2:\n\t" GUEST_ACCESS_ENTRY("1b", "2b")
		     : "+D"(dst), "+S"(src), "+c"(len)
		     :
		     : "memory");
	return len;
}

/* Gates, descriptors and stack frames: starting `rep movsb` costs more than these few accesses. */
static bool is_few_quads(const void *hva, size_t len)
{
	return len <= 8 * sizeof(uint64_t) && len % sizeof(uint64_t) == 0 &&
	       is_aligned((uintptr_t)hva, sizeof(uint64_t));
}

static int copy_quads_from(uint8_t *dst, const uint8_t *hva, size_t len)
{
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t value;
		int err = guest_load64(hva + at, &value);

		if (err)
			return err;
		memcpy(dst + at, &value, sizeof(value));
	}
	return 0;
}

static int copy_quads_to(uint8_t *hva, const uint8_t *src, size_t len)
{
	for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
		uint64_t value;
		int err;

		memcpy(&value, src + at, sizeof(value));
		err = guest_store64(hva + at, value);
		if (err)
			return err;
	}
	return 0;
}

int guest_copy_from(void *dst, const void *hva, size_t len)
{
	uint32_t value32;
	int err;

	if (is_few_quads(hva, len))
		return copy_quads_from(dst, hva, len);
	if (len == sizeof(value32) && is_aligned((uintptr_t)hva, sizeof(value32))) {
		err = guest_load32(hva, &value32);
		if (!err)
			memcpy(dst, &value32, sizeof(value32));
		return err;
	}
	return copy_bytes(dst, hva, len) ? -EFAULT : 0;
}

int guest_copy_to(void *hva, const void *src, size_t len)
{
	uint32_t value32;

	if (is_few_quads(hva, len))
		return copy_quads_to(hva, src, len);
	if (len == sizeof(value32) && is_aligned((uintptr_t)hva, sizeof(value32))) {
		memcpy(&value32, src, sizeof(value32));
		return guest_store32(hva, value32);
	}
	return copy_bytes(hva, src, len) ? -EFAULT : 0;
}
