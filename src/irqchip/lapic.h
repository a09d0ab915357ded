/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local APIC: SDM "Advanced Programmable Interrupt Controller (APIC)", as KVM has
 * it: six local vectors, a timer that counts nanoseconds, x2APIC mode.
 *
 * Other processors and devices bring it interrupts at any time, so all of it is under
 * `lock` (LOCK_LAPIC), except what is atomic: `pending`, `events`, and what the choice
 * of a destination reads. The processor itself looks at `pending` and takes the lock
 * only to take an interrupt, so nothing here waits for the VM. The chip calls nobody
 * with the lock held but its clock; what others have to do is a struct lapic_effect.
 */
#ifndef EXCLAVE_IRQCHIP_LAPIC_H
#define EXCLAVE_IRQCHIP_LAPIC_H

#include "irqchip/apic_message.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct kvm_lapic_state;

#define LAPIC_PAGE_SIZE    4096
#define LAPIC_DEFAULT_BASE UINT64_C(0xfee00000)

#define LAPIC_BASE_BSP    (UINT64_C(1) << 8)
#define LAPIC_BASE_X2APIC (UINT64_C(1) << 10)
#define LAPIC_BASE_ENABLE (UINT64_C(1) << 11)
#define LAPIC_BASE_PAGE   (~UINT64_C(0xfff))

/* SDM "Local APIC Register Address Map". */
#define LAPIC_ID        0x020
#define LAPIC_VERSION   0x030
#define LAPIC_TPR       0x080
#define LAPIC_APR       0x090
#define LAPIC_PPR       0x0a0
#define LAPIC_EOI       0x0b0
#define LAPIC_LDR       0x0d0
#define LAPIC_DFR       0x0e0
#define LAPIC_SVR       0x0f0
#define LAPIC_ISR       0x100
#define LAPIC_TMR       0x180
#define LAPIC_IRR       0x200
#define LAPIC_ESR       0x280
#define LAPIC_LVT_CMCI  0x2f0
#define LAPIC_ICR       0x300
#define LAPIC_ICR2      0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_THERM 0x330
#define LAPIC_LVT_PERF  0x340
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_ICR 0x380
#define LAPIC_TIMER_CCR 0x390
#define LAPIC_TIMER_DCR 0x3e0
#define LAPIC_SELF_IPI  0x3f0

#define LAPIC_MSR_FIRST 0x800
#define LAPIC_MSR_LAST  0x8ff

#define LAPIC_SVR_ENABLE (UINT32_C(1) << 8)

#define LAPIC_LVT_MASKED         (UINT32_C(1) << 16)
#define LAPIC_LVT_LEVEL          (UINT32_C(1) << 15)
#define LAPIC_LVT_IRR            (UINT32_C(1) << 14)
#define LAPIC_LVT_TIMER_ONE_SHOT (UINT32_C(0) << 17)
#define LAPIC_LVT_TIMER_PERIODIC (UINT32_C(1) << 17)
#define LAPIC_LVT_TIMER_DEADLINE (UINT32_C(2) << 17)
#define LAPIC_LVT_TIMER_MODE     (UINT32_C(3) << 17)

#define LAPIC_ESR_SEND_VECTOR    (UINT32_C(1) << 5)
#define LAPIC_ESR_RECEIVE_VECTOR (UINT32_C(1) << 6)
#define LAPIC_ESR_ADDRESS        (UINT32_C(1) << 7)

/* Bits of `events`, which the processor's owner takes with atomic operations. */
#define LAPIC_EVENT_NMI  0x1u
#define LAPIC_EVENT_INIT 0x2u
#define LAPIC_EVENT_SIPI 0x4u

struct lapic_ops {
	/* Nanoseconds of a clock that never stands still; the guest's TSC and its rate. */
	uint64_t (*now)(void *owner);
	uint64_t (*tsc)(void *owner);
	uint32_t (*tsc_khz)(void *owner);
	/* `pending` or `events` may ask the processor to do something. Any thread, without the lock. */
	void (*wake)(void *owner);
};

/* What follows from an access of the guest, for whoever knows the other chips. */
struct lapic_effect {
	bool eoi_broadcast; /* of a level-triggered `vector` */
	bool send;          /* `message`, an IPI */
	bool eoi;           /* `vector` has been ended, level-triggered or not */
	uint8_t vector;
	struct apic_message message;
};

struct lapic {
	pthread_mutex_t lock;
	const struct lapic_ops *ops;
	void *owner;
	uint32_t id;           /* x2APIC's: the number of the vCPU */
	uint32_t reg[64];      /* at offset / 16; x2APIC's ICR has its high half in ICR2 */
	uint32_t errors;       /* that the next write to ESR shows */
	bool eoi_unsaid;       /* lapic_begin_unsaid_eoi() */
	_Atomic uint64_t base; /* IA32_APIC_BASE */

	_Atomic uint8_t pending; /* the vector that may interrupt now, or 0 */
	_Atomic uint32_t events;
	_Atomic uint8_t sipi_vector;

	/* The timer. */
	_Atomic uint64_t deadline; /* when something is to happen, 0: never */
	uint64_t period;           /* of the periodic mode, 0: it happens once */
	uint64_t tsc_deadline;     /* IA32_TSC_DEADLINE */
};

void lapic_init(struct lapic *l, uint32_t id, bool is_bsp, const struct lapic_ops *ops,
		void *owner);
void lapic_destroy(struct lapic *l);
/* SDM "Local APIC State After ...": an INIT keeps the ID and IA32_APIC_BASE. */
void lapic_reset(struct lapic *l, bool is_bsp, bool is_init);

/* IA32_APIC_BASE, whose checks lapic_base_is_valid() makes. */
void lapic_set_base(struct lapic *l, uint64_t base);
/* SDM "x2APIC State Transitions": may the guest go from @from to @to? */
bool lapic_base_is_valid(uint64_t from, uint64_t to);

static inline uint64_t lapic_base(const struct lapic *l)
{
	return atomic_load_explicit(&l->base, memory_order_relaxed);
}

static inline bool lapic_is_x2apic(const struct lapic *l)
{
	return lapic_base(l) & LAPIC_BASE_X2APIC;
}

/* The register page in xAPIC mode: naturally aligned accesses of 1 to 4 bytes. */
uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset);
void lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t value,
		      struct lapic_effect *effect);
/* Return: false for #GP. */
bool lapic_msr_read(struct lapic *l, uint32_t index, uint64_t *value);
bool lapic_msr_write(struct lapic *l, uint32_t index, uint64_t value, struct lapic_effect *effect);
void lapic_eoi(struct lapic *l, struct lapic_effect *effect);
/* What the low half of ICR says, to @dest. */
struct apic_message apic_message_of_icr(uint32_t low, uint32_t dest);

uint8_t lapic_tpr(struct lapic *l);
void lapic_set_tpr(struct lapic *l, uint8_t tpr);

/* Is the message for it? By its registers as they are now. */
bool lapic_matches(struct lapic *l, const struct apic_message *message);
/* Return: false when it does not take it: it is switched off. */
bool lapic_accept(struct lapic *l, const struct apic_message *message);
/* Is it switched on in hardware and in software? */
bool lapic_is_enabled(const struct lapic *l);
/* Does LINT0 pass on what the 8259s have? */
bool lapic_takes_extint(const struct lapic *l);

static inline uint8_t lapic_pending(const struct lapic *l)
{
	return atomic_load_explicit(&l->pending, memory_order_acquire);
}

/* The vector, now in service, or -1. */
int lapic_take(struct lapic *l);
/* Does any interrupt wait, whatever its priority? */
bool lapic_has_request(const struct lapic *l);

/*
 * The guest may end the interrupt in service without a word to the APIC, if it is the only
 * one, edge-triggered, and no other waits: from now on every interrupt wakes the processor,
 * whose owner asks the guest and says at lapic_finish_unsaid_eoi() whether it has @ended.
 */
bool lapic_begin_unsaid_eoi(struct lapic *l);
void lapic_finish_unsaid_eoi(struct lapic *l, bool ended, struct lapic_effect *effect);

uint64_t lapic_tsc_deadline(struct lapic *l);
void lapic_set_tsc_deadline(struct lapic *l, uint64_t value);

/* When lapic_expire() has something to do, in ns; 0: never. */
static inline uint64_t lapic_deadline(const struct lapic *l)
{
	return atomic_load(&l->deadline);
}

void lapic_expire(struct lapic *l);

/* @wide_ids: KVM_X2APIC_API_USE_32BIT_IDS. */
void lapic_get_state(struct lapic *l, struct kvm_lapic_state *state, bool wide_ids);
/* Return: 0, or -EINVAL when it is another APIC's. */
int lapic_set_state(struct lapic *l, const struct kvm_lapic_state *state, bool wide_ids);

#endif
