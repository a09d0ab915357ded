// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts on their way through the local APIC. */
#include "irqchip/lapic_core.h"

#include "lib/bits.h"
#include "lib/lock.h"

#include <string.h>

/* Vectors below are the processor's own: SDM "Valid Interrupt Vectors". */
#define FIRST_VECTOR 16

#define DFR_FLAT  UINT32_C(0xffffffff)
#define SVR_RESET UINT32_C(0xff)

void lapic_lock(struct lapic *l)
{
	lock_acquire(LOCK_LAPIC, l);
	pthread_mutex_lock(&l->lock);
}

/* With an EOI unsaid, what comes may be due although the interrupt in service stands above it. */
static bool __wakes(const struct lapic *l)
{
	return lapic_pending(l) || atomic_load_explicit(&l->events, memory_order_relaxed) ||
	       (l->eoi_unsaid && lapic_has_request(l));
}

void lapic_unlock(struct lapic *l)
{
	bool wakes = __wakes(l);

	pthread_mutex_unlock(&l->lock);
	lock_release(LOCK_LAPIC, l);
	if (wakes)
		l->ops->wake(l->owner);
}

void lapic_init(struct lapic *l, uint32_t id, bool is_bsp, const struct lapic_ops *ops, void *owner)
{
	*l = (struct lapic){.ops = ops, .owner = owner, .id = id};
	pthread_mutex_init(&l->lock, NULL);
	lapic_reset(l, is_bsp, false);
}

void lapic_destroy(struct lapic *l)
{
	pthread_mutex_destroy(&l->lock);
}

bool __lapic_bit(const struct lapic *l, uint32_t array, uint8_t vector)
{
	return lapic_get(l, array + vector / 32 * 16) & BIT32(vector % 32);
}

void __lapic_set_bit(struct lapic *l, uint32_t array, uint8_t vector, bool on)
{
	uint32_t offset = array + vector / 32 * 16, word = lapic_get(l, offset);

	lapic_put(l, offset, on ? word | BIT32(vector % 32) : word & ~BIT32(vector % 32));
}

/* Return: the highest vector, or 0: that one is never set. */
static uint8_t highest(const struct lapic *l, uint32_t array)
{
	for (uint32_t i = 8; i-- > 0;) {
		uint32_t word = lapic_get(l, array + i * 16);

		if (word)
			return (uint8_t)(i * 32 + 31 - (uint32_t)__builtin_clz(word));
	}
	return 0;
}

bool lapic_has_request(const struct lapic *l)
{
	return highest(l, LAPIC_IRR);
}

/* SDM "Task and Processor Priorities". */
uint8_t __lapic_ppr(const struct lapic *l)
{
	uint8_t tpr = (uint8_t)lapic_get(l, LAPIC_TPR);
	uint8_t isr = highest(l, LAPIC_ISR) & 0xf0;

	return (tpr & 0xf0) >= isr ? tpr : isr;
}

void __lapic_update(struct lapic *l)
{
	uint8_t irr = highest(l, LAPIC_IRR);

	if (!(lapic_base(l) & LAPIC_BASE_ENABLE) || (irr & 0xf0) <= (__lapic_ppr(l) & 0xf0))
		irr = 0;
	atomic_store_explicit(&l->pending, irr, memory_order_release);
}

bool lapic_is_enabled(const struct lapic *l)
{
	return (lapic_base(l) & LAPIC_BASE_ENABLE) && (lapic_get(l, LAPIC_SVR) & LAPIC_SVR_ENABLE);
}

/* An APIC that is switched off leaves its pins to the processor: INTR is then the 8259's. */
bool lapic_takes_extint(const struct lapic *l)
{
	uint32_t lvt = lapic_get(l, LAPIC_LVT_LINT0);

	if (!(lapic_base(l) & LAPIC_BASE_ENABLE))
		return true;
	return !(lvt & LAPIC_LVT_MASKED) && (lvt >> 8 & 7) == APIC_MODE_EXTINT;
}

void __lapic_set_id(struct lapic *l)
{
	bool wide = lapic_is_x2apic(l);

	lapic_put(l, LAPIC_ID, wide ? l->id : l->id << 24);
	/* SDM "Logical x2APIC ID": cluster and member from the ID. */
	if (wide)
		lapic_put(l, LAPIC_LDR, (l->id >> 4) << 16 | BIT32(l->id & 0xf));
}

void lapic_reset(struct lapic *l, bool is_bsp, bool is_init)
{
	lapic_lock(l);
	if (!is_init)
		atomic_store(&l->base, LAPIC_DEFAULT_BASE | LAPIC_BASE_ENABLE |
					       (is_bsp ? LAPIC_BASE_BSP : 0));
	__lapic_timer_stop(l);
	for (uint32_t offset = 0; offset < 0x400; offset += 16)
		if (offset != LAPIC_ID)
			lapic_put(l, offset, 0);
	__lapic_set_id(l);
	lapic_put(l, LAPIC_VERSION, 0x14 | 5 << 16);
	lapic_put(l, LAPIC_DFR, DFR_FLAT);
	lapic_put(l, LAPIC_SVR, SVR_RESET);
	for (uint32_t lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		lapic_put(l, lvt, LAPIC_LVT_MASKED);
	/* Not architectural: firmware that knows no APIC expects the 8259 to get through. */
	if (is_bsp)
		lapic_put(l, LAPIC_LVT_LINT0, APIC_MODE_EXTINT << 8);
	l->errors = 0;
	l->eoi_unsaid = false;
	__lapic_update(l);
	lapic_unlock(l);
}

bool lapic_base_is_valid(uint64_t from, uint64_t to)
{
	const uint64_t mode = LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC;

	if ((to & mode) == LAPIC_BASE_X2APIC)
		return false;
	if ((from & mode) == mode && (to & mode) == LAPIC_BASE_ENABLE)
		return false;
	return (from & LAPIC_BASE_ENABLE) || (to & mode) != mode;
}

void lapic_set_base(struct lapic *l, uint64_t base)
{
	uint64_t before;

	lapic_lock(l);
	before = atomic_exchange(&l->base, base);
	if ((before ^ base) & (LAPIC_BASE_ENABLE | LAPIC_BASE_X2APIC))
		__lapic_set_id(l);
	__lapic_update(l);
	lapic_unlock(l);
}

uint8_t lapic_tpr(struct lapic *l)
{
	return (uint8_t)lapic_get(l, LAPIC_TPR);
}

void lapic_set_tpr(struct lapic *l, uint8_t tpr)
{
	lapic_lock(l);
	lapic_put(l, LAPIC_TPR, tpr);
	__lapic_update(l);
	lapic_unlock(l);
}

static void set_event(struct lapic *l, uint32_t event)
{
	atomic_fetch_or(&l->events, event);
}

static bool __accept_vector(struct lapic *l, const struct apic_message *message)
{
	if (!lapic_is_enabled(l))
		return false;
	if (message->vector < FIRST_VECTOR) {
		__lapic_error(l, LAPIC_ESR_RECEIVE_VECTOR);
		return false;
	}
	__lapic_set_bit(l, LAPIC_TMR, message->vector, message->level);
	__lapic_set_bit(l, LAPIC_IRR, message->vector, true);
	__lapic_update(l);
	return true;
}

static bool __accept(struct lapic *l, const struct apic_message *message)
{
	switch (message->mode) {
	case APIC_MODE_FIXED:
	case APIC_MODE_LOWEST:
		return __accept_vector(l, message);
	case APIC_MODE_NMI:
		set_event(l, LAPIC_EVENT_NMI);
		return true;
	case APIC_MODE_INIT:
		/* SDM: "INIT Level De-assert" is not supported by newer processors. */
		if (message->level && message->deassert)
			return true;
		/* A start-up IPI that came before it is void. */
		atomic_fetch_and(&l->events, ~LAPIC_EVENT_SIPI);
		set_event(l, LAPIC_EVENT_INIT);
		return true;
	case APIC_MODE_STARTUP:
		atomic_store(&l->sipi_vector, message->vector);
		set_event(l, LAPIC_EVENT_SIPI);
		return true;
	case APIC_MODE_SMI:
	case APIC_MODE_RESERVED:
	case APIC_MODE_EXTINT:
		/* No SMM; the 8259's interrupts come by LINT0. */
		return false;
	}
	return false;
}

bool lapic_accept(struct lapic *l, const struct apic_message *message)
{
	bool accepted;

	lapic_lock(l);
	accepted = __accept(l, message);
	lapic_unlock(l);
	return accepted;
}

void __lapic_deliver_local(struct lapic *l, uint32_t lvt)
{
	uint32_t value = lapic_get(l, lvt);
	struct apic_message message = {
		.mode = (enum apic_mode)(value >> 8 & 7),
		.vector = (uint8_t)value,
		.level = value & LAPIC_LVT_LEVEL,
	};

	/* The timer and errors are fixed and edge-triggered. */
	if (lvt == LAPIC_LVT_TIMER || lvt == LAPIC_LVT_ERROR) {
		message.mode = APIC_MODE_FIXED;
		message.level = false;
	}
	if ((lapic_base(l) & LAPIC_BASE_ENABLE) && !(value & LAPIC_LVT_MASKED))
		__accept(l, &message);
}

/* Its own vector may be invalid too: the error is noted once. */
void __lapic_error(struct lapic *l, uint32_t error)
{
	bool is_new = !(l->errors & error);

	l->errors |= error;
	if (is_new)
		__lapic_deliver_local(l, LAPIC_LVT_ERROR);
}

int lapic_take(struct lapic *l)
{
	uint8_t vector;

	lapic_lock(l);
	vector = lapic_pending(l);
	if (vector) {
		__lapic_set_bit(l, LAPIC_IRR, vector, false);
		__lapic_set_bit(l, LAPIC_ISR, vector, true);
		__lapic_update(l);
	}
	lapic_unlock(l);
	return vector ? vector : -1;
}

static void __eoi(struct lapic *l, struct lapic_effect *effect)
{
	uint8_t vector = highest(l, LAPIC_ISR);

	/* SDM "Signaling Interrupt Servicing Completion": without one in service it is ignored. */
	if (!vector)
		return;
	__lapic_set_bit(l, LAPIC_ISR, vector, false);
	effect->eoi = true;
	effect->eoi_broadcast = __lapic_bit(l, LAPIC_TMR, vector);
	effect->vector = vector;
	__lapic_update(l);
}

void lapic_eoi(struct lapic *l, struct lapic_effect *effect)
{
	lapic_lock(l);
	__eoi(l, effect);
	lapic_unlock(l);
}

/* Bits of an array. */
static unsigned int count(const struct lapic *l, uint32_t array)
{
	unsigned int bits = 0;

	for (uint32_t i = 0; i < 8; i++)
		bits += (unsigned int)__builtin_popcount(lapic_get(l, array + i * 16));
	return bits;
}

bool lapic_begin_unsaid_eoi(struct lapic *l)
{
	bool begun;

	lapic_lock(l);
	begun = count(l, LAPIC_ISR) == 1 && !lapic_has_request(l) &&
		!__lapic_bit(l, LAPIC_TMR, highest(l, LAPIC_ISR));
	l->eoi_unsaid = begun;
	lapic_unlock(l);
	return begun;
}

void lapic_finish_unsaid_eoi(struct lapic *l, bool ended, struct lapic_effect *effect)
{
	lapic_lock(l);
	l->eoi_unsaid = false;
	if (ended)
		__eoi(l, effect);
	lapic_unlock(l);
}
