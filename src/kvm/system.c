// SPDX-License-Identifier: GPL-2.0-or-later
/* The ioctls of /dev/kvm. */
#include "kvm/system.h"

#include "kvm/vcpu.h"

#include <stdlib.h>

struct kvm_system {
	struct kvm_object obj;
};

static long system_ioc_get_api_version(struct kvm_object *obj, unsigned long arg)
{
	return arg ? -EINVAL : KVM_API_VERSION;
}

static long system_ioc_check_extension(struct kvm_object *obj, unsigned long arg)
{
	return cap_check(arg);
}

static long system_ioc_create_vm(struct kvm_object *obj, unsigned long arg)
{
	return vm_create(arg);
}

static long system_ioc_get_vcpu_mmap_size(struct kvm_object *obj, unsigned long arg)
{
	return arg ? -EINVAL : VCPU_PAGES * 4096;
}

static long system_ioc_get_msr_index_list(struct kvm_object *obj, unsigned long arg)
{
	return system_get_msr_index_list(arg);
}

static long system_ioc_get_msr_feature_index_list(struct kvm_object *obj, unsigned long arg)
{
	return system_get_msr_feature_index_list(arg);
}

static long system_ioc_get_msrs(struct kvm_object *obj, unsigned long arg)
{
	return system_get_msrs(arg);
}

static long system_ioc_get_supported_cpuid(struct kvm_object *obj, unsigned long arg)
{
	return system_get_supported_cpuid(arg);
}

static long system_ioc_get_emulated_cpuid(struct kvm_object *obj, unsigned long arg)
{
	return system_get_emulated_cpuid(arg);
}

static long system_ioc_get_mce_cap_supported(struct kvm_object *obj, void *data)
{
	*(uint64_t *)data = MCE_CAP_SUPPORTED;
	return 0;
}

static const struct ioctl_entry ioctls[] = {
	{KVM_GET_API_VERSION, .plain = system_ioc_get_api_version},
	{KVM_CHECK_EXTENSION, .plain = system_ioc_check_extension},
	{KVM_CREATE_VM, .plain = system_ioc_create_vm},
	{KVM_GET_VCPU_MMAP_SIZE, .plain = system_ioc_get_vcpu_mmap_size},
	{KVM_GET_MSR_INDEX_LIST, .plain = system_ioc_get_msr_index_list},
	{KVM_GET_MSR_FEATURE_INDEX_LIST, .plain = system_ioc_get_msr_feature_index_list},
	{KVM_GET_MSRS, .plain = system_ioc_get_msrs},
	{KVM_GET_SUPPORTED_CPUID, .plain = system_ioc_get_supported_cpuid},
	{KVM_GET_EMULATED_CPUID, .plain = system_ioc_get_emulated_cpuid},
	{KVM_X86_GET_MCE_CAP_SUPPORTED, .data = system_ioc_get_mce_cap_supported},
};

/* Linux 6.1 says EINVAL here, and ENOTTY for a VM. */
static long system_ioctl(struct kvm_object *obj, uint32_t request, unsigned long arg)
{
	return ioctl_dispatch(obj, ioctls, ARRAY_SIZE(ioctls), request, arg, -EINVAL);
}

static void system_release(struct kvm_object *obj)
{
	free(container_of(obj, struct kvm_system, obj));
}

static const struct kvm_object_class system_class = {
	.kind = KVM_KIND_SYSTEM,
	.ioctl = system_ioctl,
	.release = system_release,
};

int kvm_system_open(struct kvm_object **obj)
{
	struct kvm_system *system = calloc(1, sizeof(*system));

	if (!system)
		return -ENOMEM;
	object_init(&system->obj, &system_class);
	*obj = &system->obj;
	return 0;
}
