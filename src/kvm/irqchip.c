// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts on their way between lines, chips and processors. */
#include "kvm/irqchip.h"

#include "kvm/vcpu.h"

#include <stdlib.h>
#include <time.h>

#define PIT_GSI 0

uint64_t irqchip_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int irqchip_init(struct vm_irqchip *chip, unsigned int max_vcpus)
{
	int ret = apic_bus_init(&chip->bus, max_vcpus);

	if (ret)
		return ret;
	pthread_mutex_init(&chip->routing_lock, NULL);
	pic_init(&chip->pic);
	ioapic_init(&chip->ioapic, &chip->bus);
	pit_init(&chip->pit, irqchip_now);
	irqfds_init(&chip->irqfds);
	service_init(&chip->service);
	return 0;
}

void irqchip_destroy(struct vm_irqchip *chip)
{
	irqfds_destroy(&chip->irqfds);
	pit_destroy(&chip->pit);
	ioapic_destroy(&chip->ioapic);
	pic_destroy(&chip->pic);
	pthread_mutex_destroy(&chip->routing_lock);
	free(chip->route);
	apic_bus_destroy(&chip->bus);
}

static int send_msi(struct vm_irqchip *chip, uint32_t address_lo, uint32_t address_hi,
		    uint32_t data)
{
	struct apic_message message = apic_message_of_msi(address_lo | (uint64_t)address_hi << 32,
							  data, atomic_load(&chip->wide_ids));

	return apic_bus_send(&chip->bus, &message, NULL);
}

int irqchip_send_msi(struct kvm_vm *vm, const struct kvm_msi *msi)
{
	return send_msi(&vm->irq, msi->address_lo, msi->address_hi, msi->data);
}

static int __deliver(struct vm_irqchip *chip, const struct kvm_irq_routing_entry *e, uint8_t source,
		     bool level)
{
	if (e->type == KVM_IRQ_ROUTING_MSI)
		return level ? send_msi(chip, e->u.msi.address_lo, e->u.msi.address_hi,
					e->u.msi.data)
			     : -1;
	if (e->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC)
		return ioapic_set_pin(&chip->ioapic, e->u.irqchip.pin, source, level);
	return pic_set_pin(&chip->pic, e->u.irqchip.irqchip * 8 + e->u.irqchip.pin, source, level);
}

int irqchip_set_gsi(struct kvm_vm *vm, uint8_t source, uint32_t gsi, bool level)
{
	struct vm_irqchip *chip = &vm->irq;
	int ret = -1;

	irq_routing_lock(chip);
	for (unsigned int i = 0; i < chip->route_count; i++) {
		int one;

		if (chip->route[i].gsi != gsi)
			continue;
		one = __deliver(chip, &chip->route[i], source, level);
		if (one >= 0)
			ret = one + (ret < 0 ? 0 : ret);
	}
	irq_routing_unlock(chip);
	if (pic_output(&chip->pic))
		apic_bus_wake_extint(&chip->bus);
	return ret;
}

void irqchip_pulse_gsi(struct kvm_vm *vm, uint8_t source, uint32_t gsi)
{
	irqchip_set_gsi(vm, source, gsi, true);
	irqchip_set_gsi(vm, source, gsi, false);
}

static void pulse_pit(struct kvm_vm *vm)
{
	int ret = irqchip_set_gsi(vm, IRQ_SOURCE_PIT, PIT_GSI, true);

	irqchip_set_gsi(vm, IRQ_SOURCE_PIT, PIT_GSI, false);
	if (ret < 0)
		pit_not_taken(&vm->irq.pit);
}

void irqchip_expire_pit(struct kvm_vm *vm)
{
	if (atomic_load(&vm->irq.has_pit) && pit_expire(&vm->irq.pit))
		pulse_pit(vm);
}

static void gsi_ended(struct kvm_vm *vm, uint32_t gsi)
{
	struct vm_irqchip *chip = &vm->irq;

	if (gsi == PIT_GSI && atomic_load(&chip->has_pit) && pit_end_of_interrupt(&chip->pit))
		pulse_pit(vm);
	if (atomic_load(&chip->irqfds.resamplers))
		irqfd_resample(vm, gsi);
}

void irqchip_ended(struct kvm_vm *vm, uint32_t irqchip, uint32_t pins)
{
	for (; pins; pins &= pins - 1) {
		int gsi;

		irq_routing_lock(&vm->irq);
		gsi = __irq_routing_gsi_of(&vm->irq, irqchip, (unsigned int)__builtin_ctz(pins));
		irq_routing_unlock(&vm->irq);
		if (gsi >= 0)
			gsi_ended(vm, (uint32_t)gsi);
	}
}

void irqchip_pic_changed(struct kvm_vm *vm)
{
	uint32_t ended = pic_take_ended(&vm->irq.pic);

	irqchip_ended(vm, KVM_IRQCHIP_PIC_MASTER, ended & 0xff);
	irqchip_ended(vm, KVM_IRQCHIP_PIC_SLAVE, ended >> 8);
	if (pic_output(&vm->irq.pic))
		apic_bus_wake_extint(&vm->irq.bus);
}

/* The VMM's I/O APIC hears of it by an exit, before the next instruction. */
static void exit_for_eoi(struct kvm_vcpu *vcpu, uint8_t vector)
{
	const struct vm_irqchip *chip = &vcpu->vm->irq;

	if (!(atomic_load(&chip->eoi_exits[vector / 32]) & BIT32(vector % 32)))
		return;
	vcpu->eoi_exit = true;
	vcpu->eoi_vector = vector;
	engine_request_exit(vcpu->v);
}

void irqchip_eoi(struct kvm_vcpu *vcpu, uint8_t vector, bool is_level)
{
	struct vm_irqchip *chip = &vcpu->vm->irq;

	if (irqchip_kind(chip) == IRQCHIP_FULL) {
		if (!is_level && !ioapic_is_watched(&chip->ioapic, vector))
			return;
		irqchip_ended(vcpu->vm, KVM_IRQCHIP_IOAPIC, ioapic_pins_of(&chip->ioapic, vector));
		ioapic_eoi(&chip->ioapic, vector);
	} else if (is_level) {
		exit_for_eoi(vcpu, vector);
	}
}
