// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* secure_getenv */
#include "kvm/vm.h"

#include "host/message.h"
#include "host/options.h"
#include "host/platform.h"
#include "host/size.h"
#include "kvm/system.h"
#include "kvm/vcpu.h"
#include "lib/lock.h"

#include <stdlib.h>

#define MIN_MMU_PAGES 64 /* KVM_MIN_ALLOC_MMU_PAGES */

void vm_lock(struct kvm_vm *vm)
{
	lock_rank_acquire(LOCK_VM);
	pthread_mutex_lock(&vm->lock);
}

void vm_unlock(struct kvm_vm *vm)
{
	pthread_mutex_unlock(&vm->lock);
	lock_rank_release(LOCK_VM);
}

static long vm_ioc_check_extension(struct kvm_object *obj, unsigned long arg)
{
	return cap_check(arg);
}

/* Where Intel's virtualization would hide its pages of real mode: accepted, we need none. */
static long vm_ioc_set_tss_addr(struct kvm_object *obj, unsigned long addr)
{
	return addr > UINT32_MAX - 3 * 4096 + 1 ? -EINVAL : 0;
}

static long vm_ioc_set_identity_map_addr(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	long ret = -EINVAL;

	vm_lock(vm);
	if (!vm->vcpu_count) {
		vm->identity_map = *(const uint64_t *)data;
		ret = 0;
	}
	vm_unlock(vm);
	return ret;
}

static long vm_ioc_set_nr_mmu_pages(struct kvm_object *obj, unsigned long pages)
{
	struct kvm_vm *vm = vm_of_object(obj);

	if (pages < MIN_MMU_PAGES)
		return -EINVAL;
	vm_lock(vm);
	vm->nr_mmu_pages = (uint32_t)pages;
	vm_unlock(vm);
	return 0;
}

static long vm_ioc_get_nr_mmu_pages(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vm *vm = vm_of_object(obj);
	long ret;

	vm_lock(vm);
	ret = vm->nr_mmu_pages;
	vm_unlock(vm);
	return ret;
}

static long vm_ioc_set_boot_cpu_id(struct kvm_object *obj, unsigned long id)
{
	struct kvm_vm *vm = vm_of_object(obj);
	long ret = -EBUSY;

	vm_lock(vm);
	if (!vm->vcpu_count) {
		vm->bsp_id = (uint32_t)id;
		ret = 0;
	}
	vm_unlock(vm);
	return ret;
}

static const struct ioctl_entry ioctls[] = {
	{KVM_CHECK_EXTENSION, .plain = vm_ioc_check_extension},
	{KVM_CREATE_VCPU, .plain = vm_ioc_create_vcpu},
	{KVM_ENABLE_CAP, .data = vm_ioc_enable_cap},
	{KVM_SET_USER_MEMORY_REGION, .data = vm_ioc_set_user_memory_region},
	{KVM_GET_DIRTY_LOG, .data = vm_ioc_get_dirty_log},
	{KVM_CLEAR_DIRTY_LOG, .data = vm_ioc_clear_dirty_log},
	{KVM_SET_TSS_ADDR, .plain = vm_ioc_set_tss_addr},
	{KVM_SET_IDENTITY_MAP_ADDR, .data = vm_ioc_set_identity_map_addr},
	{KVM_SET_NR_MMU_PAGES, .plain = vm_ioc_set_nr_mmu_pages},
	{KVM_GET_NR_MMU_PAGES, .plain = vm_ioc_get_nr_mmu_pages},
	{KVM_SET_BOOT_CPU_ID, .plain = vm_ioc_set_boot_cpu_id},
	{KVM_CREATE_IRQCHIP, .plain = vm_ioc_create_irqchip},
	{KVM_GET_IRQCHIP, .data = vm_ioc_get_irqchip},
	{KVM_SET_IRQCHIP, .plain = vm_ioc_set_irqchip},
	{KVM_CREATE_PIT, .plain = vm_ioc_create_pit},
	{KVM_CREATE_PIT2, .data = vm_ioc_create_pit2},
	{KVM_GET_PIT2, .data = vm_ioc_get_pit2},
	{KVM_SET_PIT2, .data = vm_ioc_set_pit2},
	{KVM_REINJECT_CONTROL, .plain = vm_ioc_reinject_control},
	{KVM_IRQ_LINE, .data = vm_ioc_irq_line},
	{KVM_IRQ_LINE_STATUS, .data = vm_ioc_irq_line},
	{KVM_SIGNAL_MSI, .data = vm_ioc_signal_msi},
	{KVM_IRQFD, .data = vm_ioc_irqfd},
	{KVM_SET_GSI_ROUTING, .plain = vm_ioc_set_gsi_routing},
	{KVM_X86_SET_MSR_FILTER, .data = vm_ioc_set_msr_filter},
	{KVM_GET_CLOCK, .data = vm_ioc_get_clock},
	{KVM_SET_CLOCK, .data = vm_ioc_set_clock},
	{KVM_IOEVENTFD, .data = vm_ioc_ioeventfd},
	{KVM_REGISTER_COALESCED_MMIO, .data = vm_ioc_register_coalesced_mmio},
	{KVM_UNREGISTER_COALESCED_MMIO, .data = vm_ioc_unregister_coalesced_mmio},
};

static long vm_ioctl(struct kvm_object *obj, uint32_t request, unsigned long arg)
{
	return ioctl_dispatch(obj, ioctls, ARRAY_SIZE(ioctls), request, arg, -ENOTTY);
}

static void vm_release(struct kvm_object *obj)
{
	struct kvm_vm *vm = vm_of_object(obj);

	service_stop(vm);
	for (unsigned int i = 0; i < vm->vcpu_count; i++)
		vcpu_free(vm->vcpu[i]);
	engine_free(vm->engine);
	irqchip_destroy(&vm->irq);
	vm_free_slots(vm->slots);
	pthread_mutex_destroy(&vm->regions_lock);
	io_bus_destroy(&vm->bus);
	msr_filter_destroy(&vm->filter);
	vm_clock_destroy(&vm->clock);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

static const struct kvm_object_class vm_class = {
	.kind = KVM_KIND_VM,
	.ioctl = vm_ioctl,
	.release = vm_release,
};

/* For tests of debug builds: EXCLAVE_STRESS=RATE[,SEED], see CONTRIBUTING.md. */
static void set_stress(struct engine_config *config)
{
#ifdef EXCLAVE_DEBUG_LOCKS
	const char *text = secure_getenv("EXCLAVE_STRESS");
	char *end;

	if (!text)
		return;
	config->stress = (uint32_t)strtoul(text, &end, 10);
	if (*end == ',')
		config->stress_seed = (uint32_t)strtoul(end + 1, NULL, 10);
#endif
}

/* Bytes, or 0 for the default. */
static size_t code_cache_size(void)
{
	const char *text = option_get(OPTION_CODE_CACHE);
	uint64_t size;

	if (!text)
		return 0;
	if (!code_cache_parse(text, &size))
		return size;
	host_warn_once("EXCLAVE_CODE_CACHE=%s: is no size from 1M to 1G; taken as the default",
		       text);
	return 0;
}

/* The VMM has only an error number to show, so the cause and the remedy come from here. */
static void explain_engine(int ret)
{
	if (ret == -ENOMEM)
		host_warn("no room for the code cache of a VM; raise the limit of address space "
			  "(ulimit -v), or choose a smaller one with EXCLAVE_CODE_CACHE");
	else if (ret == -EACCES || ret == -EPERM)
		host_warn("no executable memory for translated code: a security policy forbids it; "
			  "allow it for this program, for example SELinux' execmem, or a seccomp "
			  "filter's mmap with PROT_EXEC");
}

static int make_engine(struct kvm_vm *vm)
{
	static const struct engine_ops ops = {
		.rdmsr = vcpu_rdmsr,
		.wrmsr = vcpu_wrmsr,
		.take_interrupt = vcpu_take_apic_interrupt,
		.has_interrupt = vcpu_has_apic_interrupt,
		.encls_exit = vcpu_encls_exit,
		.hypercall = vcpu_hypercall,
	};
	struct engine_config config = {.ops = &ops, .cache_size = code_cache_size()};
	int ret;

	set_stress(&config);
	sgx_host_on_page_changed(engine_code_changed);
	vm->slots = memslots_new(system_phys_bits(), vm_synchronize, vm);
	if (!vm->slots)
		return -ENOMEM;
	config.slots = vm->slots;
	ret = engine_new(&config, &vm->engine);
	if (ret) {
		explain_engine(ret);
		memslots_free(vm->slots);
	}
	return ret;
}

long vm_create(unsigned long type)
{
	struct kvm_vm *vm;
	int ret;

	if (type)
		return -EINVAL;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	ret = irqchip_init(&vm->irq, VM_MAX_VCPUS);
	if (ret)
		goto err_free;
	ret = make_engine(vm);
	if (ret)
		goto err_irqchip;
	object_init(&vm->obj, &vm_class);
	pthread_mutex_init(&vm->lock, NULL);
	pthread_mutex_init(&vm->regions_lock, NULL);
	io_bus_init(&vm->bus);
	msr_filter_init(&vm->filter);
	vm_clock_init(&vm->clock, host_tsc_khz());
	ret = object_new_fd(&vm->obj, "kvm-vm");
	if (ret < 0)
		kvm_object_put(&vm->obj);
	return ret;

err_irqchip:
	irqchip_destroy(&vm->irq);
err_free:
	free(vm);
	return ret;
}
