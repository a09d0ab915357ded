// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_GET_MSRS and KVM_SET_MSRS, and the MSRs that are not the processor's own. */
#include "fixture.h"

#include <string.h>

struct msrs {
	struct msrs_head head;
	struct kvm_msr_entry entry[512];
};

/* QEMU asserts that all of them are accepted. */
static void every_listed_msr_is_read_and_written_back(void **state)
{
	struct {
		struct msr_list_head head;
		uint32_t index[512];
	} list = {.head.nmsrs = 512};
	struct msrs msrs = {0};
	struct fixture *f = *state;

	set_offered_cpuid(f);
	assert_ok(ioc(f->system, KVM_GET_MSR_INDEX_LIST, &list));
	assert_in_range(list.head.nmsrs, 30, 255);
	msrs.head.nmsrs = list.head.nmsrs;
	for (unsigned int i = 0; i < list.head.nmsrs; i++)
		msrs.entry[i].index = list.index[i];
	assert_int_equal(ioc(f->vcpu, KVM_GET_MSRS, &msrs), list.head.nmsrs);
	assert_int_equal(ioc(f->vcpu, KVM_SET_MSRS, &msrs), list.head.nmsrs);
}

/* What QEMU 7.2 writes at reset beside the list. */
static void msrs_that_qemu_resets_are_accepted(void **state)
{
	static const struct kvm_msr_entry entries[] = {
		{.index = 0x1b, .data = 0xfee00900},
		{.index = 0x3a},
		{.index = 0x6e0},
		{.index = 0x8b, .data = UINT64_C(1) << 32},
		{.index = 0x10a, .data = 0x6b},
		{.index = 0x4b564d02},
		{.index = 0x4b564d03},
		{.index = 0x4b564d04},
		{.index = 0x4b564d05, .data = 1},
		{.index = 0x4b564d06},
		{.index = 0x8c, .data = 1},
		{.index = 0x8f, .data = 4},
		{.index = 0x17a},
		{.index = 0x17b, .data = UINT64_MAX},
		{.index = 0x424, .data = UINT64_MAX},
		{.index = 0x427},
	};
	struct fixture *f = *state;
	uint64_t cap = 0x100010a;
	struct msrs msrs = {.head.nmsrs = ARRAY_SIZE(entries)};

	set_offered_cpuid(f);
	assert_ok(ioc(f->vcpu, KVM_X86_SETUP_MCE, &cap));
	memcpy(msrs.entry, entries, sizeof(entries));
	assert_int_equal(ioc(f->vcpu, KVM_SET_MSRS, &msrs), ARRAY_SIZE(entries));
}

static void msrs_stop_at_the_first_that_fails(void **state)
{
	struct fixture *f = *state;
	struct msrs msrs = {
		.head.nmsrs = 3,
		.entry = {{.index = 0x174, .data = 5}, {.index = 0xdead}, {.index = 0x175}}};

	assert_int_equal(ioc(f->vcpu, KVM_SET_MSRS, &msrs), 1);
	assert_int_equal(f->v->cpu.msr.sysenter_cs, 5);
	assert_int_equal(ioc(f->vcpu, KVM_GET_MSRS, &msrs), 1);
}

static void too_many_msrs_e2big(void **state)
{
	struct fixture *f = *state;
	struct msrs msrs = {.head.nmsrs = 256};

	assert_err(ioc(f->vcpu, KVM_SET_MSRS, &msrs), E2BIG);
	assert_err(ioc(f->vcpu, KVM_GET_MSRS, &msrs), E2BIG);
	msrs.head.nmsrs = UINT32_MAX;
	assert_err(ioc(f->system, KVM_GET_MSRS, &msrs), E2BIG);
	msrs.head.nmsrs = 0;
	assert_int_equal(ioc(f->vcpu, KVM_GET_MSRS, &msrs), 0);
}

/* SDM "IA32_FEATURE_CONTROL": the guest locks it, the VMM's reset opens it. */
static void feature_control_locks(void **state)
{
	struct fixture *f = *state;
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry2 entry;
	} sgx = {{.nent = 1}, {.function = 7, .ebx = BIT32(2), .ecx = BIT32(30)}};
	uint64_t value;

	assert_int_equal(msr_set(f, 0x3a, BIT64(18)), 0);
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &sgx));
	assert_int_equal(fake_wrmsr(f->v, 0x3a, 0x60001), CPU_OK);
	assert_int_equal(fake_wrmsr(f->v, 0x3a, 0x40001), CPU_FAULT);
	assert_int_equal(f->v->cpu.fault.vector, GP_VECTOR);
	assert_int_equal(fake_rdmsr(f->v, 0x3a, &value), CPU_OK);
	assert_int_equal(value, 0x60001);
	assert_int_equal(msr_set(f, 0x3a, 0), 1);
	assert_int_equal(fake_wrmsr(f->v, 0x3a, 1), CPU_OK);
}

/* SDM "IA32_SGXLEPUBKEYHASHn": writable while unlocked, or when launch control is enabled. */
static void pubkey_hash_follows_launch_control(void **state)
{
	struct fixture *f = *state;
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry2 entry;
	} sgx = {{.nent = 1}, {.function = 7, .ebx = BIT32(2), .ecx = BIT32(30)}};
	uint64_t value;

	assert_int_equal(fake_rdmsr(f->v, 0x8c, &value), CPU_FAULT);
	assert_int_equal(msr_get(f, 0x8c, &value), 1);
	assert_int_equal(value, 0xa6053e051270b7ac);
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &sgx));
	assert_int_equal(fake_wrmsr(f->v, 0x8f, 7), CPU_OK);
	assert_int_equal(fake_wrmsr(f->v, 0x3a, 0x40001), CPU_OK);
	assert_int_equal(fake_wrmsr(f->v, 0x8f, 8), CPU_FAULT);
	assert_int_equal(msr_set(f, 0x3a, 0x60001), 1);
	assert_int_equal(fake_wrmsr(f->v, 0x8f, 9), CPU_OK);
	assert_int_equal(msr_get(f, 0x8f, &value), 1);
	assert_int_equal(value, 9);
}

static void apic_base_has_reserved_bits(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	set_offered_cpuid(f);
	assert_int_equal(msr_get(f, 0x1b, &value), 1);
	assert_int_equal(value, 0xfee00900);
	assert_int_equal(msr_set(f, 0x1b, 0xfee00901), 0);
	assert_int_equal(msr_set(f, 0x1b, 0xfee00d00), 0);
	assert_int_equal(msr_set(f, 0x1b, BIT64(60)), 0);
	assert_int_equal(msr_set(f, 0x1b, 0xfec00800), 1);
}

static void kvm_features_not_offered_gp(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_int_equal(fake_rdmsr(f->v, 0x4b564d02, &value), CPU_FAULT);
	assert_int_equal(fake_wrmsr(f->v, 0x4b564d02, 0), CPU_FAULT);
	assert_int_equal(msr_set(f, 0x4b564d02, 1), 0);
	assert_int_equal(fake_rdmsr(f->v, 0x802, &value), CPU_FAULT);
}

static void user_mode_gp(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	f->v->cpu.state.cpl = 3;
	assert_int_equal(fake_rdmsr(f->v, 0x174, &value), CPU_FAULT);
	assert_int_equal(fake_wrmsr(f->v, 0x174, 0), CPU_FAULT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest msr_tests[] = {
	CASE(every_listed_msr_is_read_and_written_back),
	CASE(msrs_that_qemu_resets_are_accepted),
	CASE(msrs_stop_at_the_first_that_fails),
	CASE(too_many_msrs_e2big),
	CASE(feature_control_locks),
	CASE(pubkey_hash_follows_launch_control),
	CASE(apic_base_has_reserved_bits),
	CASE(kvm_features_not_offered_gp),
	CASE(user_mode_gp),
};
const size_t msr_test_count = ARRAY_SIZE(msr_tests);
