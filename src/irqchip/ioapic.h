/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 82093AA I/O APIC: 24 pins, each led to a vector by its redirection entry. Under
 * `lock` (LOCK_IOAPIC), with which it sends to local APICs. A pin is the OR of its
 * sources, a bit each. What is to be done about the end of an interrupt is the
 * caller's, without the lock.
 */
#ifndef EXCLAVE_IRQCHIP_IOAPIC_H
#define EXCLAVE_IRQCHIP_IOAPIC_H

#include "irqchip/apic_bus.h"

struct kvm_ioapic_state;

#define IOAPIC_PINS         24
#define IOAPIC_DEFAULT_BASE UINT64_C(0xfec00000)
#define IOAPIC_SIZE         0x100

/* A pin is raised by whom: bits of `sources`. */
#define IRQ_SOURCE_VMM      0x1u
#define IRQ_SOURCE_RESAMPLE 0x2u
#define IRQ_SOURCE_PIT      0x4u

struct ioapic {
	pthread_mutex_t lock;
	struct apic_bus *bus;
	uint8_t sources[IOAPIC_PINS];
	uint32_t select;
	uint32_t id;
	uint32_t irr;       /* pins that are high, */
	uint32_t delivered; /* and of those with edges, the ones that have been sent */
	uint64_t entry[IOAPIC_PINS];
	uint32_t watched_pins;
	/* The vectors of watched pins, of which EOIs are wanted though they have edges. */
	_Atomic uint32_t watched_vectors[8];
};

void ioapic_init(struct ioapic *io, struct apic_bus *bus);
void ioapic_destroy(struct ioapic *io);
void ioapic_reset(struct ioapic *io);

/* @offset below IOAPIC_SIZE. */
uint32_t ioapic_read(struct ioapic *io, uint32_t offset);
void ioapic_write(struct ioapic *io, uint32_t offset, uint32_t value);

/* Return: as KVM_IRQ_LINE_STATUS: > 0 delivered, 0 coalesced, -1 masked. */
int ioapic_set_pin(struct ioapic *io, unsigned int pin, uint8_t source, bool level);
/* From now on the ends of @pins' interrupts are wanted, whatever their trigger mode. */
void ioapic_watch(struct ioapic *io, uint32_t pins);

/* Is the end of @vector for ioapic_eoi(), if it is no broadcast? */
static inline bool ioapic_is_watched(const struct ioapic *io, uint8_t vector)
{
	uint32_t word =
		atomic_load_explicit(&io->watched_vectors[vector / 32], memory_order_relaxed);

	return word >> vector % 32 & 1;
}

/*
 * The pins that have this vector. Who holds them high until the interrupt ends has to
 * let go before ioapic_eoi(), or it comes again.
 */
uint32_t ioapic_pins_of(struct ioapic *io, uint8_t vector);
/* SDM "Signaling Interrupt Servicing Completion": the EOI message. */
void ioapic_eoi(struct ioapic *io, uint8_t vector);

void ioapic_get_state(struct ioapic *io, struct kvm_ioapic_state *state);
void ioapic_set_state(struct ioapic *io, const struct kvm_ioapic_state *state);

#endif
