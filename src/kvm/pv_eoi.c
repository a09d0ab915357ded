// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSR_KVM_PV_EOI_EN: while the bit in its memory is set, the guest ends an interrupt by
 * clearing the bit instead of writing to the local APIC. The bit is set when an interrupt is
 * delivered whose end nobody waits for; what has come of it is asked only when somebody
 * looks at the local APIC: an interrupt that came meanwhile, the guest, the VMM.
 */
#include "kvm/vcpu.h"

#include <asm/kvm_para.h>

static gpa_t bit_gpa(const struct kvm_vcpu *vcpu)
{
	return vcpu->pv.eoi.msr & ~(uint64_t)KVM_MSR_ENABLED;
}

bool pv_eoi_set_msr(struct kvm_vcpu *vcpu, uint64_t value)
{
	gpa_t gpa = value & ~(uint64_t)KVM_MSR_ENABLED;
	uint8_t byte;

	if (!is_aligned(gpa, 4))
		return false;
	if ((value & KVM_MSR_ENABLED) && vm_guest_read(vcpu->vm, gpa, &byte, sizeof(byte)))
		return false;
	pv_eoi_sync(vcpu);
	vcpu->pv.eoi.msr = value;
	return true;
}

/* Its end has consequences in another chip, or for a device's descriptor. */
static bool is_watched(const struct kvm_vcpu *vcpu, uint8_t vector)
{
	const struct vm_irqchip *chip = &vcpu->vm->irq;

	return irqchip_kind(chip) == IRQCHIP_FULL && ioapic_is_watched(&chip->ioapic, vector);
}

static void finish(struct kvm_vcpu *vcpu, bool ended)
{
	struct lapic_effect effect = {0};

	vcpu->pv.eoi.armed = false;
	lapic_finish_unsaid_eoi(&vcpu->lapic, ended, &effect);
	/* It may be watched since. */
	if (effect.eoi)
		irqchip_eoi(vcpu, effect.vector, effect.eoi_broadcast);
}

void pv_eoi_arm(struct kvm_vcpu *vcpu, uint8_t vector)
{
	const uint8_t bit = KVM_PV_EOI_ENABLED;

	if (!(vcpu->pv.eoi.msr & KVM_MSR_ENABLED) || is_watched(vcpu, vector))
		return;
	if (!lapic_begin_unsaid_eoi(&vcpu->lapic))
		return;
	vcpu->pv.eoi.armed = true;
	if (vcpu_guest_write(vcpu, bit_gpa(vcpu), &bit, sizeof(bit)))
		finish(vcpu, false);
}

void pv_eoi_sync(struct kvm_vcpu *vcpu)
{
	uint8_t bit = KVM_PV_EOI_DISABLED;
	bool ended;

	if (likely(!vcpu->pv.eoi.armed))
		return;
	/* As KVM has it, memory that went away says "ended": else nothing would come through any more. */
	ended = vcpu_guest_swap8(vcpu, bit_gpa(vcpu), &bit) || !(bit & KVM_PV_EOI_ENABLED);
	finish(vcpu, ended);
}
