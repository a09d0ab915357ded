// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_GET_VCPU_EVENTS, KVM_INTERRUPT, KVM_NMI, KVM_SET_MP_STATE. */
#include "fixture.h"

static void enable(struct fixture *f, uint32_t number)
{
	struct kvm_enable_cap cap = {.cap = number, .args = {1}};

	assert_ok(ioc(f->vm, KVM_ENABLE_CAP, &cap));
}

static void events_round_trip(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu_events out,
		in = {
			.exception = {.nr = 14, .has_error_code = 1, .pending = 1, .error_code = 6},
			.interrupt = {.injected = 1, .nr = 0x55, .shadow = 1},
			.nmi = {.injected = 1, .pending = 1, .masked = 1},
			.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |
				 KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_PAYLOAD |
				 KVM_VCPUEVENT_VALID_TRIPLE_FAULT,
			.triple_fault = {.pending = 1},
			.exception_has_payload = 1,
			.exception_payload = 0x1234,
		};

	enable(f, KVM_CAP_EXCEPTION_PAYLOAD);
	enable(f, KVM_CAP_X86_TRIPLE_FAULT_EVENT);
	assert_ok(ioc(f->vcpu, KVM_SET_VCPU_EVENTS, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &out));
	assert_memory_equal(&in, &out, sizeof(in));
}

static void pending_without_payloads_counts_as_injected(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu_events out;

	f->v->cpu.events.exception.pending = true;
	f->v->cpu.events.exception.vector = PF_VECTOR;
	f->v->cpu.events.exception.has_payload = true;
	f->v->cpu.events.exception.payload = 0x4000;
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &out));
	assert_true(out.exception.injected && out.exception.pending);
	assert_false(out.flags & KVM_VCPUEVENT_VALID_PAYLOAD);
	assert_int_equal(f->v->cpu.state.cr2, 0x4000);
}

static void soft_exception_is_not_reported(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu_events out;

	f->v->cpu.events.exception.injected = true;
	f->v->cpu.events.exception.vector = BP_VECTOR;
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &out));
	assert_false(out.exception.injected);
}

static void events_refused_einval_and_unchanged(void **state)
{
	static const struct kvm_vcpu_events bad[] = {
		{.flags = 0x80},
		{.flags = KVM_VCPUEVENT_VALID_PAYLOAD},
		{.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT},
		{.flags = KVM_VCPUEVENT_VALID_SMM, .smi = {.smm = 1}},
		{.exception = {.injected = 1, .nr = 32}},
		{.exception = {.injected = 1, .nr = NMI_VECTOR}},
	};
	struct fixture *f = *state;
	struct kvm_vcpu_events before, after;

	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &before));
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_err(ioc(f->vcpu, KVM_SET_VCPU_EVENTS, &bad[i]), EINVAL);
		assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &after));
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void fields_without_flag_are_left(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu_events in = {.interrupt = {.shadow = 2}, .nmi = {.pending = 1}};

	f->v->cpu.events.shadow = 1;
	assert_ok(ioc(f->vcpu, KVM_SET_VCPU_EVENTS, &in));
	assert_int_equal(f->v->cpu.events.shadow, 1);
	assert_false(f->v->cpu.events.nmi.pending);
}

static void interrupt_is_queued(void **state)
{
	struct fixture *f = *state;
	struct kvm_interrupt interrupt = {.irq = 0x30};
	struct kvm_vcpu_events out;
	unsigned int written = fake.written;

	assert_ok(ioc(f->vcpu, KVM_INTERRUPT, &interrupt));
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &out));
	assert_true(out.interrupt.injected);
	assert_int_equal(out.interrupt.nr, 0x30);
	assert_int_equal(fake.written, written + 1);
	interrupt.irq = 256;
	assert_err(ioc(f->vcpu, KVM_INTERRUPT, &interrupt), EINVAL);
}

static void nmi_is_pending(void **state)
{
	struct fixture *f = *state;

	assert_ok(ioc(f->vcpu, KVM_NMI, NULL));
	assert_true(f->v->cpu.events.nmi.pending);
}

/* Without a local APIC of ours a vCPU is always runnable. */
static void mp_state_is_runnable(void **state)
{
	struct fixture *f = *state;
	struct kvm_mp_state mp = {.mp_state = 77};

	assert_ok(ioc(f->vcpu, KVM_GET_MP_STATE, &mp));
	assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	assert_ok(ioc(f->vcpu, KVM_SET_MP_STATE, &mp));
	for (uint32_t s = KVM_MP_STATE_UNINITIALIZED; s < 12; s++) {
		mp.mp_state = s;
		assert_err(ioc(f->vcpu, KVM_SET_MP_STATE, &mp), EINVAL);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest events_tests[] = {
	CASE(events_round_trip),
	CASE(pending_without_payloads_counts_as_injected),
	CASE(soft_exception_is_not_reported),
	CASE(events_refused_einval_and_unchanged),
	CASE(fields_without_flag_are_left),
	CASE(interrupt_is_queued),
	CASE(nmi_is_pending),
	CASE(mp_state_is_runnable),
};
const size_t events_test_count = ARRAY_SIZE(events_tests);
