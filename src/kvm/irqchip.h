/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM's own interrupt controllers, and the ways that lead to them: numbered lines
 * (GSIs) by a table of routes, messages, eventfds.
 *
 * `kind` is set once, before there is a vCPU. The table is under LOCK_IRQ_ROUTING, which
 * is held while an interrupt is delivered, so that none takes a route that is gone. Each
 * chip has a lock of its own (docs/locking.md). An interrupt that ends comes back as
 * irqchip_ended(), without locks.
 */
#ifndef EXCLAVE_KVM_IRQCHIP_H
#define EXCLAVE_KVM_IRQCHIP_H

#include "irqchip/apic_bus.h"
#include "irqchip/i8254.h"
#include "irqchip/i8259.h"
#include "irqchip/ioapic.h"
#include "kvm/irqfd.h"
#include "kvm/object.h"
#include "kvm/service.h"

#define IRQCHIP_MAX_ROUTES 4096 /* KVM_MAX_IRQ_ROUTES */

struct kvm_vm;
struct kvm_vcpu;

enum irqchip_kind {
	IRQCHIP_NONE,  /* the VMM has all of it */
	IRQCHIP_SPLIT, /* local APICs are ours */
	IRQCHIP_FULL,
};

struct vm_irqchip {
	_Atomic enum irqchip_kind kind;
	_Atomic bool has_pit;
	bool has_speaker;      /* port 61H is ours too; set before has_pit */
	_Atomic bool wide_ids; /* KVM_X2APIC_API_USE_32BIT_IDS */
	struct apic_bus bus;
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;

	pthread_mutex_t routing_lock;
	struct kvm_irq_routing_entry *route;
	unsigned int route_count;
	uint32_t split_pins; /* GSIs of the VMM's I/O APIC */
	/* Vectors whose EOI the VMM's I/O APIC waits for. */
	_Atomic uint32_t eoi_exits[8];

	struct irqfds irqfds;
	struct service service;
};

int irqchip_init(struct vm_irqchip *chip, unsigned int max_vcpus);
/* The service thread is gone already. */
void irqchip_destroy(struct vm_irqchip *chip);

static inline enum irqchip_kind irqchip_kind(const struct vm_irqchip *chip)
{
	return atomic_load_explicit(&chip->kind, memory_order_acquire);
}

static inline bool irqchip_has_lapic(const struct vm_irqchip *chip)
{
	return irqchip_kind(chip) != IRQCHIP_NONE;
}

/* CLOCK_MONOTONIC, the time of all chips. */
uint64_t irqchip_now(void);

/* @source: IRQ_SOURCE_*. Return: as ioapic_set_pin(), of all routes together. */
int irqchip_set_gsi(struct kvm_vm *vm, uint8_t source, uint32_t gsi, bool level);
int irqchip_send_msi(struct kvm_vm *vm, const struct kvm_msi *msi);
/* A high and a low: an edge on whatever route @gsi has. */
void irqchip_pulse_gsi(struct kvm_vm *vm, uint8_t source, uint32_t gsi);
/* Interrupts of @pins of one chip (KVM_IRQCHIP_*) have ended. */
void irqchip_ended(struct kvm_vm *vm, uint32_t chip, uint32_t pins);
/* What the 8259s have may have changed, and which of their interrupts have ended. */
void irqchip_pic_changed(struct kvm_vm *vm);
/* The timers of the PIT, if it has expired. */
void irqchip_expire_pit(struct kvm_vm *vm);
/* A local APIC has ended the level-triggered or watched @vector. */
void irqchip_eoi(struct kvm_vcpu *vcpu, uint8_t vector, bool is_level);

/* irq_routing.c */
long vm_ioc_set_gsi_routing(struct kvm_object *obj, unsigned long arg);
/* Return: 0 or -ENOMEM. */
int irq_routing_set_default(struct vm_irqchip *chip);
void irq_routing_lock(struct vm_irqchip *chip);
void irq_routing_unlock(struct vm_irqchip *chip);
/* With the lock. Return: the GSI that leads to the pin, or -1. */
int __irq_routing_gsi_of(const struct vm_irqchip *chip, uint32_t irqchip, unsigned int pin);
/* With the lock: the I/O APIC's pins of @gsi. */
uint32_t __irq_routing_pins_of(const struct vm_irqchip *chip, uint32_t gsi);

/* irqchip_ioctl.c */
long vm_ioc_create_irqchip(struct kvm_object *obj, unsigned long arg);
long vm_enable_split_irqchip(struct kvm_vm *vm, uint64_t pins);
long vm_enable_x2apic_api(struct kvm_vm *vm, uint64_t flags);
long vm_ioc_irq_line(struct kvm_object *obj, void *data);
long vm_ioc_signal_msi(struct kvm_object *obj, void *data);
long vm_ioc_get_irqchip(struct kvm_object *obj, void *data);
long vm_ioc_set_irqchip(struct kvm_object *obj, unsigned long arg);
long vm_ioc_create_pit2(struct kvm_object *obj, void *data);
long vm_ioc_create_pit(struct kvm_object *obj, unsigned long arg);
long vm_ioc_get_pit2(struct kvm_object *obj, void *data);
long vm_ioc_set_pit2(struct kvm_object *obj, void *data);
long vm_ioc_reinject_control(struct kvm_object *obj, unsigned long arg);

/* chips.c: ports and device memory. Return: is there a chip of ours? */
bool chips_read_port(struct kvm_vm *vm, uint16_t port, uint8_t *data, uint32_t len);
bool chips_write_port(struct kvm_vm *vm, uint16_t port, const uint8_t *data, uint32_t len);
bool chips_read(struct kvm_vcpu *vcpu, gpa_t gpa, uint8_t *data, uint32_t len);
bool chips_write(struct kvm_vcpu *vcpu, gpa_t gpa, const uint8_t *data, uint32_t len);

#endif
