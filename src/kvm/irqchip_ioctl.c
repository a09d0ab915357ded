// SPDX-License-Identifier: GPL-2.0-or-later
/* The VM's ioctls of interrupt controllers. */
#include "kvm/irqchip.h"

#include "kvm/user.h"
#include "kvm/vm.h"

#include <string.h>

#define MAX_SPLIT_PINS IRQCHIP_MAX_ROUTES

/* Nothing is ours yet, and no processor has come without. Return: 0 or -errno. */
static int __may_create(const struct kvm_vm *vm, int err_vcpus)
{
	if (irqchip_has_lapic(&vm->irq))
		return -EEXIST;
	return vm->vcpu_count ? err_vcpus : 0;
}

long vm_ioc_create_irqchip(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vm *vm = vm_of_object(obj);
	long ret;

	vm_lock(vm);
	ret = __may_create(vm, -EINVAL);
	if (!ret)
		ret = irq_routing_set_default(&vm->irq);
	if (!ret)
		atomic_store(&vm->irq.kind, IRQCHIP_FULL);
	vm_unlock(vm);
	return ret;
}

long vm_enable_split_irqchip(struct kvm_vm *vm, uint64_t pins)
{
	long ret;

	if (pins > MAX_SPLIT_PINS)
		return -EINVAL;
	vm_lock(vm);
	ret = __may_create(vm, -EEXIST);
	if (!ret) {
		vm->irq.split_pins = (uint32_t)pins;
		atomic_store(&vm->irq.kind, IRQCHIP_SPLIT);
	}
	vm_unlock(vm);
	return ret;
}

long vm_enable_x2apic_api(struct kvm_vm *vm, uint64_t flags)
{
	if (flags &
	    ~(uint64_t)(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK))
		return -EINVAL;
	if (flags & KVM_X2APIC_API_USE_32BIT_IDS)
		atomic_store(&vm->irq.wide_ids, true);
	if (flags & KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
		atomic_store(&vm->irq.bus.narrow_broadcast_off, true);
	return 0;
}

/* KVM_IRQ_LINE, too, whose result nobody sees. */
long vm_ioc_irq_line(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	struct kvm_irq_level *line = data;

	if (!irqchip_has_lapic(&vm->irq))
		return -ENXIO;
	/* A device lowers its line often, which tells nobody of anything it has written. */
	if (line->level)
		engine_memory_written(vm->engine);
	line->status = irqchip_set_gsi(vm, IRQ_SOURCE_VMM, line->irq, line->level);
	return 0;
}

long vm_ioc_signal_msi(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_msi *msi = data;

	if (!irqchip_has_lapic(&vm->irq) || msi->flags)
		return -EINVAL;
	engine_memory_written(vm->engine);
	return irqchip_send_msi(vm, msi);
}

long vm_ioc_get_irqchip(struct kvm_object *obj, void *data)
{
	struct vm_irqchip *chip = &vm_of_object(obj)->irq;
	struct kvm_irqchip *state = data;

	if (irqchip_kind(chip) != IRQCHIP_FULL)
		return -ENXIO;
	switch (state->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(&chip->pic, state->chip_id, &state->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(&chip->ioapic, &state->chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

/* The request's number says that it is read, not written. */
long vm_ioc_set_irqchip(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vm *vm = vm_of_object(obj);
	struct kvm_irqchip state;

	if (user_read(&state, arg, sizeof(state)))
		return -EFAULT;
	if (irqchip_kind(&vm->irq) != IRQCHIP_FULL)
		return -ENXIO;
	switch (state.chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(&vm->irq.pic, state.chip_id, &state.chip.pic);
		irqchip_pic_changed(vm);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_set_state(&vm->irq.ioapic, &state.chip.ioapic);
		return 0;
	default:
		return -EINVAL;
	}
}

static long create_pit(struct kvm_vm *vm, uint32_t flags)
{
	struct vm_irqchip *chip = &vm->irq;
	long ret = 0;

	vm_lock(vm);
	if (atomic_load(&chip->has_pit)) {
		ret = -EEXIST;
	} else if (irqchip_kind(chip) != IRQCHIP_FULL) {
		ret = -ENOENT;
	} else {
		chip->has_speaker = flags & KVM_PIT_SPEAKER_DUMMY;
		atomic_store(&chip->has_pit, true);
		irqfds_lock(&chip->irqfds);
		irq_routing_lock(chip);
		__irqfd_watch(vm);
		irq_routing_unlock(chip);
		irqfds_unlock(&chip->irqfds);
	}
	vm_unlock(vm);
	return ret;
}

long vm_ioc_create_pit2(struct kvm_object *obj, void *data)
{
	const struct kvm_pit_config *config = data;

	return create_pit(vm_of_object(obj), config->flags);
}

long vm_ioc_create_pit(struct kvm_object *obj, unsigned long arg)
{
	return create_pit(vm_of_object(obj), KVM_PIT_SPEAKER_DUMMY);
}

long vm_ioc_get_pit2(struct kvm_object *obj, void *data)
{
	struct vm_irqchip *chip = &vm_of_object(obj)->irq;

	if (!atomic_load(&chip->has_pit))
		return -ENXIO;
	pit_get_state(&chip->pit, data);
	return 0;
}

long vm_ioc_set_pit2(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);

	if (!atomic_load(&vm->irq.has_pit))
		return -ENXIO;
	pit_set_state(&vm->irq.pit, data);
	service_arm(vm, pit_deadline(&vm->irq.pit));
	return 0;
}

long vm_ioc_reinject_control(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vm *vm = vm_of_object(obj);
	struct kvm_reinject_control control;

	if (user_read(&control, arg, sizeof(control)))
		return -EFAULT;
	if (!atomic_load(&vm->irq.has_pit))
		return -ENXIO;
	pit_set_reinject(&vm->irq.pit, control.pit_reinject);
	return 0;
}
