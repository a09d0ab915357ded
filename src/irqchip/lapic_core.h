/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the local APIC know of each other. */
#ifndef EXCLAVE_IRQCHIP_LAPIC_CORE_H
#define EXCLAVE_IRQCHIP_LAPIC_CORE_H

#include "irqchip/lapic.h"

void lapic_lock(struct lapic *l);
/* Wakes the processor when its pending interrupt is not what it was at lapic_lock(). */
void lapic_unlock(struct lapic *l);

/* Other threads look at some registers without the lock. */
static inline uint32_t lapic_get(const struct lapic *l, uint32_t offset)
{
	return __atomic_load_n(&l->reg[offset / 16], __ATOMIC_RELAXED);
}

static inline void lapic_put(struct lapic *l, uint32_t offset, uint32_t value)
{
	__atomic_store_n(&l->reg[offset / 16], value, __ATOMIC_RELAXED);
}

/* With the lock: */
/* One of the bit arrays ISR, TMR and IRR. */
void __lapic_set_bit(struct lapic *l, uint32_t array, uint8_t vector, bool on);
bool __lapic_bit(const struct lapic *l, uint32_t array, uint8_t vector);
/* What may interrupt now, after any change of IRR, ISR, TPR or IA32_APIC_BASE. */
void __lapic_update(struct lapic *l);
uint8_t __lapic_ppr(const struct lapic *l);
void __lapic_error(struct lapic *l, uint32_t error);
/* An interrupt of the local vector table. */
void __lapic_deliver_local(struct lapic *l, uint32_t lvt);
void __lapic_set_id(struct lapic *l);

/* lapic_timer.c */
void __lapic_timer_stop(struct lapic *l);
/* A count has been written. */
void __lapic_timer_start(struct lapic *l);
uint32_t __lapic_timer_count(const struct lapic *l);
/* TIMER_DCR := @divide, on with what is left of the count. */
void __lapic_timer_set_divide(struct lapic *l, uint32_t divide);
/* The timer's local vector := @lvt. */
void __lapic_timer_set_lvt(struct lapic *l, uint32_t lvt);
/* On with @count of a restored APIC. */
void __lapic_timer_resume(struct lapic *l, uint32_t count);

#endif
