// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE /* F_ADD_SEALS */
#include "kvm/vcpu.h"

#include "kvm/system.h"
#include "lib/lock.h"
#include "lib/memfd.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux' own tolerance: within it, a TSC that cannot be scaled counts as the one asked for. */
#define TSC_TOLERANCE_PPM 250

static long vcpu_ioc_get_tsc_khz(struct kvm_object *obj, unsigned long arg)
{
	return vcpu_of_object(obj)->tsc_khz;
}

static long vcpu_ioc_set_tsc_khz(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	uint64_t host = host_tsc_khz(), khz = (uint32_t)arg ? (uint32_t)arg : host;
	uint64_t apart = khz > host ? khz - host : host - khz;

	if (apart * 1000000 > host * TSC_TOLERANCE_PPM)
		return -EINVAL;
	vcpu->tsc_khz = (uint32_t)khz;
	return 0;
}

static const struct ioctl_entry ioctls[] = {
	{KVM_ENABLE_CAP, .data = vcpu_ioc_enable_cap},
	{KVM_INTERRUPT, .data = vcpu_ioc_interrupt},
	{KVM_NMI, .plain = vcpu_ioc_nmi},
	{KVM_GET_REGS, .data = vcpu_ioc_get_regs},
	{KVM_SET_REGS, .data = vcpu_ioc_set_regs},
	{KVM_GET_SREGS, .data = vcpu_ioc_get_sregs},
	{KVM_SET_SREGS, .data = vcpu_ioc_set_sregs},
	{KVM_GET_SREGS2, .data = vcpu_ioc_get_sregs2},
	{KVM_SET_SREGS2, .data = vcpu_ioc_set_sregs2},
	{KVM_GET_FPU, .data = vcpu_ioc_get_fpu},
	{KVM_SET_FPU, .data = vcpu_ioc_set_fpu},
	{KVM_GET_XSAVE, .data = vcpu_ioc_get_xsave},
	{KVM_GET_XSAVE2, .data = vcpu_ioc_get_xsave},
	{KVM_SET_XSAVE, .data = vcpu_ioc_set_xsave},
	{KVM_GET_XCRS, .data = vcpu_ioc_get_xcrs},
	{KVM_SET_XCRS, .data = vcpu_ioc_set_xcrs},
	{KVM_GET_DEBUGREGS, .data = vcpu_ioc_get_debugregs},
	{KVM_SET_DEBUGREGS, .data = vcpu_ioc_set_debugregs},
	{KVM_SET_GUEST_DEBUG, .data = vcpu_ioc_set_guest_debug},
	{KVM_GET_VCPU_EVENTS, .data = vcpu_ioc_get_vcpu_events},
	{KVM_SET_VCPU_EVENTS, .data = vcpu_ioc_set_vcpu_events},
	{KVM_GET_MP_STATE, .data = vcpu_ioc_get_mp_state},
	{KVM_SET_MP_STATE, .data = vcpu_ioc_set_mp_state},
	{KVM_GET_MSRS, .plain = vcpu_ioc_get_msrs},
	{KVM_SET_MSRS, .plain = vcpu_ioc_set_msrs},
	{KVM_SET_CPUID, .plain = vcpu_ioc_set_cpuid},
	{KVM_SET_CPUID2, .plain = vcpu_ioc_set_cpuid2},
	{KVM_GET_CPUID2, .plain = vcpu_ioc_get_cpuid2},
	{KVM_SET_SIGNAL_MASK, .plain = vcpu_ioc_set_signal_mask},
	{KVM_GET_TSC_KHZ, .plain = vcpu_ioc_get_tsc_khz},
	{KVM_SET_TSC_KHZ, .plain = vcpu_ioc_set_tsc_khz},
	{KVM_X86_SETUP_MCE, .data = vcpu_ioc_setup_mce},
	{KVM_X86_SET_MCE, .data = vcpu_ioc_set_mce},
	{KVM_GET_LAPIC, .data = vcpu_ioc_get_lapic},
	{KVM_SET_LAPIC, .data = vcpu_ioc_set_lapic},
	{KVM_TPR_ACCESS_REPORTING, .data = vcpu_ioc_tpr_access_reporting},
	{KVM_SET_VAPIC_ADDR, .data = vcpu_ioc_set_vapic_addr},
	{KVM_KVMCLOCK_CTRL, .plain = vcpu_ioc_kvmclock_ctrl},
};

static long vcpu_ioctl(struct kvm_object *obj, uint32_t request, unsigned long arg)
{
	struct kvm_vcpu *vcpu = vcpu_of_object(obj);
	long ret;

	lock_rank_acquire(LOCK_VCPU);
	pthread_mutex_lock(&vcpu->lock);
	if (request == KVM_RUN)
		ret = vcpu_run(vcpu, arg);
	else
		ret = ioctl_dispatch(obj, ioctls, ARRAY_SIZE(ioctls), request, arg, -EINVAL);
	pthread_mutex_unlock(&vcpu->lock);
	lock_rank_release(LOCK_VCPU);
	return ret;
}

/* The processor stays until its VM goes, and keeps its number: so it is with KVM. */
static void vcpu_release(struct kvm_object *obj)
{
	kvm_object_put(&vcpu_of_object(obj)->vm->obj);
}

static const struct kvm_object_class vcpu_class = {
	.kind = KVM_KIND_VCPU,
	.ioctl = vcpu_ioctl,
	.release = vcpu_release,
};

int kvm_mmap_fd(struct kvm_object *obj, size_t *size)
{
	if (obj->class != &vcpu_class)
		return -ENODEV;
	*size = VCPU_PAGES * 4096;
	return vcpu_of_object(obj)->run_fd;
}

/* Sealed, so that no VMM can cut off the pages under us. */
static int make_pages(struct kvm_vcpu *vcpu)
{
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int fd = memfd_make("kvm-vcpu", MFD_CLOEXEC | MFD_ALLOW_SEALING), ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, VCPU_PAGES * 4096) || fcntl(fd, F_ADD_SEALS, seals))
		goto err_close;
	vcpu->run = mmap(NULL, VCPU_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (vcpu->run == MAP_FAILED)
		goto err_close;
	vcpu->run_fd = fd;
	return 0;

err_close:
	ret = -errno;
	close(fd);
	return ret;
}

static void free_pages(struct kvm_vcpu *vcpu)
{
	munmap(vcpu->run, VCPU_PAGES * 4096);
	close(vcpu->run_fd);
}

static int make_processor(struct kvm_vcpu *vcpu)
{
	struct engine_vcpu_config config = {
		.is_bsp = vcpu->id == vcpu->vm->bsp_id,
		.run_fd = vcpu->run_fd,
		.owner = vcpu,
		.msr_ranges = own_msrs,
		.msr_range_count = own_msr_count,
		.cpuid_fixup = vcpu_cpuid_fixup,
		.cr8_changed = vcpu_cr8_changed,
	};

	return engine_vcpu_new(vcpu->vm->engine, &config, &vcpu->v);
}

/* With one reference, and one to @vm with it. */
static int vcpu_new(struct kvm_vm *vm, uint32_t id, struct kvm_vcpu **out)
{
	struct kvm_vcpu *vcpu = calloc(1, sizeof(*vcpu));
	int ret;

	if (!vcpu)
		return -ENOMEM;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->tsc_khz = host_tsc_khz();
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	own_msrs_reset(vcpu);
	pv_init(vcpu);
	ret = vcpu_lapic_init(vcpu);
	if (ret)
		goto err_free;
	ret = make_pages(vcpu);
	if (ret)
		goto err_lapic;
	ret = make_processor(vcpu);
	if (ret)
		goto err_free_pages;
	cpu_set_cpuid(&vcpu->v->cpu, &vcpu->cpuid);
	/* All vCPUs' counters start with the VM, so that they agree. */
	vcpu->v->cpu.msr.tsc_offset = vm_clock_tsc_offset(&vm->clock);
	pthread_mutex_init(&vcpu->lock, NULL);
	object_init(&vcpu->obj, &vcpu_class);
	kvm_object_get(&vm->obj);
	*out = vcpu;
	return 0;

err_free_pages:
	free_pages(vcpu);
err_lapic:
	vcpu_lapic_destroy(vcpu);
err_free:
	free(vcpu);
	return ret;
}

void vcpu_free(struct kvm_vcpu *vcpu)
{
	engine_vcpu_free(vcpu->v);
	vcpu_lapic_destroy(vcpu);
	vcpu_free_sgx(vcpu);
	pv_destroy(vcpu);
	free_pages(vcpu);
	pthread_mutex_destroy(&vcpu->lock);
	free(vcpu);
}

/* Linux' checks in their order. With the VM's lock. */
static int __check_id(const struct kvm_vm *vm, unsigned long id)
{
	if (vm->vcpu_count == VM_MAX_VCPUS || (vm->max_vcpu_ids && id >= vm->max_vcpu_ids))
		return -EINVAL;
	for (unsigned int i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpu[i]->id == id)
			return -EEXIST;
	return 0;
}

/* With the VM's lock. The first one's pages hold the ring. */
static void __append(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	if (!vm->vcpu_count)
		io_bus_set_ring(&vm->bus, vcpu_page(vcpu, VCPU_PAGE_RING));
	vm->vcpu[vm->vcpu_count++] = vcpu;
}

/* Nobody but the list has ever known of it. With the VM's lock. */
static void __remove(struct kvm_vm *vm, const struct kvm_vcpu *vcpu)
{
	unsigned int i = 0;

	while (vm->vcpu[i] != vcpu)
		i++;
	if (!i)
		io_bus_set_ring(&vm->bus, NULL);
	vm->vcpu[i] = vm->vcpu[--vm->vcpu_count];
	if (!i && vm->vcpu_count)
		io_bus_set_ring(&vm->bus, vcpu_page(vm->vcpu[0], VCPU_PAGE_RING));
}

/* When it is sure to stay: others send it messages from now on. */
static void join_bus(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	if (!vcpu->has_lapic)
		return;
	vm_lock(vm);
	apic_bus_add(&vm->irq.bus, &vcpu->lapic);
	vm_unlock(vm);
}

long vm_ioc_create_vcpu(struct kvm_object *obj, unsigned long id)
{
	struct kvm_vm *vm = vm_of_object(obj);
	struct kvm_vcpu *vcpu = NULL;
	char name[32];
	int ret;

	if (id >= VM_MAX_VCPU_IDS)
		return -EINVAL;
	vm_lock(vm);
	ret = __check_id(vm, id);
	if (!ret && irqchip_has_lapic(&vm->irq))
		ret = __service_start(vm);
	if (!ret)
		ret = vcpu_new(vm, (uint32_t)id, &vcpu);
	if (!ret)
		__append(vm, vcpu);
	vm_unlock(vm);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "kvm-vcpu:%lu", id);
	ret = object_new_fd(&vcpu->obj, name);
	if (ret >= 0) {
		join_bus(vm, vcpu);
		return ret;
	}
	vm_lock(vm);
	__remove(vm, vcpu);
	vm_unlock(vm);
	vcpu_free(vcpu);
	kvm_object_put(&vm->obj);
	return ret;
}
