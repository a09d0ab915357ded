// SPDX-License-Identifier: GPL-2.0-or-later
#include "kvm/service.h"

#include "kvm/eventfd.h"
#include "kvm/vcpu.h"
#include "lib/address_space.h"
#include "lib/lock.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Beside the numbers of irqfds, which start at 0 and never get there. */
#define ID_STOP  (UINT64_MAX - 1)
#define ID_TIMER UINT64_MAX

/*
 * A VMM that closes numbers which it does not own may have taken our descriptors away:
 * then nothing wakes the thread, and it has to find out by itself that it is to end.
 */
#define PATIENCE_MS 1000

#define NS_PER_S 1000000000u

static void service_lock(struct service *s)
{
	lock_rank_acquire(LOCK_SERVICE);
	pthread_mutex_lock(&s->lock);
}

static void service_unlock(struct service *s)
{
	pthread_mutex_unlock(&s->lock);
	lock_rank_release(LOCK_SERVICE);
}

void service_init(struct service *s)
{
	*s = (struct service){.epoll_fd = -1, .timer_fd = -1, .stop_fd = -1};
	pthread_mutex_init(&s->lock, NULL);
	atomic_store(&s->armed, SERVICE_NEVER);
}

static void __set_timer(struct service *s, uint64_t deadline)
{
	struct itimerspec spec = {0};

	if (deadline != SERVICE_NEVER) {
		spec.it_value.tv_sec = (time_t)(deadline / NS_PER_S);
		spec.it_value.tv_nsec = (long)(deadline % NS_PER_S);
	}
	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	atomic_store(&s->armed, deadline);
}

/*
 * Who sets a timer has stored its deadline first, and the thread says NEVER before it
 * looks at the deadlines: either it sees the new one, or the setter sees NEVER.
 */
void service_arm(struct kvm_vm *vm, uint64_t deadline)
{
	struct service *s = &vm->irq.service;

	if (!deadline || deadline >= atomic_load(&s->armed))
		return;
	service_lock(s);
	if (deadline < atomic_load(&s->armed))
		__set_timer(s, deadline);
	service_unlock(s);
}

static uint64_t earlier(uint64_t a, uint64_t deadline)
{
	return deadline && deadline < a ? deadline : a;
}

/* A halted processor sleeps until its own. */
static uint64_t next_deadline(struct kvm_vm *vm)
{
	struct apic_bus *bus = &vm->irq.bus;
	unsigned int count = atomic_load(&bus->count);
	uint64_t next = SERVICE_NEVER;

	if (atomic_load(&vm->irq.has_pit))
		next = earlier(next, pit_deadline(&vm->irq.pit));
	for (unsigned int i = 0; i < count; i++) {
		const struct kvm_vcpu *vcpu = bus->lapic[i]->owner;

		if (!atomic_load(&vcpu->halted))
			next = earlier(next, lapic_deadline(&vcpu->lapic));
	}
	return next;
}

static void rearm(struct kvm_vm *vm)
{
	struct service *s = &vm->irq.service;
	uint64_t next;

	service_lock(s);
	atomic_store(&s->armed, SERVICE_NEVER);
	next = next_deadline(vm);
	if (next != SERVICE_NEVER)
		__set_timer(s, next);
	service_unlock(s);
}

static void expire(struct kvm_vm *vm)
{
	struct apic_bus *bus = &vm->irq.bus;
	unsigned int count = atomic_load(&bus->count);
	uint64_t now = irqchip_now();

	irqchip_expire_pit(vm);
	for (unsigned int i = 0; i < count; i++) {
		struct kvm_vcpu *vcpu = bus->lapic[i]->owner;
		uint64_t deadline = lapic_deadline(&vcpu->lapic);

		if (deadline && deadline <= now && !atomic_load(&vcpu->halted))
			lapic_expire(&vcpu->lapic);
	}
	rearm(vm);
}

static void serve(struct kvm_vm *vm, uint64_t id)
{
	uint64_t expirations;
	ssize_t ret;

	if (id == ID_STOP)
		return;
	if (id != ID_TIMER) {
		irqfd_event(vm, id);
		return;
	}
	/* It never blocks, and may have been set anew meanwhile. */
	ret = read(vm->irq.service.timer_fd, &expirations, sizeof(expirations));
	(void)ret;
	expire(vm);
}

static void *service_main(void *opaque)
{
	struct kvm_vm *vm = opaque;
	struct service *s = &vm->irq.service;
	struct epoll_event events[16];
	int count;

	while (!atomic_load(&s->stopping)) {
		count = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), PATIENCE_MS);
		if (count < 0 && errno != EINTR)
			poll(NULL, 0, PATIENCE_MS);
		for (int i = 0; i < count; i++)
			serve(vm, events[i].data.u64);
	}
	return NULL;
}

int service_watch(struct kvm_vm *vm, int fd, uint64_t id)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = id};

	return epoll_ctl(vm->irq.service.epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

void service_unwatch(struct kvm_vm *vm, int fd)
{
	epoll_ctl(vm->irq.service.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static void close_fds(struct service *s)
{
	close(s->epoll_fd);
	close(s->timer_fd);
	close(s->stop_fd);
	s->epoll_fd = s->timer_fd = s->stop_fd = -1;
}

static int open_fds(struct kvm_vm *vm)
{
	struct service *s = &vm->irq.service;
	int ret;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ret = s->epoll_fd < 0 || s->timer_fd < 0 || s->stop_fd < 0 ? -errno : 0;
	if (!ret)
		ret = service_watch(vm, s->timer_fd, ID_TIMER);
	if (!ret)
		ret = service_watch(vm, s->stop_fd, ID_STOP);
	if (ret)
		close_fds(s);
	return ret;
}

static int start_thread(struct kvm_vm *vm)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&vm->irq.service.thread, NULL, service_main, vm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

int __service_start(struct kvm_vm *vm)
{
	struct service *s = &vm->irq.service;
	int ret;

	if (s->running)
		return 0;
	ret = open_fds(vm);
	if (ret)
		return ret;
	ret = start_thread(vm);
	if (ret) {
		close_fds(s);
		return ret;
	}
	s->running = true;
	/* What was set before there was a timer. */
	rearm(vm);
	return 0;
}

void service_stop(struct kvm_vm *vm)
{
	struct service *s = &vm->irq.service;

	if (s->running) {
		if (address_space_id() == vm->obj.creator) {
			atomic_store(&s->stopping, true);
			eventfd_signal(s->stop_fd);
			pthread_join(s->thread, NULL);
		}
		close_fds(s);
		s->running = false;
	}
	pthread_mutex_destroy(&s->lock);
}
