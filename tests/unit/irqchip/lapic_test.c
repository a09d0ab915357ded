// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Advanced Programmable Interrupt Controller (APIC)": registers and priorities. */
#include "fixture.h"

static uint32_t load(struct fixture *f, uint32_t offset)
{
	return lapic_mmio_read(&f->lapic[0], offset);
}

static void registers_after_reset(void **state)
{
	struct fixture *f = *state;

	lapic_reset(&f->lapic[0], true, false);
	lapic_reset(&f->lapic[1], false, false);
	assert_int_equal(load(f, LAPIC_VERSION), 0x00050014);
	assert_int_equal(load(f, LAPIC_SVR), 0xff);
	assert_int_equal(load(f, LAPIC_DFR), 0xffffffff);
	assert_int_equal(load(f, LAPIC_LVT_LINT0), 0x700);
	assert_int_equal(load(f, LAPIC_LVT_TIMER), LAPIC_LVT_MASKED);
	assert_int_equal(lapic_base(&f->lapic[0]), 0xfee00900);
	assert_int_equal(lapic_base(&f->lapic[1]), 0xfee00800);
	assert_int_equal(lapic_mmio_read(&f->lapic[1], LAPIC_ID), 1 << 24);
	assert_int_equal(lapic_mmio_read(&f->lapic[1], LAPIC_LVT_LINT0), LAPIC_LVT_MASKED);
	assert_true(lapic_takes_extint(&f->lapic[0]));
	assert_false(lapic_takes_extint(&f->lapic[1]));
}

static void interrupt_goes_from_irr_to_isr(void **state)
{
	struct fixture *f = *state;

	send_fixed(f, 0, 0x45, false);
	assert_int_equal(f->woken[0], 1);
	assert_int_equal(load(f, LAPIC_IRR + 0x20), BIT32(5));
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x45);
	assert_int_equal(lapic_take(&f->lapic[0]), 0x45);
	assert_int_equal(load(f, LAPIC_IRR + 0x20), 0);
	assert_int_equal(load(f, LAPIC_ISR + 0x20), BIT32(5));
	assert_int_equal(load(f, LAPIC_PPR), 0x40);
	lapic_store(f, 0, LAPIC_EOI, 0);
	assert_int_equal(load(f, LAPIC_ISR + 0x20), 0);
	assert_int_equal(lapic_take(&f->lapic[0]), -1);
}

static void only_a_higher_class_interrupts(void **state)
{
	struct fixture *f = *state;

	send_fixed(f, 0, 0x45, false);
	lapic_take(&f->lapic[0]);
	send_fixed(f, 0, 0x4f, false);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
	send_fixed(f, 0, 0x51, false);
	assert_int_equal(lapic_take(&f->lapic[0]), 0x51);
	lapic_store(f, 0, LAPIC_EOI, 0);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
	lapic_store(f, 0, LAPIC_EOI, 0);
	assert_int_equal(lapic_take(&f->lapic[0]), 0x4f);
}

/* SDM "Task and Processor Priorities": TPR holds back its class and those below. */
static void task_priority_holds_back(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_TPR, 0x45);
	assert_int_equal(load(f, LAPIC_PPR), 0x45);
	send_fixed(f, 0, 0x4f, false);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
	lapic_set_tpr(&f->lapic[0], 0x30);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x4f);
	assert_int_equal(lapic_tpr(&f->lapic[0]), 0x30);
}

static void eoi_without_interrupt_is_ignored(void **state)
{
	struct fixture *f = *state;
	struct lapic_effect effect = {0};

	lapic_eoi(&f->lapic[0], &effect);
	assert_false(effect.eoi || effect.eoi_broadcast || effect.send);
}

static void eoi_of_level_is_broadcast(void **state)
{
	struct fixture *f = *state;
	struct lapic_effect effect = {0};

	send_fixed(f, 0, 0x45, true);
	assert_int_equal(load(f, LAPIC_TMR + 0x20), BIT32(5));
	lapic_take(&f->lapic[0]);
	lapic_eoi(&f->lapic[0], &effect);
	assert_true(effect.eoi && effect.eoi_broadcast);
	assert_int_equal(effect.vector, 0x45);
	send_fixed(f, 0, 0x45, false);
	assert_int_equal(load(f, LAPIC_TMR + 0x20), 0);
}

static void software_disabled_takes_nothing_and_masks(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_LVT_ERROR, 0x33);
	lapic_store(f, 0, LAPIC_SVR, 0xff);
	assert_int_equal(load(f, LAPIC_LVT_ERROR), LAPIC_LVT_MASKED | 0x33);
	lapic_store(f, 0, LAPIC_LVT_ERROR, 0x34);
	assert_int_equal(load(f, LAPIC_LVT_ERROR), LAPIC_LVT_MASKED | 0x34);
	send_fixed(f, 0, 0x45, false);
	assert_int_equal(load(f, LAPIC_IRR + 0x20), 0);
}

static void disabled_in_hardware_leaves_pins_to_the_8259(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_LVT_LINT0, LAPIC_LVT_MASKED);
	assert_false(lapic_takes_extint(&f->lapic[0]));
	send_fixed(f, 0, 0x45, false);
	lapic_set_base(&f->lapic[0], LAPIC_DEFAULT_BASE | LAPIC_BASE_BSP);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
	assert_true(lapic_takes_extint(&f->lapic[0]));
}

static void nmi_init_and_startup_are_events(void **state)
{
	struct fixture *f = *state;
	struct apic_message message = {.mode = APIC_MODE_STARTUP, .vector = 0x9a};

	lapic_accept(&f->lapic[1], &message);
	assert_int_equal(f->lapic[1].events, LAPIC_EVENT_SIPI);
	message.mode = APIC_MODE_NMI;
	lapic_accept(&f->lapic[1], &message);
	message.mode = APIC_MODE_INIT;
	lapic_accept(&f->lapic[1], &message);
	assert_int_equal(f->lapic[1].events, LAPIC_EVENT_INIT | LAPIC_EVENT_NMI);
	assert_int_equal(f->lapic[1].sipi_vector, 0x9a);
	f->lapic[1].events = 0;
	message = (struct apic_message){.mode = APIC_MODE_INIT, .level = true, .deassert = true};
	lapic_accept(&f->lapic[1], &message);
	assert_int_equal(f->lapic[1].events, 0);
}

/* SDM "Error Handling": what a write to ESR shows, and the local vector. */
static void illegal_vectors_are_errors(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_LVT_ERROR, 0xfe);
	send_fixed(f, 0, 15, false);
	assert_int_equal(lapic_take(&f->lapic[0]), 0xfe);
	assert_int_equal(load(f, LAPIC_ESR), 0);
	lapic_store(f, 0, LAPIC_ESR, 0);
	assert_int_equal(load(f, LAPIC_ESR), LAPIC_ESR_RECEIVE_VECTOR);
	lapic_store(f, 0, LAPIC_ICR, 0x4000f);
	lapic_store(f, 0, LAPIC_ESR, 0);
	assert_int_equal(load(f, LAPIC_ESR), LAPIC_ESR_SEND_VECTOR);
	load(f, 0x2f0);
	lapic_store(f, 0, 0x2f0, 0);
	lapic_store(f, 0, LAPIC_ESR, 0);
	assert_int_equal(load(f, LAPIC_ESR), LAPIC_ESR_ADDRESS);
	lapic_store(f, 0, LAPIC_ESR, 0);
	assert_int_equal(load(f, LAPIC_ESR), 0);
}

static void reserved_bits_do_not_stay(void **state)
{
	struct fixture *f = *state;

	lapic_store(f, 0, LAPIC_LVT_TIMER, 0xffffffff);
	assert_int_equal(load(f, LAPIC_LVT_TIMER), 0x000700ff);
	lapic_store(f, 0, LAPIC_LVT_LINT1, 0xffffffff);
	assert_int_equal(load(f, LAPIC_LVT_LINT1), 0x0001a7ff);
	lapic_store(f, 0, LAPIC_LDR, 0xffffffff);
	assert_int_equal(load(f, LAPIC_LDR), 0xff000000);
	lapic_store(f, 0, LAPIC_DFR, 0);
	assert_int_equal(load(f, LAPIC_DFR), 0x0fffffff);
	lapic_store(f, 0, LAPIC_TPR, 0x1ff);
	assert_int_equal(load(f, LAPIC_TPR), 0xff);
	lapic_store(f, 0, LAPIC_ID, 0xff000000);
	assert_int_equal(load(f, LAPIC_ID), 0);
	lapic_store(f, 0, LAPIC_TIMER_DCR, 0xffffffff);
	assert_int_equal(load(f, LAPIC_TIMER_DCR), 0xb);
}

static void narrow_and_misplaced_accesses(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, LAPIC_VERSION + 2), 0x0005);
	assert_int_equal(load(f, LAPIC_VERSION + 4), 0);
	lapic_store(f, 0, LAPIC_TPR + 4, 0x20);
	assert_int_equal(load(f, LAPIC_TPR), 0);
}

static void base_goes_only_where_the_manual_says(void **state)
{
	const uint64_t off = LAPIC_DEFAULT_BASE, on = off | LAPIC_BASE_ENABLE;
	const uint64_t x2 = on | LAPIC_BASE_X2APIC, bad = off | LAPIC_BASE_X2APIC;

	assert_true(lapic_base_is_valid(off, on));
	assert_true(lapic_base_is_valid(on, off));
	assert_true(lapic_base_is_valid(on, x2));
	assert_true(lapic_base_is_valid(x2, off));
	assert_false(lapic_base_is_valid(x2, on));
	assert_false(lapic_base_is_valid(off, x2));
	assert_false(lapic_base_is_valid(on, bad));
	assert_false(lapic_base_is_valid(x2, bad));
}

static bool rdmsr(struct fixture *f, uint32_t offset, uint64_t *value)
{
	return lapic_msr_read(&f->lapic[1], LAPIC_MSR_FIRST + offset / 16, value);
}

static bool wrmsr(struct fixture *f, uint32_t offset, uint64_t value)
{
	struct lapic_effect effect = {0};
	bool ok = lapic_msr_write(&f->lapic[1], LAPIC_MSR_FIRST + offset / 16, value, &effect);

	if (effect.send)
		apic_bus_send(&f->bus, &effect.message, &f->lapic[1]);
	return ok;
}

static void x2apic_registers_are_msrs(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_false(rdmsr(f, LAPIC_ID, &value));
	assert_false(wrmsr(f, LAPIC_TPR, 0));
	to_x2apic(f, 1);
	assert_true(rdmsr(f, LAPIC_ID, &value));
	assert_int_equal(value, 1);
	assert_true(rdmsr(f, LAPIC_LDR, &value));
	assert_int_equal(value, 2);
	assert_true(wrmsr(f, LAPIC_ICR, UINT64_C(0x200000051)));
	assert_true(rdmsr(f, LAPIC_ICR, &value));
	assert_int_equal(value, UINT64_C(0x200000051));
	assert_int_equal(lapic_pending(&f->lapic[2]), 0x51);
	assert_true(wrmsr(f, LAPIC_SELF_IPI, 0x61));
	assert_int_equal(lapic_take(&f->lapic[1]), 0x61);
	assert_true(wrmsr(f, LAPIC_EOI, 0));
	lapic_set_base(&f->lapic[1], LAPIC_DEFAULT_BASE);
	lapic_set_base(&f->lapic[1], LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE);
	assert_int_equal(lapic_mmio_read(&f->lapic[1], LAPIC_ID), 1 << 24);
}

static void x2apic_refuses_what_is_not_there(void **state)
{
	static const uint32_t no_read[] = {LAPIC_EOI,      LAPIC_DFR, LAPIC_ICR2,
					   LAPIC_SELF_IPI, 0,         0xff0};
	static const uint32_t no_write[] = {LAPIC_ID,   LAPIC_VERSION,   LAPIC_PPR,      LAPIC_LDR,
					    LAPIC_DFR,  LAPIC_ISR,       LAPIC_TMR,      LAPIC_IRR,
					    LAPIC_ICR2, LAPIC_TIMER_CCR, LAPIC_LVT_CMCI, 0xff0};
	struct fixture *f = *state;
	uint64_t value;

	to_x2apic(f, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(no_read); i++)
		assert_false(rdmsr(f, no_read[i], &value));
	for (unsigned int i = 0; i < ARRAY_SIZE(no_write); i++)
		assert_false(wrmsr(f, no_write[i], 0));
	assert_false(wrmsr(f, LAPIC_TPR, 0x100));
	assert_false(wrmsr(f, LAPIC_ESR, 1));
	assert_false(wrmsr(f, LAPIC_EOI, 1));
	assert_false(wrmsr(f, LAPIC_SELF_IPI, 0x100));
	assert_false(wrmsr(f, LAPIC_SVR, BIT64(32)));
}

static void init_keeps_mode_and_id(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	to_x2apic(f, 1);
	send_fixed(f, 1, 0x55, false);
	lapic_reset(&f->lapic[1], false, true);
	assert_true(lapic_is_x2apic(&f->lapic[1]));
	assert_true(rdmsr(f, LAPIC_LDR, &value));
	assert_int_equal(value, 2);
	assert_int_equal(lapic_pending(&f->lapic[1]), 0);
}

static void unsaid_eoi_has_everything_wake(void **state)
{
	struct fixture *f = *state;
	struct lapic_effect effect = {0};
	unsigned int woken;

	assert_false(lapic_begin_unsaid_eoi(&f->lapic[0]));
	send_fixed(f, 0, 0x45, false);
	lapic_take(&f->lapic[0]);
	assert_true(lapic_begin_unsaid_eoi(&f->lapic[0]));
	woken = f->woken[0];
	send_fixed(f, 0, 0x31, false);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
	assert_int_equal(f->woken[0], woken + 1);
	lapic_finish_unsaid_eoi(&f->lapic[0], true, &effect);
	assert_true(effect.eoi);
	assert_false(effect.eoi_broadcast);
	assert_int_equal(effect.vector, 0x45);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0x31);
}

static void unsaid_eoi_that_has_not_come_leaves_the_interrupt_in_service(void **state)
{
	struct fixture *f = *state;
	struct lapic_effect effect = {0};
	unsigned int woken;

	send_fixed(f, 0, 0x45, false);
	lapic_take(&f->lapic[0]);
	assert_true(lapic_begin_unsaid_eoi(&f->lapic[0]));
	lapic_finish_unsaid_eoi(&f->lapic[0], false, &effect);
	assert_false(effect.eoi);
	assert_int_equal(load(f, LAPIC_ISR + 0x20), BIT32(5));
	woken = f->woken[0];
	send_fixed(f, 0, 0x31, false);
	assert_int_equal(f->woken[0], woken);
}

static void unsaid_eoi_needs_one_edge_alone(void **state)
{
	struct fixture *f = *state;

	send_fixed(f, 0, 0x45, true);
	lapic_take(&f->lapic[0]);
	assert_false(lapic_begin_unsaid_eoi(&f->lapic[0]));
	lapic_store(f, 0, LAPIC_EOI, 0);
	send_fixed(f, 1, 0x45, false);
	lapic_take(&f->lapic[1]);
	send_fixed(f, 1, 0x31, false);
	assert_false(lapic_begin_unsaid_eoi(&f->lapic[1]));
	send_fixed(f, 2, 0x45, false);
	lapic_take(&f->lapic[2]);
	send_fixed(f, 2, 0x95, false);
	lapic_take(&f->lapic[2]);
	assert_false(lapic_begin_unsaid_eoi(&f->lapic[2]));
}

const struct CMUnitTest lapic_tests[] = {
	CASE(registers_after_reset),
	CASE(interrupt_goes_from_irr_to_isr),
	CASE(only_a_higher_class_interrupts),
	CASE(task_priority_holds_back),
	CASE(eoi_without_interrupt_is_ignored),
	CASE(eoi_of_level_is_broadcast),
	CASE(software_disabled_takes_nothing_and_masks),
	CASE(disabled_in_hardware_leaves_pins_to_the_8259),
	CASE(nmi_init_and_startup_are_events),
	CASE(illegal_vectors_are_errors),
	CASE(reserved_bits_do_not_stay),
	CASE(narrow_and_misplaced_accesses),
	CASE(base_goes_only_where_the_manual_says),
	CASE(x2apic_registers_are_msrs),
	CASE(x2apic_refuses_what_is_not_there),
	CASE(init_keeps_mode_and_id),
	CASE(unsaid_eoi_has_everything_wake),
	CASE(unsaid_eoi_that_has_not_come_leaves_the_interrupt_in_service),
	CASE(unsaid_eoi_needs_one_edge_alone),
};
const size_t lapic_test_count = ARRAY_SIZE(lapic_tests);
