// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' "KVM CPUID bits" and "KVM-specific MSRs", and api.rst KVM_CAP_ENFORCE_PV_FEATURE_CPUID. */
#include "fixture.h"

#include <asm/kvm_para.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct {
	uint32_t index;
	unsigned int feature;
} msrs[] = {
	{MSR_KVM_WALL_CLOCK, KVM_FEATURE_CLOCKSOURCE},
	{MSR_KVM_SYSTEM_TIME, KVM_FEATURE_CLOCKSOURCE},
	{MSR_KVM_WALL_CLOCK_NEW, KVM_FEATURE_CLOCKSOURCE2},
	{MSR_KVM_SYSTEM_TIME_NEW, KVM_FEATURE_CLOCKSOURCE2},
	{MSR_KVM_STEAL_TIME, KVM_FEATURE_STEAL_TIME},
	{MSR_KVM_PV_EOI_EN, KVM_FEATURE_PV_EOI},
	{MSR_KVM_POLL_CONTROL, KVM_FEATURE_POLL_CONTROL},
};

static void set_features(struct fixture *f, uint32_t leaf, uint32_t features)
{
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry2 entry[2];
	} table = {.head.nent = 2,
		   .entry = {{.function = leaf, .eax = leaf + 1}, {leaf + 1, .eax = features}}};

	memcpy(&table.entry[0].ebx, "KVMKVMKVM\0\0\0", 12);
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &table));
}

static long enforce(struct fixture *f, uint64_t on)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .args = {on}};

	return ioc(f->vcpu, KVM_ENABLE_CAP, &cap);
}

static enum cpu_result read_write(struct fixture *f, uint32_t index)
{
	uint64_t value;

	if (fake_rdmsr(f->v, index, &value) != CPU_OK)
		return CPU_FAULT;
	return fake_wrmsr(f->v, index, value);
}

static void features_follow_what_the_host_can_tell(void **state)
{
	struct fixture *f = *state;
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry2 entry[CPUID_MAX_ENTRIES];
	} table = {.head.nent = CPUID_MAX_ENTRIES};
	bool has_schedstat = access("/proc/self/schedstat", R_OK) == 0;

	assert_ok(ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table));
	for (unsigned int i = 0; i < table.head.nent; i++) {
		if (table.entry[i].function != KVM_CPUID_FEATURES)
			continue;
		/* All but asynchronous page faults, and what belongs to confidential guests. */
		assert_int_equal(table.entry[i].eax & ~BIT32(KVM_FEATURE_STEAL_TIME), 0x1003acb);
		assert_int_equal(!!(table.entry[i].eax & BIT32(KVM_FEATURE_STEAL_TIME)),
				 has_schedstat);
		assert_int_equal(table.entry[i].edx, 0);
		return;
	}
	fail();
}

static void msrs_without_enforcement_need_no_cpuid(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		assert_int_equal(read_write(f, msrs[i].index), CPU_OK);
}

static void msrs_with_enforcement_follow_cpuid(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_ok(enforce(f, 1));
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++)
		assert_int_equal(read_write(f, msrs[i].index), CPU_FAULT);
	for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
		set_features(f, 0x40000000, BIT32(msrs[i].feature));
		for (unsigned int n = 0; n < ARRAY_SIZE(msrs); n++)
			assert_int_equal(read_write(f, msrs[n].index),
					 msrs[n].feature == msrs[i].feature ? CPU_OK : CPU_FAULT);
		assert_int_equal(fake_wrmsr(f->v, msrs[i].index, 0), CPU_OK);
	}
	/* For the VMM, too. */
	set_features(f, 0x40000000, 0);
	assert_int_equal(msr_get(f, MSR_KVM_PV_EOI_EN, &value), 0);
	assert_int_equal(msr_set(f, MSR_KVM_PV_EOI_EN, 0), 0);
	assert_ok(enforce(f, 0));
	assert_int_equal(msr_set(f, MSR_KVM_PV_EOI_EN, 0), 1);
}

/* A VMM with other hypervisors' leaves at 40000000H has KVM's at 40000100H. */
static void enforcement_finds_leaves_behind_others(void **state)
{
	struct fixture *f = *state;

	assert_ok(enforce(f, 1));
	set_features(f, 0x40000100, BIT32(KVM_FEATURE_PV_EOI));
	assert_int_equal(read_write(f, MSR_KVM_PV_EOI_EN), CPU_OK);
	set_features(f, 0x40000180, BIT32(KVM_FEATURE_PV_EOI));
	assert_int_equal(read_write(f, MSR_KVM_PV_EOI_EN), CPU_FAULT);
	set_features(f, 0x40010000, BIT32(KVM_FEATURE_PV_EOI));
	assert_int_equal(read_write(f, MSR_KVM_PV_EOI_EN), CPU_FAULT);
}

static void enable_cap_of_vcpu_refuses_others(void **state)
{
	struct fixture *f = *state;
	struct kvm_enable_cap flags = {.cap = KVM_CAP_ENFORCE_PV_FEATURE_CPUID, .flags = 1};
	struct kvm_enable_cap other = {.cap = KVM_CAP_EXCEPTION_PAYLOAD};

	assert_err(ioc(f->vcpu, KVM_ENABLE_CAP, &flags), EINVAL);
	assert_err(ioc(f->vcpu, KVM_ENABLE_CAP, &other), EINVAL);
	assert_err(ioc(f->vcpu, KVM_ENABLE_CAP, BAD_POINTER), EFAULT);
}

static void poll_control_is_one_bit(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_int_equal(fake_rdmsr(f->v, MSR_KVM_POLL_CONTROL, &value), CPU_OK);
	assert_int_equal(value, 1);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_POLL_CONTROL, 2), CPU_FAULT);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_POLL_CONTROL, 0), CPU_OK);
	assert_int_equal(msr_get(f, MSR_KVM_POLL_CONTROL, &value), 1);
	assert_int_equal(value, 0);
}

/* Linux' kvm_vcpu_reset(): INIT takes the guest's areas away. */
static void init_clears_the_msrs(void **state)
{
	static const uint32_t areas[] = {MSR_KVM_SYSTEM_TIME_NEW, MSR_KVM_STEAL_TIME,
					 MSR_KVM_PV_EOI_EN};
	struct fixture *f = *state;
	struct kvm_msi init = {.address_lo = 0xfeeff000, .data = 0x4500};
	struct kvm_mp_state mp;
	uint64_t value;

	ram_add(f, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++)
		assert_int_equal(fake_wrmsr(f->v, areas[i], 0x1000u * (i + 1) | 1), CPU_OK);
	assert_true(ioc(f->vm, KVM_SIGNAL_MSI, &init) >= 0);
	assert_ok(ioc(f->vcpu, KVM_GET_MP_STATE, &mp));
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
		assert_int_equal(msr_get(f, areas[i], &value), 1);
		assert_int_equal(value, 0);
	}
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest pv_tests[] = {
	CASE(features_follow_what_the_host_can_tell, setup),
	CASE(msrs_without_enforcement_need_no_cpuid, setup),
	CASE(msrs_with_enforcement_follow_cpuid, setup),
	CASE(enforcement_finds_leaves_behind_others, setup),
	CASE(enable_cap_of_vcpu_refuses_others, setup),
	CASE(poll_control_is_one_bit, setup),
	CASE(init_clears_the_msrs, setup_full),
};
const size_t pv_test_count = ARRAY_SIZE(pv_tests);
