// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_ENABLE_CAP of a VM and of a vCPU. */
#include "kvm/vcpu.h"

#include "lib/lock.h"

#define MSR_EXIT_REASONS \
	(KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)

static long enable_user_space_msr(struct kvm_vm *vm, uint64_t reasons)
{
	if (reasons & ~(uint64_t)MSR_EXIT_REASONS)
		return -EINVAL;
	atomic_store(&vm->user_space_msr, (uint32_t)reasons);
	return 0;
}

static long enable_manual_dirty_log(struct kvm_vm *vm, uint64_t options)
{
	uint64_t allowed = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE;

	/* INITIALLY_SET means nothing by itself. */
	if (options & KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE)
		allowed |= KVM_DIRTY_LOG_INITIALLY_SET;
	if (options & ~allowed)
		return -EINVAL;
	memslots_lock(vm->slots);
	vm->slots->dirty_initially_set = options & KVM_DIRTY_LOG_INITIALLY_SET;
	memslots_unlock(vm->slots);
	atomic_store(&vm->manual_dirty_log, options);
	return 0;
}

static long enable_max_vcpu_id(struct kvm_vm *vm, uint64_t count)
{
	long ret = 0;

	if (count > VM_MAX_VCPU_IDS)
		return -EINVAL;
	vm_lock(vm);
	if (vm->max_vcpu_ids != count) {
		if (vm->max_vcpu_ids || vm->vcpu_count)
			ret = -EINVAL;
		else
			vm->max_vcpu_ids = (uint32_t)count;
	}
	vm_unlock(vm);
	return ret;
}

/* Who could open /dev/sgx_provision may give its enclaves the provisioning key. */
static long enable_sgx_attribute(struct kvm_vm *vm, uint64_t fd)
{
	if (!object_is_provision((int)fd))
		return -EINVAL;
	atomic_store(&vm->sgx_provisioning, true);
	return 0;
}

long vm_ioc_enable_cap(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_enable_cap *cap = data;

	if (cap->flags)
		return -EINVAL;
	switch (cap->cap) {
	case KVM_CAP_EXCEPTION_PAYLOAD:
		atomic_store(&vm->exception_payload, cap->args[0]);
		return 0;
	case KVM_CAP_X86_TRIPLE_FAULT_EVENT:
		atomic_store(&vm->triple_fault_event, cap->args[0]);
		return 0;
	case KVM_CAP_X86_USER_SPACE_MSR:
		return enable_user_space_msr(vm, cap->args[0]);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return enable_manual_dirty_log(vm, cap->args[0]);
	case KVM_CAP_SPLIT_IRQCHIP:
		return vm_enable_split_irqchip(vm, cap->args[0]);
	case KVM_CAP_X2APIC_API:
		return vm_enable_x2apic_api(vm, cap->args[0]);
	case KVM_CAP_SGX_ATTRIBUTE:
		return enable_sgx_attribute(vm, cap->args[0]);
	case KVM_CAP_MAX_VCPU_ID:
		return enable_max_vcpu_id(vm, cap->args[0]);
	default:
		return -EINVAL;
	}
}

long vcpu_ioc_enable_cap(struct kvm_object *obj, void *data)
{
	const struct kvm_enable_cap *cap = data;

	if (cap->flags || cap->cap != KVM_CAP_ENFORCE_PV_FEATURE_CPUID)
		return -EINVAL;
	vcpu_of_object(obj)->pv.enforced = cap->args[0];
	return 0;
}
