// SPDX-License-Identifier: GPL-2.0-or-later
/* Linux' "KVM-specific MSRs", MSR_KVM_PV_EOI_EN: when the bit is set, and what its being clear ends. */
#include "fixture.h"

#include <asm/kvm_para.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define BIT_GPA 0x2004
#define VECTOR  0x45
#define EOI_MSR 0x80b
#define X2APIC  UINT64_C(0xfee00d00)

static uint8_t *bit(struct fixture *f)
{
	return f->ram + BIT_GPA;
}

/* An x2APIC that is enabled, and the guest's bit. */
static void start(struct fixture *f)
{
	set_offered_cpuid(f);
	ram_add(f, 0);
	assert_int_equal(msr_set(f, 0x1b, X2APIC), 1);
	assert_int_equal(fake_wrmsr(f->v, 0x80f, 0x1ff), CPU_OK);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_PV_EOI_EN, BIT_GPA | 1), CPU_OK);
	f->v->cpu.state.rflags |= X86_EFLAGS_IF;
}

static void send(struct fixture *f, uint8_t vector, bool level)
{
	struct kvm_msi msi = {.address_lo = 0xfeeff000,
			      .data = 0x4000u | vector | (level ? 0x8000 : 0)};

	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
}

static void send_and_take(struct fixture *f, uint8_t vector, bool level)
{
	send(f, vector, level);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), vector);
}

/* The word of the register page that @vector has a bit in: is it set? */
static bool page_bit(struct fixture *f, uint32_t array, uint8_t vector)
{
	struct kvm_lapic_state lapic;
	uint32_t word;

	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	memcpy(&word, lapic.regs + array + vector / 32 * 16, sizeof(word));
	return word & BIT32(vector % 32);
}

static bool in_service(struct fixture *f, uint8_t vector)
{
	return page_bit(f, LAPIC_ISR, vector);
}

static void bit_is_set_with_an_interrupt_alone(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(*bit(f), 0);
	send_and_take(f, VECTOR, false);
	assert_int_equal(*bit(f), 1);
	assert_int_equal(f->ram[BIT_GPA + 1] | f->ram[BIT_GPA - 1], 0);
}

static void clear_bit_is_an_eoi(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	*bit(f) = 0;
	assert_false(in_service(f, VECTOR));
}

/* Whoever looks takes the bit away: from then on the guest says it to the local APIC. */
static void lapic_state_of_an_unended_interrupt_has_it_in_service(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	assert_true(in_service(f, VECTOR));
	assert_int_equal(*bit(f), 0);
	assert_true(in_service(f, VECTOR));
	assert_int_equal(fake_wrmsr(f->v, EOI_MSR, 0), CPU_OK);
	assert_false(in_service(f, VECTOR));
}

static enum engine_exit_reason step_take(struct engine_vcpu *v)
{
	assert_int_equal(fake.ops->take_interrupt(v), VECTOR);
	return ENGINE_EXIT_SHUTDOWN;
}

static void kvm_run_leaves_no_bit_behind(void **state)
{
	struct fixture *f = *state;

	start(f);
	send(f, VECTOR, false);
	assert_ok(RUN(f, step_take));
	assert_int_equal(*bit(f), 0);
	assert_true(in_service(f, VECTOR));
}

/* Of the same or of a lower class, so that the local APIC sees no reason to interrupt. */
static void next_interrupt_wakes_and_asks(void **state)
{
	struct fixture *f = *state;
	unsigned int kicks;

	start(f);
	send_and_take(f, VECTOR, false);
	*bit(f) = 0;
	assert_false(fake.ops->has_interrupt(f->v));
	kicks = atomic_load(&fake.kicks);
	send(f, 0x31, false);
	assert_true(atomic_load(&fake.kicks) > kicks);
	assert_true(atomic_load(&f->v->irq_hint));
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
	assert_int_equal(*bit(f), 1);
}

static void next_interrupt_before_the_end_takes_the_bit_away(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	send(f, 0x31, false);
	assert_false(fake.ops->has_interrupt(f->v));
	assert_int_equal(*bit(f), 0);
	assert_int_equal(fake_wrmsr(f->v, EOI_MSR, 0), CPU_OK);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
}

static void nested_interrupt_has_no_bit(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	send_and_take(f, 0x61, false);
	assert_int_equal(*bit(f), 0);
	assert_true(in_service(f, VECTOR));
	assert_true(in_service(f, 0x61));
}

static void interrupt_with_another_behind_it_has_no_bit(void **state)
{
	struct fixture *f = *state;

	start(f);
	send(f, 0x31, false);
	send_and_take(f, VECTOR, false);
	assert_int_equal(*bit(f), 0);
}

static void level_interrupt_has_no_bit(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, true);
	assert_int_equal(*bit(f), 0);
	assert_true(in_service(f, VECTOR));
}

/* An EOI that an irqfd waits for: pin 4 of the I/O APIC leads to VECTOR. */
static void watched_interrupt_has_no_bit(void **state)
{
	struct fixture *f = *state;
	struct kvm_vcpu *vcpu = f->v->owner;

	start(f);
	ioapic_write(&vcpu->vm->irq.ioapic, 0, 0x10 + 2 * 4);
	ioapic_write(&vcpu->vm->irq.ioapic, 0x10, VECTOR);
	ioapic_watch(&vcpu->vm->irq.ioapic, BIT32(4));
	send_and_take(f, VECTOR, false);
	assert_int_equal(*bit(f), 0);
}

/* The guest does not look at the bit: both ways end one interrupt, not two. */
static void eoi_register_with_the_bit_set_ends_once(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	assert_int_equal(fake_wrmsr(f->v, EOI_MSR, 0), CPU_OK);
	assert_int_equal(*bit(f), 0);
	send(f, VECTOR, false);
	assert_true(fake.ops->has_interrupt(f->v));
}

static void disabled_msr_sets_no_bit(void **state)
{
	struct fixture *f = *state;

	start(f);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_PV_EOI_EN, BIT_GPA), CPU_OK);
	send_and_take(f, VECTOR, false);
	assert_int_equal(*bit(f), 0);
}

/* Switched off with an interrupt that has ended unsaid. */
static void switching_off_asks_the_old_bit(void **state)
{
	struct fixture *f = *state;

	start(f);
	send_and_take(f, VECTOR, false);
	*bit(f) = 0;
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_PV_EOI_EN, 0), CPU_OK);
	assert_false(in_service(f, VECTOR));
}

static void bad_addresses_gp(void **state)
{
	static const uint64_t bad[] = {
		0x2002 | 1,
		0x2002, /* misaligned, enabled or not */
		RAM_SIZE | 1,
		UINT64_C(0xfffffffffffffffc) | 1,
	};
	struct fixture *f = *state;
	uint64_t value;

	start(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fake_wrmsr(f->v, MSR_KVM_PV_EOI_EN, bad[i]), CPU_FAULT);
		assert_int_equal(msr_set(f, MSR_KVM_PV_EOI_EN, bad[i]), 0);
	}
	assert_int_equal(msr_get(f, MSR_KVM_PV_EOI_EN, &value), 1);
	assert_int_equal(value, BIT_GPA | 1);
	assert_int_equal(fake_wrmsr(f->v, MSR_KVM_PV_EOI_EN, (RAM_SIZE - 4) | 1), CPU_OK);
}

/* The slot goes with the bit set, and before it could be set. */
static void memory_that_goes_away_blocks_no_interrupt(void **state)
{
	struct fixture *f = *state;
	struct kvm_userspace_memory_region none = {0};

	start(f);
	send_and_take(f, VECTOR, false);
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &none));
	send(f, 0x31, false);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
	assert_true(in_service(f, 0x31));
	assert_int_equal(fake_wrmsr(f->v, EOI_MSR, 0), CPU_OK);
	assert_false(in_service(f, 0x31));
}

static void bit_is_in_the_dirty_log(void **state)
{
	struct fixture *f = *state;
	uint64_t bitmap[1] = {0};
	struct kvm_dirty_log log = {.dirty_bitmap = bitmap};

	set_offered_cpuid(f);
	ram_add(f, KVM_MEM_LOG_DIRTY_PAGES);
	assert_int_equal(msr_set(f, 0x1b, X2APIC), 1);
	assert_int_equal(fake_wrmsr(f->v, 0x80f, 0x1ff), CPU_OK);
	assert_int_equal(msr_set(f, MSR_KVM_PV_EOI_EN, BIT_GPA | 1), 1);
	send_and_take(f, VECTOR, false);
	assert_ok(ioc(f->vm, KVM_GET_DIRTY_LOG, &log));
	assert_int_equal(bitmap[0], BIT64(BIT_GPA / 4096));
}

#define SENT 2000

static struct fixture *racer;
static atomic_uint taken;

/* Of two classes by turns: the higher one does not let the lower one through until it has ended. */
static void *send_many(void *opaque)
{
	for (unsigned int i = 0; i < SENT; i++) {
		while (atomic_load(&taken) < i)
			sched_yield();
		send(racer, i & 1 ? 0x31 : VECTOR, false);
	}
	return NULL;
}

/* A guest that ends by the bit where it may. It sleeps, or comes back to its run loop. */
static enum engine_exit_reason step_end_by_bit(struct engine_vcpu *v)
{
	if (fake.ops->has_interrupt(v) && fake.ops->take_interrupt(v) >= 0) {
		if (*bit(racer))
			*bit(racer) = 0;
		else
			fake_wrmsr(v, EOI_MSR, 0);
		atomic_fetch_add(&taken, 1);
	}
	fake.next = 0;
	if (atomic_load(&taken) == SENT)
		return ENGINE_EXIT_SHUTDOWN;
	return atomic_load(&taken) & 4 ? ENGINE_EXIT_KICK : ENGINE_EXIT_HLT;
}

static void no_interrupt_is_lost_behind_an_unsaid_eoi(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	start(f);
	racer = f;
	atomic_store(&taken, 0);
	pthread_create(&thread, NULL, send_many, NULL);
	assert_ok(RUN(f, step_end_by_bit));
	pthread_join(thread, NULL);
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest pv_eoi_tests[] = {
	CASE(bit_is_set_with_an_interrupt_alone, setup_full),
	CASE(bit_is_set_with_an_interrupt_alone, setup_split),
	CASE(clear_bit_is_an_eoi, setup_full),
	CASE(clear_bit_is_an_eoi, setup_split),
	CASE(lapic_state_of_an_unended_interrupt_has_it_in_service, setup_full),
	CASE(kvm_run_leaves_no_bit_behind, setup_full),
	CASE(next_interrupt_wakes_and_asks, setup_full),
	CASE(next_interrupt_before_the_end_takes_the_bit_away, setup_full),
	CASE(nested_interrupt_has_no_bit, setup_full),
	CASE(interrupt_with_another_behind_it_has_no_bit, setup_full),
	CASE(level_interrupt_has_no_bit, setup_full),
	CASE(level_interrupt_has_no_bit, setup_split),
	CASE(watched_interrupt_has_no_bit, setup_full),
	CASE(eoi_register_with_the_bit_set_ends_once, setup_full),
	CASE(disabled_msr_sets_no_bit, setup_full),
	CASE(switching_off_asks_the_old_bit, setup_full),
	CASE(bad_addresses_gp, setup_full),
	CASE(memory_that_goes_away_blocks_no_interrupt, setup_full),
	CASE(bit_is_in_the_dirty_log, setup_full),
	CASE(no_interrupt_is_lost_behind_an_unsaid_eoi, setup_full),
};
const size_t pv_eoi_test_count = ARRAY_SIZE(pv_eoi_tests);
