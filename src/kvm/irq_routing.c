// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_SET_GSI_ROUTING. The checks are Linux'. */
#include "kvm/irqchip.h"

#include "kvm/user.h"
#include "kvm/vm.h"
#include "lib/lock.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_OFFSET offsetof(struct kvm_irq_routing, entries)
#define MSI_LEVEL      BIT32(15)
#define DEFAULT_ROUTES (PIC_PINS + IOAPIC_PINS)

void irq_routing_lock(struct vm_irqchip *chip)
{
	lock_rank_acquire(LOCK_IRQ_ROUTING);
	pthread_mutex_lock(&chip->routing_lock);
}

void irq_routing_unlock(struct vm_irqchip *chip)
{
	pthread_mutex_unlock(&chip->routing_lock);
	lock_rank_release(LOCK_IRQ_ROUTING);
}

int __irq_routing_gsi_of(const struct vm_irqchip *chip, uint32_t irqchip, unsigned int pin)
{
	for (unsigned int i = 0; i < chip->route_count; i++) {
		const struct kvm_irq_routing_entry *e = &chip->route[i];

		if (e->type == KVM_IRQ_ROUTING_IRQCHIP && e->u.irqchip.irqchip == irqchip &&
		    e->u.irqchip.pin == pin)
			return (int)e->gsi;
	}
	return -1;
}

uint32_t __irq_routing_pins_of(const struct vm_irqchip *chip, uint32_t gsi)
{
	uint32_t pins = 0;

	for (unsigned int i = 0; i < chip->route_count; i++) {
		const struct kvm_irq_routing_entry *e = &chip->route[i];

		if (e->gsi == gsi && e->type == KVM_IRQ_ROUTING_IRQCHIP &&
		    e->u.irqchip.irqchip == KVM_IRQCHIP_IOAPIC)
			pins |= BIT32(e->u.irqchip.pin);
	}
	return pins;
}

static struct kvm_irq_routing_entry route_to(uint32_t gsi, uint32_t irqchip, uint32_t pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = irqchip, .pin = pin},
	};
}

/* Linux': each of the first 16 leads to both, with the timer's on pin 0. */
int irq_routing_set_default(struct vm_irqchip *chip)
{
	struct kvm_irq_routing_entry *route = calloc(DEFAULT_ROUTES, sizeof(*route));
	unsigned int count = 0;

	if (!route)
		return -ENOMEM;
	for (uint32_t i = 0; i < PIC_PINS; i++)
		route[count++] =
			route_to(i, i < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, i % 8);
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		route[count++] = route_to(i, KVM_IRQCHIP_IOAPIC, i);
	chip->route = route;
	chip->route_count = count;
	return 0;
}

static bool is_chip_route(const struct vm_irqchip *chip, const struct kvm_irq_routing_entry *e)
{
	if (irqchip_kind(chip) != IRQCHIP_FULL || e->flags)
		return false;
	switch (e->u.irqchip.irqchip) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		return e->u.irqchip.pin < 8;
	case KVM_IRQCHIP_IOAPIC:
		return e->u.irqchip.pin < IOAPIC_PINS;
	default:
		return false;
	}
}

static bool is_valid(const struct vm_irqchip *chip, const struct kvm_irq_routing_entry *e)
{
	if (e->gsi >= IRQCHIP_MAX_ROUTES)
		return false;
	switch (e->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		return is_chip_route(chip, e);
	case KVM_IRQ_ROUTING_MSI:
		if (e->flags & ~(uint32_t)KVM_MSI_VALID_DEVID)
			return false;
		return !atomic_load(&chip->wide_ids) || !(e->u.msi.address_hi & 0xff);
	default:
		return false;
	}
}

/* A line may lead to several chips, but once to each, and to nothing beside a message. */
static bool collide(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
	if (a->gsi != b->gsi)
		return false;
	return a->type != KVM_IRQ_ROUTING_IRQCHIP || b->type != KVM_IRQ_ROUTING_IRQCHIP ||
	       a->u.irqchip.irqchip == b->u.irqchip.irqchip;
}

static int by_gsi(const void *a, const void *b)
{
	const struct kvm_irq_routing_entry *x = a, *y = b;

	return x->gsi < y->gsi ? -1 : x->gsi > y->gsi;
}

/* Sorts them: then those that may collide stand together. */
static bool are_valid(const struct vm_irqchip *chip, struct kvm_irq_routing_entry *route,
		      unsigned int count)
{
	qsort(route, count, sizeof(*route), by_gsi);
	for (unsigned int i = 0; i < count; i++) {
		if (!is_valid(chip, &route[i]))
			return false;
		for (unsigned int k = i; k-- > 0 && route[k].gsi == route[i].gsi;)
			if (collide(&route[k], &route[i]))
				return false;
	}
	return true;
}

/* Of the lines that the VMM's I/O APIC has; its pins say there by messages what they send. */
static void __find_eoi_exits(struct vm_irqchip *chip)
{
	uint32_t words[8] = {0};

	for (unsigned int i = 0; i < chip->route_count; i++) {
		const struct kvm_irq_routing_entry *e = &chip->route[i];
		uint8_t vector = (uint8_t)e->u.msi.data;

		if (e->type == KVM_IRQ_ROUTING_MSI && e->gsi < chip->split_pins &&
		    (e->u.msi.data & MSI_LEVEL))
			words[vector / 32] |= BIT32(vector % 32);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		atomic_store(&chip->eoi_exits[i], words[i]);
}

static void replace(struct kvm_vm *vm, struct kvm_irq_routing_entry *route, unsigned int count)
{
	struct vm_irqchip *chip = &vm->irq;
	struct kvm_irq_routing_entry *old;

	irqfds_lock(&chip->irqfds);
	irq_routing_lock(chip);
	old = chip->route;
	chip->route = route;
	chip->route_count = count;
	if (irqchip_kind(chip) == IRQCHIP_SPLIT)
		__find_eoi_exits(chip);
	__irqfd_watch(vm);
	irq_routing_unlock(chip);
	irqfds_unlock(&chip->irqfds);
	free(old);
}

long vm_ioc_set_gsi_routing(struct kvm_object *obj, unsigned long arg)
{
	struct kvm_vm *vm = vm_of_object(obj);
	struct kvm_irq_routing_entry *route;
	struct kvm_irq_routing head;

	if (user_read(&head, arg, ENTRIES_OFFSET))
		return -EFAULT;
	if (!irqchip_has_lapic(&vm->irq) || head.nr > IRQCHIP_MAX_ROUTES || head.flags)
		return -EINVAL;
	route = calloc(head.nr + 1, sizeof(*route));
	if (!route)
		return -ENOMEM;
	if (user_read(route, arg + ENTRIES_OFFSET, head.nr * sizeof(*route))) {
		free(route);
		return -EFAULT;
	}
	if (!are_valid(&vm->irq, route, head.nr)) {
		free(route);
		return -EINVAL;
	}
	replace(vm, route, head.nr);
	return 0;
}
