// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_SET_GSI_ROUTING: which tables are accepted, and that they are followed. */
#include "fixture.h"

struct table {
	struct routing_head head;
	struct kvm_irq_routing_entry entry[3];
};

#define CHIP(number, chip, where)                                                \
	{                                                                        \
		.gsi = (number), .type = KVM_IRQ_ROUTING_IRQCHIP, .u.irqchip = { \
			.irqchip = (chip),                                       \
			.pin = (where)                                           \
		}                                                                \
	}
#define MSI(number, vector)                                              \
	{                                                                \
		.gsi = (number), .type = KVM_IRQ_ROUTING_MSI, .u.msi = { \
			.address_lo = 0xfee00000,                        \
			.data = (vector)                                 \
		}                                                        \
	}

static long set_line(struct fixture *f, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	assert_ok(ioc(f->vm, KVM_IRQ_LINE_STATUS, &line));
	return (int)line.status;
}

static void enable_apic(struct fixture *f)
{
	struct kvm_lapic_state lapic;

	assert_ok(ioc(f->vcpu, KVM_GET_LAPIC, &lapic));
	lapic.regs[0xf1] = 1;
	assert_ok(ioc(f->vcpu, KVM_SET_LAPIC, &lapic));
}

static void wrong_tables_einval(void **state)
{
	static const struct table wrong[] = {
		{.head = {.nr = 1}, .entry = {CHIP(4096, KVM_IRQCHIP_IOAPIC, 1)}},
		{.head = {.nr = 1}, .entry = {CHIP(1, KVM_IRQCHIP_IOAPIC, 24)}},
		{.head = {.nr = 1}, .entry = {CHIP(1, KVM_IRQCHIP_PIC_MASTER, 8)}},
		{.head = {.nr = 1}, .entry = {CHIP(1, KVM_IRQCHIP_PIC_SLAVE, 8)}},
		{.head = {.nr = 1}, .entry = {CHIP(1, 3, 0)}},
		{.head = {.nr = 1}, .entry = {{.gsi = 1, .type = 99}}},
		{.head = {.nr = 1}, .entry = {{.gsi = 1, .type = KVM_IRQ_ROUTING_MSI, .flags = 2}}},
		{.head = {.nr = 1},
		 .entry = {{.gsi = 1, .type = KVM_IRQ_ROUTING_IRQCHIP, .flags = 1}}},
		{.head = {.nr = 1}, .entry = {{.gsi = 1, .type = KVM_IRQ_ROUTING_HV_SINT}}},
		{.head = {.nr = 0, .flags = 1}},
		{.head = {.nr = 4097}},
		{.head = {.nr = 3},
		 .entry = {CHIP(1, KVM_IRQCHIP_IOAPIC, 1), MSI(2, 0x31),
			   CHIP(1, KVM_IRQCHIP_IOAPIC, 2)}},
		{.head = {.nr = 2}, .entry = {MSI(1, 0x31), MSI(1, 0x32)}},
		{.head = {.nr = 2}, .entry = {CHIP(1, KVM_IRQCHIP_IOAPIC, 1), MSI(1, 0x32)}},
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_err(ioc(f->vm, KVM_SET_GSI_ROUTING, &wrong[i]), EINVAL);
	assert_err(ioc(f->vm, KVM_SET_GSI_ROUTING, BAD_POINTER), EFAULT);
}

static void split_has_no_chips_to_lead_to(void **state)
{
	struct table pic = {.head = {.nr = 1}, .entry = {CHIP(1, KVM_IRQCHIP_IOAPIC, 1)}};
	struct fixture *f = *state;

	assert_err(ioc(f->vm, KVM_SET_GSI_ROUTING, &pic), EINVAL);
}

static void message_route_is_followed(void **state)
{
	struct table table = {.head = {.nr = 2}, .entry = {MSI(40, 0x31), MSI(41, 0x32)}};
	struct fixture *f = *state;

	enable_apic(f);
	assert_int_equal(set_line(f, 40, 1), -1);
	assert_ok(ioc(f->vm, KVM_SET_GSI_ROUTING, &table));
	assert_int_equal(set_line(f, 41, 1), 1);
	assert_int_equal(set_line(f, 41, 0), -1); /* a message has no level */
	assert_int_equal(fake.ops->take_interrupt(f->v), 0x32);
	assert_int_equal(set_line(f, 4, 1), -1); /* the old routes are gone */
}

static void line_leads_to_two_chips(void **state)
{
	struct table table = {
		.head = {.nr = 2},
		.entry = {CHIP(7, KVM_IRQCHIP_IOAPIC, 20), CHIP(7, KVM_IRQCHIP_PIC_SLAVE, 1)}};
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct fixture *f = *state;

	assert_ok(ioc(f->vm, KVM_SET_GSI_ROUTING, &table));
	assert_int_equal(set_line(f, 7, 1), 1);
	assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &chip));
	assert_int_equal(chip.chip.ioapic.irr, BIT32(20));
	chip.chip_id = KVM_IRQCHIP_PIC_SLAVE;
	assert_ok(ioc(f->vm, KVM_GET_IRQCHIP, &chip));
	assert_int_equal(chip.chip.pic.irr, 2);
}

static void wide_ids_keep_the_low_byte_free(void **state)
{
	struct table table = {.head = {.nr = 1}, .entry = {MSI(40, 0x31)}};
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X2APIC_API,
				     .args = {KVM_X2APIC_API_USE_32BIT_IDS}};
	struct fixture *f = *state;

	table.entry[0].u.msi.address_hi = 1;
	assert_ok(ioc(f->vm, KVM_SET_GSI_ROUTING, &table));
	assert_ok(ioc(f->vm, KVM_ENABLE_CAP, &cap));
	assert_err(ioc(f->vm, KVM_SET_GSI_ROUTING, &table), EINVAL);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest irq_routing_tests[] = {
	CASE(wrong_tables_einval, setup_full),
	CASE(split_has_no_chips_to_lead_to, setup_split),
	CASE(message_route_is_followed, setup_full),
	CASE(line_leads_to_two_chips, setup_full),
	CASE(wide_ids_keep_the_low_byte_free, setup_split),
};
const size_t irq_routing_test_count = ARRAY_SIZE(irq_routing_tests);
