// SPDX-License-Identifier: GPL-2.0-or-later
/* Which port and which address is which chip's. */
#include "kvm/irqchip.h"

#include "kvm/vcpu.h"

#include <string.h>

enum port_owner {
	PORT_NONE,
	PORT_PIC,
	PORT_PIT,
	PORT_SPEAKER,
};

static enum port_owner owner_of(const struct vm_irqchip *chip, uint16_t port)
{
	uint16_t even = port & (uint16_t)~1;

	if (irqchip_kind(chip) != IRQCHIP_FULL)
		return PORT_NONE;
	if (even == PIC_MASTER || even == PIC_SLAVE || even == PIC_ELCR)
		return PORT_PIC;
	if (!atomic_load(&chip->has_pit))
		return PORT_NONE;
	if (port >= PIT_PORT && port < PIT_PORT + PIT_PORTS)
		return PORT_PIT;
	return port == PIT_SPEAKER && chip->has_speaker ? PORT_SPEAKER : PORT_NONE;
}

static uint8_t read_port(struct kvm_vm *vm, enum port_owner owner, uint16_t port)
{
	uint8_t value = 0xff;

	switch (owner) {
	case PORT_NONE:
		break;
	case PORT_PIC:
		value = pic_read(&vm->irq.pic, port);
		irqchip_pic_changed(vm);
		break;
	case PORT_PIT:
		value = pit_read(&vm->irq.pit, port - PIT_PORT);
		break;
	case PORT_SPEAKER:
		value = pit_speaker_read(&vm->irq.pit);
		break;
	}
	return value;
}

static void write_port(struct kvm_vm *vm, enum port_owner owner, uint16_t port, uint8_t value)
{
	switch (owner) {
	case PORT_NONE:
		break;
	case PORT_PIC:
		pic_write(&vm->irq.pic, port, value);
		irqchip_pic_changed(vm);
		break;
	case PORT_PIT:
		pit_write(&vm->irq.pit, port - PIT_PORT, value);
		service_arm(vm, pit_deadline(&vm->irq.pit));
		break;
	case PORT_SPEAKER:
		pit_speaker_write(&vm->irq.pit, value);
		break;
	}
}

/* The chips are eight bits wide: of a wider access only the first byte is for them. */
bool chips_read_port(struct kvm_vm *vm, uint16_t port, uint8_t *data, uint32_t len)
{
	enum port_owner owner = owner_of(&vm->irq, port);

	if (owner == PORT_NONE)
		return false;
	memset(data, 0, len);
	data[0] = read_port(vm, owner, port);
	return true;
}

bool chips_write_port(struct kvm_vm *vm, uint16_t port, const uint8_t *data, uint32_t len)
{
	enum port_owner owner = owner_of(&vm->irq, port);

	if (owner == PORT_NONE)
		return false;
	write_port(vm, owner, port, data[0]);
	return true;
}

static bool is_lapic(const struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return irqchip_has_lapic(&vcpu->vm->irq) &&
	       (gpa & LAPIC_BASE_PAGE) == (lapic_base(&vcpu->lapic) & LAPIC_BASE_PAGE);
}

/* Switched off, or with its registers in MSRs: KVM leaves a hole in the address space. */
static bool has_page(const struct kvm_vcpu *vcpu)
{
	return (lapic_base(&vcpu->lapic) & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC)) ==
	       LAPIC_BASE_ENABLE;
}

static bool is_ioapic(const struct kvm_vcpu *vcpu, gpa_t gpa)
{
	return irqchip_kind(&vcpu->vm->irq) == IRQCHIP_FULL && gpa >= IOAPIC_DEFAULT_BASE &&
	       gpa < IOAPIC_DEFAULT_BASE + IOAPIC_SIZE;
}

bool chips_read(struct kvm_vcpu *vcpu, gpa_t gpa, uint8_t *data, uint32_t len)
{
	uint32_t value;

	if (is_lapic(vcpu, gpa)) {
		memset(data, 0xff, len);
		if (!has_page(vcpu))
			return true;
		value = vcpu_lapic_read(vcpu, gpa & 0xfff);
	} else if (is_ioapic(vcpu, gpa)) {
		memset(data, 0, len);
		value = ioapic_read(&vcpu->vm->irq.ioapic, gpa & 0xff);
	} else {
		return false;
	}
	memcpy(data, &value, len < sizeof(value) ? len : sizeof(value));
	return true;
}

bool chips_write(struct kvm_vcpu *vcpu, gpa_t gpa, const uint8_t *data, uint32_t len)
{
	uint32_t value = 0;

	memcpy(&value, data, len < sizeof(value) ? len : sizeof(value));
	if (is_lapic(vcpu, gpa)) {
		/* SDM: registers are written as a whole. */
		if (len >= sizeof(value) && has_page(vcpu))
			vcpu_lapic_write(vcpu, gpa & 0xfff, value);
		return true;
	}
	if (!is_ioapic(vcpu, gpa))
		return false;
	ioapic_write(&vcpu->vm->irq.ioapic, gpa & 0xff, value);
	return true;
}
