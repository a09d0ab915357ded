// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which ENCLS leaves KVM sees and what it answers to those that are not there: patches "ENCLS
 * handler frame", "LE hash MSR emulation", "capability for privileged attribute".
 */
#include "sgx_fixture.h"

#include "kvm/sgx_features.h"

#include <string.h>

#define SGX1_LEAVES UINT64_C(0x1fff)
#define SGX2_LEAVES UINT64_C(0xe000)

static uint64_t bitmap(const struct fixture *f)
{
	assert_true(f->v->sgx->encls_exiting);
	return f->v->sgx->encls_exiting_bitmap;
}

/* SET_CPUID2 with a subset of SGX, SGX1 and SGX2. */
static void set_features(struct fixture *f, bool sgx, bool sgx1, bool sgx2)
{
	struct cpuid_of_vmm cpuid;

	offered_cpuid(f, &cpuid);
	cpuid_entry(&cpuid, 7, 0)->ebx &= ~((uint32_t)!sgx << 2);
	cpuid_entry(&cpuid, 0x12, 0)->eax = sgx1 | sgx2 << 1;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
}

/* Every combination, with firmware that has locked and enabled, or not. */
static void bitmap_follows_cpuid_and_firmware(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 32; i++) {
		bool sgx = i & 1, sgx1 = i & 2, sgx2 = i & 4, lock = i & 8, enable = i & 16;
		uint64_t wanted = UINT64_MAX;

		if (sgx && lock && enable && sgx1)
			wanted &= ~SGX1_LEAVES | BIT64(ECREATE) | BIT64(EINIT);
		if (sgx && lock && enable && sgx2)
			wanted &= ~SGX2_LEAVES;
		vcpu_of_object(f->vcpu)->feature_control =
			(lock ? FC_LOCK : 0) | (enable ? FC_SGX : 0);
		set_features(f, sgx, sgx1, sgx2);
		assert_int_equal(bitmap(f), wanted);
	}
}

static void bitmap_follows_feature_control(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(msr_set(f, FEATURE_CONTROL, 0), 1);
	assert_int_equal(bitmap(f), UINT64_MAX);
	assert_int_equal(fake_wrmsr(f->v, FEATURE_CONTROL, FC_LOCK | FC_SGX), CPU_OK);
	assert_int_equal(bitmap(f), ~(SGX1_LEAVES | SGX2_LEAVES) | BIT64(ECREATE) | BIT64(EINIT));
	assert_int_equal(f->v->sgx->feature_control, FC_LOCK | FC_SGX);
}

/* With the key, a guest that has the host's limits may run ECREATE by itself. */
static void ecreate_is_seen_only_when_it_must(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;

	offered_cpuid(f, &cpuid);
	assert_ok(enable_provisioning(f, PROVISION_FD));
	/* Linux: the bitmap does not change by the capability itself. */
	assert_true(bitmap(f) & BIT64(ECREATE));
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_false(bitmap(f) & BIT64(ECREATE));
	assert_true(bitmap(f) & BIT64(EINIT));
	for (unsigned int i = 0; i < 6; i++) {
		struct cpuid_of_vmm less = cpuid;
		struct kvm_cpuid_entry2 *e0 = cpuid_entry(&less, 0x12, 0);
		struct kvm_cpuid_entry2 *e1 = cpuid_entry(&less, 0x12, 1);
		uint32_t *limits[] = {&e0->ebx, &e0->edx, &e1->eax, &e1->ebx};

		if (i < 4)
			*limits[i] ^= 4;
		else if (i == 4)
			e0->function = 0x13;
		else
			e1->function = 0x13;
		assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &less));
		assert_true(bitmap(f) & BIT64(ECREATE));
	}
}

/* #UD before #GP, and no leaf at all beyond those that there are. */
static void leaf_not_there_ud_then_gp(void **state)
{
	static const uint32_t leaves[] = {0, 1, 2, 12, 13, 15, 16, 20, 62, 63, 64, UINT32_MAX};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 16; i++) {
		bool sgx = i & 1, sgx1 = i & 2, sgx2 = i & 4, enabled = i & 8;

		vcpu_of_object(f->vcpu)->feature_control = enabled ? FC_LOCK | FC_SGX : FC_SGX;
		set_features(f, sgx, sgx1, sgx2);
		for (unsigned int j = 0; j < ARRAY_SIZE(leaves); j++) {
			uint32_t leaf = leaves[j];
			bool there =
				sgx && ((leaf <= 12 && sgx1) || (leaf > 12 && leaf <= 15 && sgx2));

			f->v->cpu.state.gpr[X86_RAX] = leaf | UINT64_C(7) << 32;
			if (!there)
				expect_ud(f);
			else if (!enabled)
				expect_gp(f);
		}
	}
}

static enum engine_exit_reason encls_step(struct engine_vcpu *v)
{
	assert_int_equal(fake_encls(v), CPU_AGAIN);
	return v->exit.reason;
}

/* Nothing intercepts it; Linux warns and leaves. */
static void leaf_without_handler_exits(void **state)
{
	struct fixture *f = *state;

	f->v->cpu.state.gpr[X86_RAX] = EREMOVE;
	assert_ok(RUN(f, encls_step));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_UNKNOWN);
	assert_int_equal(f->run->hw.hardware_exit_reason, 60);
}

static void capability_takes_the_provision_device_only(void **state)
{
	struct fixture *f = *state;
	struct kvm_vm *vm = vm_of_object(f->vm);

	assert_int_equal(ioc(f->vm, KVM_CHECK_EXTENSION, (void *)KVM_CAP_SGX_ATTRIBUTE), 1);
	assert_err(enable_provisioning(f, FIRST_FD), EINVAL);
	assert_err(enable_provisioning(f, -1), EINVAL);
	assert_false(atomic_load(&vm->sgx_provisioning));
	assert_ok(enable_provisioning(f, PROVISION_FD));
	assert_true(atomic_load(&vm->sgx_provisioning));
}

/* The processor's own comparison goes by the guest's hash. */
static void pubkey_hash_reaches_the_processor(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(fake_wrmsr(f->v, PUBKEY_HASH0 + i, 0x1111 * (i + 1)), CPU_OK);
		assert_int_equal(f->v->sgx->lepubkeyhash[i], 0x1111 * (i + 1));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sgx_setup, sgx_teardown)

const struct CMUnitTest encls_tests[] = {
	CASE(bitmap_follows_cpuid_and_firmware), CASE(bitmap_follows_feature_control),
	CASE(ecreate_is_seen_only_when_it_must), CASE(leaf_not_there_ud_then_gp),
	CASE(leaf_without_handler_exits),        CASE(capability_takes_the_provision_device_only),
	CASE(pubkey_hash_reaches_the_processor),
};
const size_t encls_test_count = ARRAY_SIZE(encls_tests);
