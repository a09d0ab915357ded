// SPDX-License-Identifier: GPL-2.0-or-later
/* struct kvm_lapic_state: api.rst KVM_GET_LAPIC, KVM_CAP_X2APIC_API. */
#include "fixture.h"

#include <errno.h>
#include <string.h>

static uint32_t word(const struct kvm_lapic_state *state, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, state->regs + offset, sizeof(value));
	return value;
}

static void set_word(struct kvm_lapic_state *state, uint32_t offset, uint32_t value)
{
	memcpy(state->regs + offset, &value, sizeof(value));
}

static void state_comes_back(void **state)
{
	struct fixture *f = *state;
	struct kvm_lapic_state saved, again;

	lapic_store(f, 0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_PERIODIC | 0xec);
	lapic_store(f, 0, LAPIC_TIMER_DCR, 0xb);
	lapic_store(f, 0, LAPIC_TIMER_ICR, 1000000);
	lapic_store(f, 0, LAPIC_LDR, 0x01000000);
	send_fixed(f, 0, 0x61, true);
	lapic_take(&f->lapic[0]);
	send_fixed(f, 0, 0x71, false);
	fake_now += 300000;
	lapic_get_state(&f->lapic[0], &saved, false);
	assert_int_equal(word(&saved, LAPIC_TIMER_CCR), 700000);
	assert_int_equal(word(&saved, LAPIC_PPR), 0x60);
	lapic_reset(&f->lapic[0], true, false);
	assert_int_equal(lapic_set_state(&f->lapic[0], &saved, false), 0);
	lapic_get_state(&f->lapic[0], &again, false);
	assert_memory_equal(&again, &saved, sizeof(saved));
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x71);
	assert_int_equal(lapic_deadline(&f->lapic[0]), fake_now + 700000);
	fake_now += 700000;
	lapic_expire(&f->lapic[0]);
	assert_int_equal(lapic_deadline(&f->lapic[0]), fake_now + 1000000);
}

static void id_of_x2apic_stands_where_the_vmm_expects_it(void **state)
{
	struct fixture *f = *state;
	struct kvm_lapic_state saved;

	to_x2apic(f, 2);
	lapic_get_state(&f->lapic[2], &saved, false);
	assert_int_equal(word(&saved, LAPIC_ID), 2 << 24);
	assert_int_equal(lapic_set_state(&f->lapic[2], &saved, false), 0);
	lapic_get_state(&f->lapic[2], &saved, true);
	assert_int_equal(word(&saved, LAPIC_ID), 2);
	set_word(&saved, LAPIC_ID, 3);
	assert_int_equal(lapic_set_state(&f->lapic[2], &saved, true), -EINVAL);
}

static void tsc_deadline_outlives_a_set(void **state)
{
	struct fixture *f = *state;
	struct kvm_lapic_state saved;
	struct lapic *l = &f->lapic[0];

	lapic_store(f, 0, LAPIC_LVT_TIMER, LAPIC_LVT_TIMER_DEADLINE | 0xec);
	lapic_set_tsc_deadline(l, fake_tsc() + 2000000);
	lapic_get_state(l, &saved, false);
	assert_int_equal(lapic_set_state(l, &saved, false), 0);
	assert_int_equal(lapic_tsc_deadline(l), fake_tsc() + 2000000);
	assert_in_range(lapic_deadline(l), fake_now + 1000000, fake_now + 1000001);
}

static void wild_state_is_harmless(void **state)
{
	struct fixture *f = *state;
	struct kvm_lapic_state wild;
	uint64_t value;

	memset(&wild, 0xff, sizeof(wild));
	lapic_set_state(&f->lapic[0], &wild, false);
	assert_int_equal(lapic_mmio_read(&f->lapic[0], LAPIC_ID), 0);
	lapic_expire(&f->lapic[0]);
	for (uint32_t offset = 0; offset < 4096; offset++)
		lapic_mmio_read(&f->lapic[0], offset);
	to_x2apic(f, 0);
	for (uint32_t i = LAPIC_MSR_FIRST; i <= LAPIC_MSR_LAST; i++)
		lapic_msr_read(&f->lapic[0], i, &value);
	while (lapic_take(&f->lapic[0]) >= 0)
		;
}

const struct CMUnitTest lapic_state_tests[] = {
	CASE(state_comes_back),
	CASE(id_of_x2apic_stands_where_the_vmm_expects_it),
	CASE(tsc_deadline_outlives_a_set),
	CASE(wild_state_is_harmless),
};
const size_t lapic_state_test_count = ARRAY_SIZE(lapic_state_tests);
