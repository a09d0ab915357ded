// SPDX-License-Identifier: GPL-2.0-or-later
/* The ioctls of /dev/kvm: api.rst "System ioctls". */
#include "fixture.h"

#include <string.h>

static void get_api_version_is_12(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ioc(f->system, KVM_GET_API_VERSION, NULL), 12);
	assert_err(ioc(f->system, KVM_GET_API_VERSION, (void *)1), EINVAL);
}

/* All that QEMU 7.2 refuses to start without, on both descriptors. */
static void check_extension_needed_by_qemu_is_there(void **state)
{
	static const int needed[] = {
		KVM_CAP_USER_MEMORY,
		KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
		KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
		KVM_CAP_SET_TSS_ADDR,
		KVM_CAP_EXT_CPUID,
		KVM_CAP_MP_STATE,
		KVM_CAP_IRQ_ROUTING,
		KVM_CAP_SYNC_MMU,
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(needed); i++) {
		assert_true(kvm_ioctl(f->system, KVM_CHECK_EXTENSION, needed[i]) > 0);
		assert_true(kvm_ioctl(f->vm, KVM_CHECK_EXTENSION, needed[i]) > 0);
	}
}

static void check_extension_not_implemented_is_0(void **state)
{
	static const int absent[] = {KVM_CAP_PIT, KVM_CAP_X86_SMM, KVM_CAP_NESTED_STATE,
				     KVM_CAP_SYNC_REGS, 100000};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++)
		assert_int_equal(kvm_ioctl(f->system, KVM_CHECK_EXTENSION, absent[i]), 0);
	assert_int_equal(kvm_ioctl(f->system, KVM_CHECK_EXTENSION, UINT64_MAX), 0);
}

static void vcpu_mmap_size_is_three_pages(void **state)
{
	struct fixture *f = *state;
	size_t size;

	assert_int_equal(ioc(f->system, KVM_GET_VCPU_MMAP_SIZE, NULL), 12288);
	assert_err(ioc(f->system, KVM_GET_VCPU_MMAP_SIZE, (void *)1), EINVAL);
	assert_err(kvm_mmap_fd(f->vm, &size), ENODEV);
}

static void msr_list_too_small_tells_count(void **state)
{
	static const unsigned long requests[] = {KVM_GET_MSR_INDEX_LIST,
						 KVM_GET_MSR_FEATURE_INDEX_LIST};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
		struct {
			struct msr_list_head head;
			uint32_t index[512];
		} list = {.head.nmsrs = 1};
		uint32_t count;

		assert_err(ioc(f->system, requests[i], &list), E2BIG);
		count = list.head.nmsrs;
		assert_in_range(count, 2, 512);
		assert_int_equal(list.index[0], 0);
		assert_ok(ioc(f->system, requests[i], &list));
		assert_int_equal(list.head.nmsrs, count);
		assert_int_not_equal(list.index[count - 1], 0);
	}
}

static void feature_msrs_are_readable(void **state)
{
	struct {
		struct msr_list_head head;
		uint32_t index[512];
	} list = {.head.nmsrs = 512};
	struct {
		struct msrs_head head;
		struct kvm_msr_entry entry[16];
	} msrs = {0};
	struct fixture *f = *state;

	assert_ok(ioc(f->system, KVM_GET_MSR_FEATURE_INDEX_LIST, &list));
	msrs.head.nmsrs = list.head.nmsrs;
	for (unsigned int i = 0; i < list.head.nmsrs; i++)
		msrs.entry[i].index = list.index[i];
	assert_int_equal(ioc(f->system, KVM_GET_MSRS, &msrs), list.head.nmsrs);
	msrs.entry[0].index = 0x10;
	assert_int_equal(ioc(f->system, KVM_GET_MSRS, &msrs), 0);
}

static void mce_cap_supported_has_no_unknown_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t cap = 0;

	assert_ok(ioc(f->system, KVM_X86_GET_MCE_CAP_SUPPORTED, &cap));
	assert_int_equal(cap, 0x1000100);
}

static void unknown_request_is_einval(void **state)
{
	struct fixture *f = *state;

	assert_err(ioc(f->system, KVM_GET_REGS, NULL), EINVAL);
	assert_err(ioc(f->system, 0, NULL), EINVAL);
}

const struct CMUnitTest system_tests[] = {
	cmocka_unit_test_setup_teardown(get_api_version_is_12, setup, teardown),
	cmocka_unit_test_setup_teardown(check_extension_needed_by_qemu_is_there, setup, teardown),
	cmocka_unit_test_setup_teardown(check_extension_not_implemented_is_0, setup, teardown),
	cmocka_unit_test_setup_teardown(vcpu_mmap_size_is_three_pages, setup, teardown),
	cmocka_unit_test_setup_teardown(msr_list_too_small_tells_count, setup, teardown),
	cmocka_unit_test_setup_teardown(feature_msrs_are_readable, setup, teardown),
	cmocka_unit_test_setup_teardown(mce_cap_supported_has_no_unknown_bits, setup, teardown),
	cmocka_unit_test_setup_teardown(unknown_request_is_einval, setup, teardown),
};
const size_t system_test_count = ARRAY_SIZE(system_tests);
