// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every access to guest memory survives that the VMM's mapping is gone (SIGSEGV)
 * or cut short (SIGBUS): it returns -EFAULT, through the real handler.
 */
#define _GNU_SOURCE
#include "tests.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static void assert_all_fault(void *bad)
{
	unsigned int before = guest_faults_fixed;
	uint8_t buffer[100] = {0}, value8 = 0x5a;
	uint64_t value64 = 0;
	uint32_t value32 = 0;

	guest_fault_handler_install();
	assert_int_equal(guest_load64(bad, &value64), -EFAULT);
	assert_int_equal(guest_load32(bad, &value32), -EFAULT);
	assert_int_equal(guest_store64(bad, 1), -EFAULT);
	assert_int_equal(guest_store32(bad, 1), -EFAULT);
	assert_int_equal(guest_cmpxchg64(bad, 0, 1), -EFAULT);
	assert_int_equal(guest_cmpxchg32(bad, 0, 1), -EFAULT);
	assert_int_equal(guest_swap8(bad, &value8), -EFAULT);
	assert_int_equal(value8, 0x5a);
	assert_int_equal(guest_copy_from(buffer, bad, sizeof(buffer)), -EFAULT);
	assert_int_equal(guest_copy_to(bad, buffer, sizeof(buffer)), -EFAULT);
	assert_int_equal(guest_copy_from(buffer, bad, 8), -EFAULT);
	assert_int_equal(guest_copy_to(bad, buffer, 4), -EFAULT);
	assert_int_equal(guest_faults_fixed - before, 11);
}

static void access_unmapped_efault(void **state)
{
	uint8_t *p = host_map(GUEST_PAGE_SIZE);

	host_unmap(p, GUEST_PAGE_SIZE);
	assert_all_fault(p);
}

static void access_truncated_file_efault(void **state)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	uint8_t *p;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2 * GUEST_PAGE_SIZE), 0);
	p = mmap(NULL, 2 * GUEST_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(guest_store64(p + GUEST_PAGE_SIZE, 1), 0);
	assert_int_equal(ftruncate(fd, GUEST_PAGE_SIZE), 0);
	assert_all_fault(p + GUEST_PAGE_SIZE);
	assert_int_equal(guest_store64(p, 1), 0);
	host_unmap(p, 2 * GUEST_PAGE_SIZE);
	close(fd);
}

static void write_readonly_mapping_efault(void **state)
{
	uint8_t *p = host_map(GUEST_PAGE_SIZE);
	uint64_t value;

	guest_fault_handler_install();
	assert_int_equal(mprotect(p, GUEST_PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(guest_load64(p, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(guest_store64(p, 1), -EFAULT);
	assert_int_equal(guest_cmpxchg64(p, 0, 1), -EFAULT);
	assert_int_equal(guest_copy_to(p, "abc", 3), -EFAULT);
	host_unmap(p, GUEST_PAGE_SIZE);
}

/* A copy that runs into a hole has moved what lies before it and nothing else. */
static void copy_into_hole_stops_at_hole(void **state)
{
	uint8_t *p = host_map(2 * GUEST_PAGE_SIZE);
	uint8_t buffer[64];

	guest_fault_handler_install();
	memset(p, 0x5a, GUEST_PAGE_SIZE);
	assert_int_equal(mprotect(p + GUEST_PAGE_SIZE, GUEST_PAGE_SIZE, PROT_NONE), 0);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(guest_copy_from(buffer, p + GUEST_PAGE_SIZE - 40, 64), -EFAULT);
	assert_int_equal(buffer[39], 0x5a);
	assert_int_equal(buffer[40], 0);
	host_unmap(p, 2 * GUEST_PAGE_SIZE);
}

static void access_good_memory_moves_data(void **state)
{
	uint8_t *p = host_map(GUEST_PAGE_SIZE);
	uint8_t from[37], to[37], value8 = 0x5a;
	uint64_t value64;
	uint32_t value32;

	assert_int_equal(guest_store64(p + 8, UINT64_C(0x1122334455667788)), 0);
	assert_int_equal(guest_load64(p + 8, &value64), 0);
	assert_int_equal(value64, UINT64_C(0x1122334455667788));
	assert_int_equal(guest_load32(p + 12, &value32), 0);
	assert_int_equal(value32, 0x11223344);
	assert_int_equal(guest_store32(p + 16, 7), 0);
	assert_int_equal(guest_cmpxchg32(p + 16, 7, 8), 0);
	assert_int_equal(guest_cmpxchg32(p + 16, 7, 9), -EAGAIN);
	assert_int_equal(guest_cmpxchg64(p + 16, 8, 10), 0);
	assert_int_equal(guest_cmpxchg64(p + 16, 8, 11), -EAGAIN);
	assert_int_equal(p[16], 10);
	assert_int_equal(guest_swap8(p + 16, &value8), 0);
	assert_int_equal(value8, 10);
	assert_int_equal(p[16], 0x5a);
	assert_int_equal(p[15] | p[17], 0x11);
	for (unsigned int len = 0; len <= sizeof(from); len++) {
		memset(from, (int)len + 1, sizeof(from));
		memset(to, 0, sizeof(to));
		assert_int_equal(guest_copy_to(p + 128, from, len), 0);
		assert_int_equal(guest_copy_from(to, p + 128, len), 0);
		assert_memory_equal(from, to, len);
		assert_true(is_zero(to + len, sizeof(to) - len));
	}
	host_unmap(p, GUEST_PAGE_SIZE);
}

/* A fault elsewhere is not ours, and its context stays as it is. */
static void fixup_foreign_address_refused(void **state)
{
	ucontext_t context, before;

	memset(&context, 0, sizeof(context));
	context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)memcpy;
	before = context;
	assert_false(guest_access_fixup(&context));
	assert_memory_equal(&context, &before, sizeof(context));
}

const struct CMUnitTest guest_access_tests[] = {
	cmocka_unit_test(access_unmapped_efault),
	cmocka_unit_test(access_truncated_file_efault),
	cmocka_unit_test(write_readonly_mapping_efault),
	cmocka_unit_test(copy_into_hole_stops_at_hole),
	cmocka_unit_test(access_good_memory_moves_data),
	cmocka_unit_test(fixup_foreign_address_refused),
};
const size_t guest_access_test_count = ARRAY_SIZE(guest_access_tests);
