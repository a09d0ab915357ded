// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_X86_SETUP_MCE and KVM_X86_SET_MCE. */
#include "fixture.h"

#define VAL  BIT64(63)
#define OVER BIT64(62)
#define UC   BIT64(61)
#define PCC  BIT64(57)

static void setup_banks(struct fixture *f)
{
	uint64_t cap = 0x100010a;

	assert_ok(ioc(f->vcpu, KVM_X86_SETUP_MCE, &cap));
	f->v->cpu.state.cr4 |= X86_CR4_MCE;
}

static void setup_mce_checks_capabilities(void **state)
{
	static const uint64_t bad[] = {0, 33, 0x20a, 0x800010a};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_err(ioc(f->vcpu, KVM_X86_SETUP_MCE, &bad[i]), EINVAL);
	setup_banks(f);
	assert_int_equal(f->v->cpu.msr.mcg_cap, 0x100010a);
	assert_int_equal(f->v->cpu.msr.mcg_ctl, UINT64_MAX);
	assert_int_equal(f->v->cpu.msr.mc[9].ctl, UINT64_MAX);
	assert_int_equal(f->v->cpu.msr.mc[10].ctl, 0);
}

static void set_mce_without_bank_or_validity_einval(void **state)
{
	struct fixture *f = *state;
	struct kvm_x86_mce mce = {.status = VAL, .bank = 0};

	assert_err(ioc(f->vcpu, KVM_X86_SET_MCE, &mce), EINVAL);
	setup_banks(f);
	mce.bank = 10;
	assert_err(ioc(f->vcpu, KVM_X86_SET_MCE, &mce), EINVAL);
	mce.bank = 255;
	assert_err(ioc(f->vcpu, KVM_X86_SET_MCE, &mce), EINVAL);
	mce = (struct kvm_x86_mce){.status = UC, .bank = 1};
	assert_err(ioc(f->vcpu, KVM_X86_SET_MCE, &mce), EINVAL);
}

static void uncorrected_error_is_mc(void **state)
{
	struct fixture *f = *state;
	struct kvm_x86_mce mce = {
		.status = VAL | UC | PCC, .addr = 5, .misc = 6, .mcg_status = 5, .bank = 1};

	setup_banks(f);
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	assert_true(f->v->cpu.events.exception.pending);
	assert_int_equal(f->v->cpu.events.exception.vector, MC_VECTOR);
	assert_int_equal(f->v->cpu.msr.mc[1].addr, 5);
	assert_int_equal(f->v->cpu.msr.mcg_status, 5);
	/* MCIP is set: a second one shuts down. */
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	assert_true(f->v->cpu.events.triple_fault);
}

static void disabled_reporting_loses_it(void **state)
{
	struct fixture *f = *state;
	struct kvm_x86_mce mce = {.status = VAL | UC | PCC, .bank = 1};

	setup_banks(f);
	f->v->cpu.msr.mc[1].ctl = 1;
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	f->v->cpu.msr.mc[1].ctl = UINT64_MAX;
	f->v->cpu.msr.mcg_ctl = 0;
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	assert_int_equal(f->v->cpu.msr.mc[1].status, 0);
	assert_false(f->v->cpu.events.exception.pending);
}

static void corrected_error_overflows(void **state)
{
	struct fixture *f = *state;
	struct kvm_x86_mce mce = {.status = VAL, .bank = 2};

	setup_banks(f);
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	assert_int_equal(f->v->cpu.msr.mc[2].status, VAL);
	assert_ok(ioc(f->vcpu, KVM_X86_SET_MCE, &mce));
	assert_int_equal(f->v->cpu.msr.mc[2].status, VAL | OVER);
	assert_false(f->v->cpu.events.exception.pending);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest mce_tests[] = {
	CASE(setup_mce_checks_capabilities), CASE(set_mce_without_bank_or_validity_einval),
	CASE(uncorrected_error_is_mc),       CASE(disabled_reporting_loses_it),
	CASE(corrected_error_overflows),
};
const size_t mce_test_count = ARRAY_SIZE(mce_tests);
