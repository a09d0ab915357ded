// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_CAP_X86_USER_SPACE_MSR and KVM_X86_SET_MSR_FILTER. */
#include "fixture.h"

#define SYSENTER_CS 0x174

static void filter_one(struct fixture *f, uint32_t flags, uint32_t base)
{
	uint64_t none = 0;
	struct kvm_msr_filter filter = {
		.ranges[3] = {.flags = flags, .nmsrs = 1, .base = base, .bitmap = (void *)&none},
	};

	assert_ok(ioc(f->vm, KVM_X86_SET_MSR_FILTER, &filter));
}

static void exit_for(struct fixture *f, uint32_t reasons)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {reasons}};

	assert_ok(ioc(f->vm, KVM_ENABLE_CAP, &cap));
}

static enum cpu_result result;
static uint64_t read_value;

/* The engine's side of RDMSR: leaves when told, else goes on to HLT. */
static enum engine_exit_reason step_read(struct engine_vcpu *v)
{
	result = fake_rdmsr(v, SYSENTER_CS, &read_value);
	return result == CPU_AGAIN ? v->exit.reason : ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_write(struct engine_vcpu *v)
{
	result = fake_wrmsr(v, SYSENTER_CS, 0x77);
	return result == CPU_AGAIN ? v->exit.reason : ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_read_unknown(struct engine_vcpu *v)
{
	result = fake_rdmsr(v, 0xdead, &read_value);
	return result == CPU_AGAIN ? v->exit.reason : ENGINE_EXIT_HLT;
}

static enum engine_exit_reason step_write_reserved(struct engine_vcpu *v)
{
	result = fake_wrmsr(v, 0x277, UINT64_MAX);
	return result == CPU_AGAIN ? v->exit.reason : ENGINE_EXIT_HLT;
}

static void filtered_read_is_answered_by_vmm(void **state)
{
	struct fixture *f = *state;

	filter_one(f, KVM_MSR_FILTER_READ, SYSENTER_CS);
	exit_for(f, KVM_MSR_EXIT_REASON_FILTER);
	assert_ok(RUN(f, step_read));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_RDMSR);
	assert_int_equal(f->run->msr.reason, KVM_MSR_EXIT_REASON_FILTER);
	assert_int_equal(f->run->msr.index, SYSENTER_CS);
	assert_int_equal(f->run->msr.error, 0);
	f->run->msr.data = 0x1234;
	assert_ok(RUN(f, step_read));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(result, CPU_OK);
	assert_int_equal(read_value, 0x1234);
	/* The answer was for that one. */
	assert_ok(RUN(f, step_read));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_RDMSR);
}

static void filtered_write_refused_by_vmm_gp(void **state)
{
	struct fixture *f = *state;

	filter_one(f, KVM_MSR_FILTER_WRITE, SYSENTER_CS);
	exit_for(f, KVM_MSR_EXIT_REASON_FILTER);
	assert_ok(RUN(f, step_read));
	assert_int_equal(result, CPU_OK);
	assert_ok(RUN(f, step_write));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_WRMSR);
	assert_int_equal(f->run->msr.data, 0x77);
	f->run->msr.error = 1;
	assert_ok(RUN(f, step_write));
	assert_int_equal(result, CPU_FAULT);
	assert_int_equal(f->v->cpu.fault.vector, GP_VECTOR);
	assert_int_equal(f->v->cpu.msr.sysenter_cs, 0);
}

static void answer_to_other_instruction_is_void(void **state)
{
	struct fixture *f = *state;

	filter_one(f, KVM_MSR_FILTER_READ, SYSENTER_CS);
	exit_for(f, KVM_MSR_EXIT_REASON_FILTER);
	assert_ok(RUN(f, step_read));
	f->v->cpu.state.rip += 2;
	assert_ok(RUN(f, step_read));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_RDMSR);
}

static void filtered_without_exit_gp(void **state)
{
	struct fixture *f = *state;

	filter_one(f, KVM_MSR_FILTER_READ, SYSENTER_CS);
	assert_ok(RUN(f, step_read));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(result, CPU_FAULT);
}

static void unknown_and_invalid_have_their_reasons(void **state)
{
	struct fixture *f = *state;

	exit_for(f, KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_INVAL);
	assert_ok(RUN(f, step_read_unknown));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_RDMSR);
	assert_int_equal(f->run->msr.reason, KVM_MSR_EXIT_REASON_UNKNOWN);
	assert_ok(RUN(f, step_write_reserved));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_X86_WRMSR);
	assert_int_equal(f->run->msr.reason, KVM_MSR_EXIT_REASON_INVAL);
	exit_for(f, KVM_MSR_EXIT_REASON_INVAL);
	assert_ok(RUN(f, step_read_unknown));
	assert_int_equal(result, CPU_FAULT);
}

static void filter_denies_by_default(void **state)
{
	struct fixture *f = *state;
	uint64_t all = UINT64_MAX;
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = {.flags = KVM_MSR_FILTER_READ,
			      .nmsrs = 1,
			      .base = SYSENTER_CS,
			      .bitmap = (void *)&all},
	};

	assert_ok(ioc(f->vm, KVM_X86_SET_MSR_FILTER, &filter));
	assert_int_equal(fake_rdmsr(f->v, SYSENTER_CS, &read_value), CPU_OK);
	assert_int_equal(fake_wrmsr(f->v, SYSENTER_CS, 0), CPU_FAULT);
	assert_int_equal(fake_rdmsr(f->v, SYSENTER_CS + 1, &read_value), CPU_FAULT);
	/* The VMM's own accesses are never filtered. */
	assert_int_equal(msr_get(f, SYSENTER_CS + 1, &read_value), 1);
	filter = (struct kvm_msr_filter){0};
	assert_ok(ioc(f->vm, KVM_X86_SET_MSR_FILTER, &filter));
	assert_int_equal(fake_wrmsr(f->v, SYSENTER_CS, 0), CPU_OK);
}

static void filter_that_makes_no_sense_einval(void **state)
{
	uint64_t bitmap = 0;
	const struct kvm_msr_filter bad[] = {
		{.flags = 2},
		{.flags = KVM_MSR_FILTER_DEFAULT_DENY},
		{.ranges[0] = {.nmsrs = 1, .bitmap = (void *)&bitmap}},
		{.ranges[0] = {.flags = 4, .nmsrs = 1, .bitmap = (void *)&bitmap}},
		{.ranges[0] = {.flags = 1, .nmsrs = 0x3001, .bitmap = (void *)&bitmap}},
		{.ranges[15] = {.flags = 1, .nmsrs = UINT32_MAX, .bitmap = (void *)&bitmap}},
	};
	struct kvm_msr_filter fault = {
		.ranges[0] = {.flags = 1, .nmsrs = 1, .bitmap = BAD_POINTER}};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		assert_err(ioc(f->vm, KVM_X86_SET_MSR_FILTER, &bad[i]), EINVAL);
	assert_err(ioc(f->vm, KVM_X86_SET_MSR_FILTER, &fault), EFAULT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest msr_exit_tests[] = {
	CASE(filtered_read_is_answered_by_vmm),       CASE(filtered_write_refused_by_vmm_gp),
	CASE(answer_to_other_instruction_is_void),    CASE(filtered_without_exit_gp),
	CASE(unknown_and_invalid_have_their_reasons), CASE(filter_denies_by_default),
	CASE(filter_that_makes_no_sense_einval),
};
const size_t msr_exit_test_count = ARRAY_SIZE(msr_exit_tests);
