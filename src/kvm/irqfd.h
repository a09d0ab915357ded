/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM_IRQFD: eventfds that raise a line. The service thread waits for them. All of it
 * is under `lock` (LOCK_IRQFD), which is held while the interrupt of an event is
 * delivered: one that has been taken away interrupts no more.
 */
#ifndef EXCLAVE_KVM_IRQFD_H
#define EXCLAVE_KVM_IRQFD_H

#include "kvm/object.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm_vm;

struct irqfd {
	uint64_t id; /* what epoll knows it by: never used again */
	uint32_t gsi;
	int fd;          /* our own descriptor of the eventfd */
	int vmm_fd;      /* its number there */
	int resample_fd; /* -1: none */
};

struct irqfds {
	pthread_mutex_t lock;
	struct irqfd *irqfd;
	unsigned int count;
	uint64_t next_id;
	/* Of those with a resample_fd: the end of an interrupt asks without the lock. */
	_Atomic unsigned int resamplers;
};

void irqfds_init(struct irqfds *irqfds);
void irqfds_destroy(struct irqfds *irqfds);
void irqfds_lock(struct irqfds *irqfds);
void irqfds_unlock(struct irqfds *irqfds);

long vm_ioc_irqfd(struct kvm_object *obj, void *data);
/* The eventfd of number @id has something: on the service thread. */
void irqfd_event(struct kvm_vm *vm, uint64_t id);
/* An interrupt of @gsi has ended: the VMM looks at its device again. */
void irqfd_resample(struct kvm_vm *vm, uint32_t gsi);
/* With the locks of irqfds and routes: the I/O APIC tells of the ends that are waited for. */
void __irqfd_watch(struct kvm_vm *vm);

#endif
