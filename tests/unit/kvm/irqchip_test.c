// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_CREATE_IRQCHIP, KVM_CAP_SPLIT_IRQCHIP and what goes with them. */
#include "fixture.h"

#include <string.h>

#define LAPIC_SVR_MSR    0x80f
#define X2APIC_BASE      UINT64_C(0xfee00d00)
#define MSR_APICBASE     0x1b
#define MSR_TSC_DEADLINE 0x6e0

static long set_gsi(struct fixture *f, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};
	long ret = ioc(f->vm, KVM_IRQ_LINE_STATUS, &line);

	return ret ? ret : (int)line.status;
}

static uint32_t page_read(struct fixture *f, uint32_t offset)
{
	struct kvm_lapic_state lapic;
	uint32_t value;

	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	memcpy(&value, lapic.regs + offset, sizeof(value));
	return value;
}

/* One access of the guest; the VMM sees none of it. */
static struct engine_exit access;

static enum engine_exit_reason step_access(struct engine_vcpu *v)
{
	v->exit = access;
	return access.reason;
}

static struct engine_exit answer;

static enum engine_exit_reason step_answer(struct engine_vcpu *v)
{
	answer = v->exit;
	return ENGINE_EXIT_SHUTDOWN;
}

static void run_access(struct fixture *f)
{
	assert_ok(RUN(f, step_access, step_answer));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_SHUTDOWN);
}

static void guest_out(struct fixture *f, uint16_t port, uint8_t value)
{
	access = (struct engine_exit){.reason = ENGINE_EXIT_IO,
				      .io = {.size = 1, .port = port, .count = 1, .data = {value}}};
	run_access(f);
}

static uint8_t guest_in(struct fixture *f, uint16_t port)
{
	access = (struct engine_exit){.reason = ENGINE_EXIT_IO,
				      .io = {.in = true, .size = 1, .port = port, .count = 1}};
	run_access(f);
	return answer.io.data[0];
}

static void guest_store(struct fixture *f, gpa_t gpa, uint32_t value)
{
	access = (struct engine_exit){.reason = ENGINE_EXIT_MMIO,
				      .mmio = {.gpa = gpa, .len = 4, .write = true}};
	memcpy(access.mmio.data, &value, sizeof(value));
	run_access(f);
}

static uint32_t guest_load(struct fixture *f, gpa_t gpa)
{
	uint32_t value;

	access = (struct engine_exit){.reason = ENGINE_EXIT_MMIO, .mmio = {.gpa = gpa, .len = 4}};
	run_access(f);
	memcpy(&value, answer.mmio.data, sizeof(value));
	return value;
}

static void create_once_and_before_vcpus(void **state)
{
	struct fixture *f = *state;
	struct kvm_object *vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
	struct kvm_pit_config pit = {0};

	assert_err(ioc(f->vm, KVM_CREATE_IRQCHIP, NULL), EINVAL);
	assert_err(ioc(f->vm, KVM_ENABLE_CAP, &split), EEXIST);
	assert_err(ioc(vm, KVM_CREATE_PIT2, &pit), ENOENT);
	assert_ok(ioc(vm, KVM_CREATE_IRQCHIP, NULL));
	assert_err(ioc(vm, KVM_CREATE_IRQCHIP, NULL), EEXIST);
	assert_err(ioc(vm, KVM_ENABLE_CAP, &split), EEXIST);
	assert_ok(ioc(vm, KVM_CREATE_PIT2, &pit));
	assert_err(ioc(vm, KVM_CREATE_PIT2, &pit), EEXIST);
}

static void without_irqchip_nothing_is_there(void **state)
{
	struct fixture *f = *state;
	struct kvm_irqchip chip = {0};
	struct kvm_lapic_state lapic = {0};
	struct kvm_pit_state2 pit = {0};
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x4031};
	struct kvm_vapic_addr vapic = {0};
	struct kvm_reinject_control control = {0};
	uint64_t value;

	assert_err(set_gsi(f, 1, 1), ENXIO);
	assert_err(ioc(f->vm, KVM_SIGNAL_MSI, &msi), EINVAL);
	assert_err(ioc(f->vm, KVM_GET_IRQCHIP, &chip), ENXIO);
	assert_err(ioc(f->vm, KVM_SET_IRQCHIP, &chip), ENXIO);
	assert_err(ioc(f->vm, KVM_GET_PIT2, &pit), ENXIO);
	assert_err(ioc(f->vm, KVM_SET_PIT2, &pit), ENXIO);
	assert_err(ioc(f->vm, KVM_REINJECT_CONTROL, &control), ENXIO);
	assert_err(ioc(f->vcpu, KVM_GET_LAPIC, &lapic), EINVAL);
	assert_err(ioc(f->vcpu, KVM_SET_LAPIC, &lapic), EINVAL);
	assert_err(ioc(f->vcpu, KVM_SET_VAPIC_ADDR, &vapic), EINVAL);
	set_offered_cpuid(f);
	assert_int_equal(msr_set(f, MSR_APICBASE, X2APIC_BASE), 0);
	assert_int_equal(msr_get(f, LAPIC_SVR_MSR, &value), 0);
}

/* IRQ 4 by the I/O APIC, as a guest sets it up. */
static void line_goes_to_the_processor(void **state)
{
	struct fixture *f = *state;
	unsigned int written;

	guest_store(f, 0xfee000f0, 0x1ff);
	guest_store(f, 0xfee00350, 0x10000);
	guest_store(f, 0xfec00000, 0x18);
	guest_store(f, 0xfec00010, 0x41);
	assert_int_equal(guest_load(f, 0xfec00010), 0x41);
	assert_false(fake.ops->has_interrupt(f->v));
	written = fake.written;
	assert_true(set_gsi(f, 4, 1) > 0);
	assert_int_equal(fake.written, written + 1);
	assert_true(f->v->irq_hint);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x41);
	assert_int_equal(fake.ops->take_interrupt(f->v), -1);
	assert_false(fake.ops->has_interrupt(f->v));
	assert_false(f->v->irq_hint);
	assert_int_equal(guest_load(f, 0xfee00120), 2);
	guest_store(f, 0xfee000b0, 0);
	assert_int_equal(guest_load(f, 0xfee00120), 0);
}

/* The way of firmware: the 8259s by LINT0 of a local APIC that nobody has set up. */
static void line_goes_by_the_8259s(void **state)
{
	struct fixture *f = *state;

	guest_out(f, 0x20, 0x11);
	guest_out(f, 0x21, 0x08);
	guest_out(f, 0x21, 0x04);
	guest_out(f, 0x21, 0x01);
	assert_int_equal(guest_in(f, 0x21), 0);
	assert_true(set_gsi(f, 4, 1) > 0);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x0c);
	guest_out(f, 0x20, 0x0b);
	assert_int_equal(guest_in(f, 0x20), 0x10);
	guest_out(f, 0x4d1, 0x0c);
	assert_int_equal(guest_in(f, 0x4d1), 0x0c);
}

static void message_goes_to_the_processor(void **state)
{
	struct fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x4031};

	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 0); /* disabled by software */
	guest_store(f, 0xfee000f0, 0x1ff);
	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
	msi.address_lo = 0xfee07000;
	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), -1);
	msi.flags = 1;
	assert_err(ioc(f->vm, KVM_SIGNAL_MSI, &msi), EINVAL);
}

static void nmi_by_message_is_pending(void **state)
{
	struct fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x4400};

	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
	assert_false(f->v->cpu.events.nmi.pending);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_true(f->v->cpu.events.nmi.pending);
}

static void nmi_by_message_is_saved(void **state)
{
	struct fixture *f = *state;
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x4400};
	struct kvm_vcpu_events events;

	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &events));
	assert_true(events.nmi.pending);
	events.nmi.pending = 0;
	assert_int_equal(ioc(f->vm, KVM_SIGNAL_MSI, &msi), 1);
	assert_ok(ioc(f->vcpu, KVM_SET_VCPU_EVENTS, &events));
	assert_ok(ioc(f->vcpu, KVM_GET_VCPU_EVENTS, &events));
	assert_false(events.nmi.pending);
}

static void cr8_is_the_task_priority(void **state)
{
	struct fixture *f = *state;
	struct kvm_sregs sregs;

	guest_store(f, 0xfee00080, 0x5a);
	assert_int_equal(f->v->cpu.cr8, 5);
	assert_int_equal(f->run->cr8, 5);
	assert_ok(ioc(f->vcpu, KVM_GET_SREGS, &sregs));
	assert_int_equal(sregs.cr8, 5);
	sregs.cr8 = 7;
	assert_ok(ioc(f->vcpu, KVM_SET_SREGS, &sregs));
	assert_int_equal(page_read(f, 0x80), 0x70);
	f->run->cr8 = 1; /* of no account with a local APIC of ours */
	guest_load(f, 0xfee00080);
	assert_int_equal(f->run->cr8, 7);
}

static void x2apic_needs_its_cpuid_bit(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	assert_int_equal(msr_set(f, MSR_APICBASE, X2APIC_BASE), 0);
	set_offered_cpuid(f);
	assert_int_equal(msr_set(f, MSR_APICBASE, X2APIC_BASE), 1);
	assert_int_equal(msr_set(f, LAPIC_SVR_MSR, 0x1ff), 1);
	assert_int_equal(msr_get(f, LAPIC_SVR_MSR, &value), 1);
	assert_int_equal(value, 0x1ff);
	assert_int_equal(guest_load(f, 0xfee000f0), 0xffffffff); /* the page is a hole */
	assert_int_equal(fake_wrmsr(f->v, MSR_APICBASE, 0xfee00900), CPU_FAULT);
	assert_int_equal(fake_wrmsr(f->v, 0x83f, 0x55), CPU_OK);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x55);
}

static enum engine_exit_reason step_until_timer(struct engine_vcpu *v)
{
	while (!fake.ops->has_interrupt(v))
		;
	return ENGINE_EXIT_SHUTDOWN;
}

/* The service thread sees to the timers of processors that run. */
static void timer_interrupts_a_running_processor(void **state)
{
	struct fixture *f = *state;

	guest_store(f, 0xfee000f0, 0x1ff);
	guest_store(f, 0xfee003e0, 0xb);
	guest_store(f, 0xfee00320, 0xec);
	guest_store(f, 0xfee00380, 3000000);
	assert_ok(RUN(f, step_until_timer));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0xec);
	guest_store(f, 0xfee000b0, 0);
	guest_store(f, 0xfee00320, 0x400ec);
	assert_int_equal(msr_set(f, MSR_TSC_DEADLINE, 1), 1);
	assert_ok(RUN(f, step_until_timer));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0xec);
}

/* IRQ 0 by the 8259s; its end lets the next tick come. */
static void pit_ticks(void **state)
{
	struct fixture *f = *state;

	guest_out(f, 0x20, 0x11);
	guest_out(f, 0x21, 0x08);
	guest_out(f, 0x21, 0x04);
	guest_out(f, 0x21, 0x01);
	guest_out(f, 0x43, 0x34);
	guest_out(f, 0x40, 0xa9);
	guest_out(f, 0x40, 0x04);
	for (unsigned int i = 0; i < 3; i++) {
		assert_ok(RUN(f, step_until_timer));
		assert_int_equal(fake.ops->take_interrupt(f->v), 0x08);
		guest_out(f, 0x20, 0x20);
	}
	guest_in(f, 0x40);
	access = (struct engine_exit){.reason = ENGINE_EXIT_IO,
				      .io = {.in = true, .size = 1, .port = 0x61, .count = 1}};
	assert_ok(RUN(f, step_access));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IO); /* no dummy was asked for */
}

static void chips_come_back(void **state)
{
	struct fixture *f = *state;
	struct kvm_irqchip saved, again;
	struct kvm_pit_state2 pit;
	struct kvm_lapic_state lapic, lapic_again;

	for (uint32_t i = 0; i < 3; i++) {
		saved = again = (struct kvm_irqchip){.chip_id = i};
		assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &saved));
		assert_ok(ioc(f->vm, KVM_SET_IRQCHIP, &saved));
		assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &again));
		assert_memory_equal(&again, &saved, sizeof(saved));
	}
	saved.chip_id = 3;
	assert_err(ioc(f->vm, KVM_GET_IRQCHIP, &saved), EINVAL);
	assert_err(ioc(f->vm, KVM_SET_IRQCHIP, &saved), EINVAL);
	assert_ok(ioc(f->vm, KVM_GET_PIT2, &pit));
	assert_ok(ioc(f->vm, KVM_SET_PIT2, &pit));
	guest_store(f, 0xfee000f0, 0x1ff);
	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	assert_ok(ioc(f->vcpu, KVM_SET_LAPIC, &lapic));
	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic_again));
	assert_memory_equal(&lapic_again, &lapic, sizeof(lapic));
}

static void interrupt_belongs_to_split_mode(void **state)
{
	struct fixture *f = *state;
	struct kvm_interrupt interrupt = {.irq = 0x30};

	assert_err(ioc(f->vcpu, KVM_INTERRUPT, &interrupt), ENXIO);
}

static void split_takes_interrupts_of_the_vmm(void **state)
{
	struct fixture *f = *state;
	struct kvm_interrupt interrupt = {.irq = 0x30};

	assert_ok(ioc(f->vcpu, KVM_INTERRUPT, &interrupt));
	assert_err(ioc(f->vcpu, KVM_INTERRUPT, &interrupt), EEXIST);
	assert_true(fake.ops->has_interrupt(f->v));
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x30);
	assert_ok(ioc(f->vcpu, KVM_INTERRUPT, &interrupt));
}

static enum engine_exit_reason step_kick(struct engine_vcpu *v)
{
	return ENGINE_EXIT_KICK;
}

static void split_level_eoi_exits(void **state)
{
	struct fixture *f = *state;
	struct {
		struct routing_head head;
		struct kvm_irq_routing_entry entry;
	} routing = {{.nr = 1},
		     {.gsi = 9,
		      .type = KVM_IRQ_ROUTING_MSI,
		      .u.msi = {.address_lo = 0xfee00000, .data = 0xc031}}};

	assert_ok(ioc(f->vm, KVM_SET_GSI_ROUTING, &routing));
	guest_store(f, 0xfee000f0, 0x1ff);
	assert_int_equal(set_gsi(f, 9, 1), 1);
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x31);
	access = (struct engine_exit){.reason = ENGINE_EXIT_MMIO,
				      .mmio = {.gpa = 0xfee000b0, .len = 4, .write = true}};
	assert_ok(RUN(f, step_access, step_kick));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_IOAPIC_EOI);
	assert_int_equal(f->run->eoi.vector, 0x31);
	access = (struct engine_exit){.reason = ENGINE_EXIT_MMIO,
				      .mmio = {.gpa = 0xfec00000, .len = 4}};
	assert_ok(RUN(f, step_access));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_MMIO);
}

static void window_is_told_when_lint0_passes_it_on(void **state)
{
	struct fixture *f = *state;

	f->v->cpu.state.rflags |= X86_EFLAGS_IF;
	f->run->request_interrupt_window = 1;
	guest_load(f, 0xfee00030);
	assert_true(f->v->want_irq_window);
	assert_int_equal(f->run->ready_for_interrupt_injection, 1);
	guest_store(f, 0xfee00350, 0x10000);
	assert_false(f->v->want_irq_window);
	assert_int_equal(f->run->ready_for_interrupt_injection, 0);
}

static void reports_of_tpr_are_accepted(void **state)
{
	struct fixture *f = *state;
	struct kvm_tpr_access_ctl control = {.enabled = 1};
	struct kvm_vapic_addr vapic = {.vapic_addr = 0x1000};

	assert_ok(ioc(f->vcpu, KVM_TPR_ACCESS_REPORTING, &control));
	control.flags = 1;
	assert_err(ioc(f->vcpu, KVM_TPR_ACCESS_REPORTING, &control), EINVAL);
	assert_ok(ioc(f->vcpu, KVM_SET_VAPIC_ADDR, &vapic));
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest irqchip_tests[] = {
	CASE(create_once_and_before_vcpus, setup),
	CASE(without_irqchip_nothing_is_there, setup),
	CASE(line_goes_to_the_processor, setup_full),
	CASE(line_goes_by_the_8259s, setup_full),
	CASE(message_goes_to_the_processor, setup_full),
	CASE(nmi_by_message_is_pending, setup_full),
	CASE(nmi_by_message_is_saved, setup_full),
	CASE(cr8_is_the_task_priority, setup_full),
	CASE(x2apic_needs_its_cpuid_bit, setup_full),
	CASE(timer_interrupts_a_running_processor, setup_full),
	CASE(pit_ticks, setup_full),
	CASE(chips_come_back, setup_full),
	CASE(interrupt_belongs_to_split_mode, setup_full),
	CASE(split_takes_interrupts_of_the_vmm, setup_split),
	CASE(split_level_eoi_exits, setup_split),
	CASE(window_is_told_when_lint0_passes_it_on, setup_split),
	CASE(reports_of_tpr_are_accepted, setup_full),
};
const size_t irqchip_test_count = ARRAY_SIZE(irqchip_tests);
