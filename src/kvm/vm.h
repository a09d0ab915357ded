/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine. Its processors belong to it and go with it; a descriptor of a
 * processor holds a reference to the machine instead.
 *
 * `lock` (LOCK_VM) protects what has no lock of its own: the processors' list and
 * what may be set only before there is one. Options that running processors read are
 * atomic.
 */
#ifndef EXCLAVE_KVM_VM_H
#define EXCLAVE_KVM_VM_H

#include "engine/engine.h"
#include "kvm/clock.h"
#include "kvm/io_bus.h"
#include "kvm/irqchip.h"
#include "kvm/msr_filter.h"
#include "kvm/object.h"

#include <pthread.h>

#define VM_MAX_VCPUS    16
#define VM_MAX_VCPU_IDS 4096 /* KVM_MAX_VCPU_IDS */
/* SMM's comes with SMM. */
#define VM_ADDRESS_SPACES 1

struct kvm_vcpu;

struct kvm_vm {
	struct kvm_object obj;
	pthread_mutex_t lock;
	struct engine *engine;
	struct memslots *slots;
	pthread_mutex_t regions_lock; /* LOCK_REGIONS */

	struct kvm_vcpu *vcpu[VM_MAX_VCPUS];
	unsigned int vcpu_count;
	uint32_t bsp_id;
	uint32_t max_vcpu_ids; /* 0: not set */
	uint64_t identity_map;
	uint32_t nr_mmu_pages;

	_Atomic bool exception_payload;
	_Atomic bool triple_fault_event;
	_Atomic uint32_t user_space_msr; /* KVM_MSR_EXIT_REASON_* */
	_Atomic uint64_t manual_dirty_log;
	_Atomic bool sgx_provisioning; /* enclaves may have the provisioning key */

	/* Threads in vm_guest_read() and vm_guest_write(), for whom a change of slots waits. */
	_Atomic unsigned int guest_accesses;

	struct vm_clock clock;
	struct io_bus bus;
	struct msr_filter filter;
	struct vm_irqchip irq;
};

static inline struct kvm_vm *vm_of_object(struct kvm_object *obj)
{
	return container_of(obj, struct kvm_vm, obj);
}

/* KVM_CREATE_VM. Return: the new descriptor, or -errno. */
long vm_create(unsigned long type);
void vm_lock(struct kvm_vm *vm);
void vm_unlock(struct kvm_vm *vm);

/* memory.c */
long vm_ioc_set_user_memory_region(struct kvm_object *obj, void *data);
long vm_ioc_get_dirty_log(struct kvm_object *obj, void *data);
long vm_ioc_clear_dirty_log(struct kvm_object *obj, void *data);
/* The `synchronize` of the machine's slots. */
void vm_synchronize(void *vm);
/*
 * Guest-physical memory inside one slot of address space 0, inside or outside of
 * engine_run(). Return: 0, or -EFAULT when it is not there.
 */
int vm_guest_read(struct kvm_vm *vm, gpa_t gpa, void *dst, size_t len);
int vm_guest_write(struct kvm_vm *vm, gpa_t gpa, const void *src, size_t len);

/* enable_cap.c */
long vm_ioc_enable_cap(struct kvm_object *obj, void *data);

/* vcpu.c. Return: the new descriptor, or -errno. */
long vm_ioc_create_vcpu(struct kvm_object *obj, unsigned long id);

#endif
