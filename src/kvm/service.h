/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one thread of a VM: it waits for irqfds, and for the timers of the PIT and of the
 * local APICs of running processors. It only makes interrupts pending and kicks. All
 * signals are blocked in it, since the VMM's are for the VMM's threads.
 */
#ifndef EXCLAVE_KVM_SERVICE_H
#define EXCLAVE_KVM_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm_vm;

#define SERVICE_NEVER UINT64_MAX

struct service {
	pthread_mutex_t lock; /* LOCK_SERVICE: the timer and its setting belong together */
	bool running;         /* under LOCK_VM, as are the descriptors */
	pthread_t thread;
	int epoll_fd, timer_fd, stop_fd;
	_Atomic bool stopping;
	_Atomic uint64_t armed; /* what the timer is set to; SERVICE_NEVER */
};

void service_init(struct service *service);
/* With the VM's lock; once it has been started that is all right. Return: 0 or -errno. */
int __service_start(struct kvm_vm *vm);
/* Not in a child of the process that started it, where there is no such thread. */
void service_stop(struct kvm_vm *vm);
/* A timer has been set to @deadline, in ns. Any thread; 0 is none. */
void service_arm(struct kvm_vm *vm, uint64_t deadline);
/* @id: of struct irqfd. Return: 0 or -errno. */
int service_watch(struct kvm_vm *vm, int fd, uint64_t id);
void service_unwatch(struct kvm_vm *vm, int fd);

#endif
