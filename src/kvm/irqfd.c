// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_IRQFD. The checks and their order are Linux'. */
#include "kvm/irqfd.h"

#include "kvm/eventfd.h"
#include "kvm/vm.h"
#include "lib/lock.h"

#include <stdlib.h>
#include <unistd.h>

#define VALID_FLAGS (KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE)

void irqfds_lock(struct irqfds *irqfds)
{
	lock_rank_acquire(LOCK_IRQFD);
	pthread_mutex_lock(&irqfds->lock);
}

void irqfds_unlock(struct irqfds *irqfds)
{
	pthread_mutex_unlock(&irqfds->lock);
	lock_rank_release(LOCK_IRQFD);
}

void irqfds_init(struct irqfds *irqfds)
{
	*irqfds = (struct irqfds){0};
	pthread_mutex_init(&irqfds->lock, NULL);
}

static void close_both(const struct irqfd *irqfd)
{
	close(irqfd->fd);
	if (irqfd->resample_fd >= 0)
		close(irqfd->resample_fd);
}

void irqfds_destroy(struct irqfds *irqfds)
{
	for (unsigned int i = 0; i < irqfds->count; i++)
		close_both(&irqfds->irqfd[i]);
	free(irqfds->irqfd);
	pthread_mutex_destroy(&irqfds->lock);
}

/* The timer's, and those whose ends a VMM waits for. */
void __irqfd_watch(struct kvm_vm *vm)
{
	struct irqfds *irqfds = &vm->irq.irqfds;
	uint32_t pins = 0;

	if (irqchip_kind(&vm->irq) != IRQCHIP_FULL)
		return;
	pins |= __irq_routing_pins_of(&vm->irq, 0);
	for (unsigned int i = 0; i < irqfds->count; i++)
		if (irqfds->irqfd[i].resample_fd >= 0)
			pins |= __irq_routing_pins_of(&vm->irq, irqfds->irqfd[i].gsi);
	ioapic_watch(&vm->irq.ioapic, pins);
}

static int __append(struct irqfds *irqfds, const struct irqfd *new)
{
	struct irqfd *grown;

	for (unsigned int i = 0; i < irqfds->count; i++)
		if (eventfd_is_same(irqfds->irqfd[i].fd, irqfds->irqfd[i].vmm_fd, new->vmm_fd))
			return -EBUSY;
	grown = realloc(irqfds->irqfd, (irqfds->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	irqfds->irqfd = grown;
	irqfds->irqfd[irqfds->count++] = *new;
	return 0;
}

static int __add(struct kvm_vm *vm, struct irqfd *new)
{
	struct irqfds *irqfds = &vm->irq.irqfds;
	int ret;

	new->id = irqfds->next_id++;
	ret = __append(irqfds, new);
	if (ret)
		return ret;
	ret = service_watch(vm, new->fd, new->id);
	if (ret) {
		irqfds->count--;
		return ret;
	}
	if (new->resample_fd < 0)
		return 0;
	atomic_fetch_add(&irqfds->resamplers, 1);
	irq_routing_lock(&vm->irq);
	__irqfd_watch(vm);
	irq_routing_unlock(&vm->irq);
	return 0;
}

static int take_resample_fd(const struct kvm_irqfd *args, struct irqfd *new)
{
	int ret;

	if (!(args->flags & KVM_IRQFD_FLAG_RESAMPLE))
		return 0;
	ret = eventfd_take((int)args->resamplefd);
	if (ret < 0)
		return ret;
	new->resample_fd = ret;
	return 0;
}

static int start_service(struct kvm_vm *vm)
{
	int ret;

	vm_lock(vm);
	ret = __service_start(vm);
	vm_unlock(vm);
	return ret;
}

static long assign(struct kvm_vm *vm, const struct kvm_irqfd *args)
{
	struct irqfd new = {.gsi = args->gsi, .vmm_fd = (int)args->fd, .resample_fd = -1};
	bool resamples = args->flags & KVM_IRQFD_FLAG_RESAMPLE;
	int ret;

	if (!irqchip_has_lapic(&vm->irq))
		return -EAGAIN;
	if (resamples && irqchip_kind(&vm->irq) != IRQCHIP_FULL)
		return -EINVAL;
	new.fd = eventfd_take((int)args->fd);
	if (new.fd < 0)
		return new.fd;
	ret = take_resample_fd(args, &new);
	if (!ret)
		ret = start_service(vm);
	if (!ret) {
		irqfds_lock(&vm->irq.irqfds);
		ret = __add(vm, &new);
		irqfds_unlock(&vm->irq.irqfds);
	}
	if (ret)
		close_both(&new);
	return ret;
}

static void __remove(struct kvm_vm *vm, unsigned int index)
{
	struct irqfds *irqfds = &vm->irq.irqfds;
	struct irqfd *irqfd = &irqfds->irqfd[index];

	/* epoll knows the file, which the VMM may keep open. */
	service_unwatch(vm, irqfd->fd);
	if (irqfd->resample_fd >= 0) {
		atomic_fetch_sub(&irqfds->resamplers, 1);
		irqchip_set_gsi(vm, IRQ_SOURCE_RESAMPLE, irqfd->gsi, false);
	}
	close_both(irqfd);
	*irqfd = irqfds->irqfd[--irqfds->count];
}

static long deassign(struct kvm_vm *vm, const struct kvm_irqfd *args)
{
	struct irqfds *irqfds = &vm->irq.irqfds;
	int fd = (int)args->fd, ret = eventfd_check(fd);

	if (ret)
		return ret;
	irqfds_lock(irqfds);
	for (unsigned int i = irqfds->count; i-- > 0;) {
		const struct irqfd *e = &irqfds->irqfd[i];

		if (e->gsi == args->gsi && eventfd_is_same(e->fd, e->vmm_fd, fd))
			__remove(vm, i);
	}
	irqfds_unlock(irqfds);
	return 0;
}

long vm_ioc_irqfd(struct kvm_object *obj, void *data)
{
	struct kvm_vm *vm = vm_of_object(obj);
	const struct kvm_irqfd *args = data;

	if (args->flags & ~(uint32_t)VALID_FLAGS)
		return -EINVAL;
	return args->flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(vm, args) : assign(vm, args);
}

/* One that resamples stays high until the guest has ended the interrupt. */
static void __raise(struct kvm_vm *vm, const struct irqfd *irqfd)
{
	if (irqfd->resample_fd >= 0)
		irqchip_set_gsi(vm, IRQ_SOURCE_RESAMPLE, irqfd->gsi, true);
	else
		irqchip_pulse_gsi(vm, IRQ_SOURCE_VMM, irqfd->gsi);
}

void irqfd_event(struct kvm_vm *vm, uint64_t id)
{
	struct irqfds *irqfds = &vm->irq.irqfds;

	/* The device has written to the guest's memory before it signalled. */
	engine_memory_written(vm->engine);
	irqfds_lock(irqfds);
	for (unsigned int i = 0; i < irqfds->count; i++)
		if (irqfds->irqfd[i].id == id && eventfd_drain(irqfds->irqfd[i].fd))
			__raise(vm, &irqfds->irqfd[i]);
	irqfds_unlock(irqfds);
}

void irqfd_resample(struct kvm_vm *vm, uint32_t gsi)
{
	struct irqfds *irqfds = &vm->irq.irqfds;

	irqfds_lock(irqfds);
	for (unsigned int i = 0; i < irqfds->count; i++) {
		const struct irqfd *e = &irqfds->irqfd[i];

		if (e->gsi != gsi || e->resample_fd < 0)
			continue;
		irqchip_set_gsi(vm, IRQ_SOURCE_RESAMPLE, gsi, false);
		eventfd_signal(e->resample_fd);
	}
	irqfds_unlock(irqfds);
}
