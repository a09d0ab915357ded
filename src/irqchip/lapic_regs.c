// SPDX-License-Identifier: GPL-2.0-or-later
/* The registers of the local APIC, as the guest reads and writes them. */
#include "irqchip/lapic_core.h"

#include "lib/bits.h"

#define ICR_BUSY BIT32(12)

/* SDM "Local Vector Table": what can be written of each. */
static uint32_t lvt_bits(uint32_t lvt)
{
	const uint32_t vector = 0xff, mode = 7 << 8, pin = BIT32(13) | LAPIC_LVT_LEVEL;

	switch (lvt) {
	case LAPIC_LVT_TIMER:
		return vector | LAPIC_LVT_MASKED | LAPIC_LVT_TIMER_MODE;
	case LAPIC_LVT_LINT0:
	case LAPIC_LVT_LINT1:
		return vector | LAPIC_LVT_MASKED | mode | pin;
	case LAPIC_LVT_ERROR:
		return vector | LAPIC_LVT_MASKED;
	default:
		return vector | LAPIC_LVT_MASKED | mode;
	}
}

static bool is_lvt(uint32_t offset)
{
	return offset >= LAPIC_LVT_TIMER && offset <= LAPIC_LVT_ERROR;
}

static bool is_readable(uint32_t offset)
{
	switch (offset) {
	case LAPIC_ID:
	case LAPIC_VERSION:
	case LAPIC_TPR:
	case LAPIC_PPR:
	case LAPIC_LDR:
	case LAPIC_DFR:
	case LAPIC_SVR:
	case LAPIC_ESR:
	case LAPIC_ICR:
	case LAPIC_ICR2:
	case LAPIC_TIMER_ICR:
	case LAPIC_TIMER_CCR:
	case LAPIC_TIMER_DCR:
		return true;
	default:
		return (offset >= LAPIC_ISR && offset < LAPIC_ESR) || is_lvt(offset);
	}
}

static uint32_t __read(struct lapic *l, uint32_t offset)
{
	switch (offset) {
	case LAPIC_PPR:
		return __lapic_ppr(l);
	case LAPIC_TIMER_CCR:
		return __lapic_timer_count(l);
	default:
		return lapic_get(l, offset);
	}
}

/* While software has the APIC disabled, its local vectors are and stay masked. */
static void __set_lvt(struct lapic *l, uint32_t lvt, uint32_t value)
{
	value &= lvt_bits(lvt);
	if (!(lapic_get(l, LAPIC_SVR) & LAPIC_SVR_ENABLE))
		value |= LAPIC_LVT_MASKED;
	if (lvt == LAPIC_LVT_TIMER)
		__lapic_timer_set_lvt(l, value);
	else
		lapic_put(l, lvt, value);
}

/* Bit 9, focus processor checking, has no meaning but is written. */
static void __set_svr(struct lapic *l, uint32_t value)
{
	lapic_put(l, LAPIC_SVR, value & (0xff | LAPIC_SVR_ENABLE | BIT32(9)));
	if (value & LAPIC_SVR_ENABLE)
		return;
	for (uint32_t lvt = LAPIC_LVT_TIMER; lvt <= LAPIC_LVT_ERROR; lvt += 16)
		lapic_put(l, lvt, lapic_get(l, lvt) | LAPIC_LVT_MASKED);
}

struct apic_message apic_message_of_icr(uint32_t low, uint32_t dest)
{
	struct apic_message message = {
		.mode = (enum apic_mode)(low >> 8 & 7),
		.shorthand = (enum apic_shorthand)(low >> 18 & 3),
		.vector = (uint8_t)low,
		.logical = low & BIT32(11),
		.level = low & BIT32(15),
		.deassert = !(low & BIT32(14)),
		.is_ipi = true,
		.dest = dest,
	};

	/* All are edge-triggered: "the level is always treated as edge" for these. */
	if (message.mode == APIC_MODE_FIXED || message.mode == APIC_MODE_LOWEST)
		message.level = false;
	return message;
}

/* SDM "Interrupt Command Register (ICR)". */
static void __send(struct lapic *l, uint32_t low, uint32_t high, struct lapic_effect *effect)
{
	struct apic_message *message = &effect->message;

	*message = apic_message_of_icr(low, lapic_is_x2apic(l) ? high : high >> 24);
	lapic_put(l, LAPIC_ICR, low & ~ICR_BUSY);
	if ((message->mode == APIC_MODE_FIXED || message->mode == APIC_MODE_LOWEST) &&
	    message->vector < 16) {
		__lapic_error(l, LAPIC_ESR_SEND_VECTOR);
		return;
	}
	effect->send = true;
}

static void __send_self(struct lapic *l, uint8_t vector, struct lapic_effect *effect)
{
	__send(l, (uint32_t)APIC_TO_SELF << 18 | BIT32(14) | vector, 0, effect);
}

/* SDM "Error Handling": a write shows what has come together since the last. */
static void __set_esr(struct lapic *l)
{
	lapic_put(l, LAPIC_ESR, l->errors);
	l->errors = 0;
}

/* What both modes have. Return: false where there is nothing to write. */
static bool __write(struct lapic *l, uint32_t offset, uint32_t value, struct lapic_effect *effect)
{
	switch (offset) {
	case LAPIC_TPR:
		lapic_put(l, LAPIC_TPR, value & 0xff);
		__lapic_update(l);
		return true;
	case LAPIC_SVR:
		__set_svr(l, value);
		return true;
	case LAPIC_ESR:
		__set_esr(l);
		return true;
	case LAPIC_TIMER_ICR:
		if ((lapic_get(l, LAPIC_LVT_TIMER) & LAPIC_LVT_TIMER_MODE) ==
		    LAPIC_LVT_TIMER_DEADLINE)
			return true;
		lapic_put(l, LAPIC_TIMER_ICR, value);
		__lapic_timer_start(l);
		return true;
	case LAPIC_TIMER_DCR:
		__lapic_timer_set_divide(l, value);
		return true;
	default:
		if (is_lvt(offset))
			__set_lvt(l, offset, value);
		return is_lvt(offset);
	}
}

uint32_t lapic_mmio_read(struct lapic *l, uint32_t offset)
{
	uint32_t reg = offset & ~15u, value = 0;

	lapic_lock(l);
	/* SDM "Detection of Errors": the second to fourth word of a slot is nothing to say about. */
	if (is_readable(reg))
		value = __read(l, reg) >> (offset & 3) * 8;
	else
		__lapic_error(l, LAPIC_ESR_ADDRESS);
	lapic_unlock(l);
	return offset & 12 ? 0 : value;
}

void lapic_mmio_write(struct lapic *l, uint32_t offset, uint32_t value, struct lapic_effect *effect)
{
	if (offset & 15)
		return;
	if (offset == LAPIC_EOI) {
		lapic_eoi(l, effect);
		return;
	}
	lapic_lock(l);
	switch (offset) {
	case LAPIC_ID:
	case LAPIC_VERSION:
	case LAPIC_PPR:
	case LAPIC_TIMER_CCR:
		/* KVM lets nobody change an ID either. */
		break;
	case LAPIC_LDR:
		lapic_put(l, LAPIC_LDR, value & UINT32_C(0xff000000));
		break;
	case LAPIC_DFR:
		lapic_put(l, LAPIC_DFR, value | UINT32_C(0x0fffffff));
		break;
	case LAPIC_ICR2:
		lapic_put(l, LAPIC_ICR2, value & UINT32_C(0xff000000));
		break;
	case LAPIC_ICR:
		__send(l, value, lapic_get(l, LAPIC_ICR2), effect);
		break;
	default:
		if (!__write(l, offset, value, effect))
			__lapic_error(l, LAPIC_ESR_ADDRESS);
		break;
	}
	lapic_unlock(l);
}

/* SDM "x2APIC Register Address Space": no DFR, no second half of ICR; others are written only. */
bool lapic_msr_read(struct lapic *l, uint32_t index, uint64_t *value)
{
	uint32_t offset = (index - LAPIC_MSR_FIRST) << 4;

	if (!lapic_is_x2apic(l) || offset >= 0x400 || !is_readable(offset) || offset == LAPIC_DFR ||
	    offset == LAPIC_ICR2)
		return false;
	lapic_lock(l);
	*value = __read(l, offset);
	if (offset == LAPIC_ICR)
		*value |= (uint64_t)lapic_get(l, LAPIC_ICR2) << 32;
	lapic_unlock(l);
	return true;
}

static bool __msr_write(struct lapic *l, uint32_t offset, uint64_t value,
			struct lapic_effect *effect)
{
	if (offset == LAPIC_ICR) {
		lapic_put(l, LAPIC_ICR2, (uint32_t)(value >> 32));
		__send(l, (uint32_t)value, (uint32_t)(value >> 32), effect);
		return true;
	}
	if (value >> 32)
		return false;
	switch (offset) {
	case LAPIC_SELF_IPI:
		if (value > 0xff)
			return false;
		__send_self(l, (uint8_t)value, effect);
		return true;
	case LAPIC_TPR:
		return value <= 0xff && __write(l, offset, (uint32_t)value, effect);
	case LAPIC_ESR:
		return value == 0 && __write(l, offset, 0, effect);
	default:
		return __write(l, offset, (uint32_t)value, effect);
	}
}

bool lapic_msr_write(struct lapic *l, uint32_t index, uint64_t value, struct lapic_effect *effect)
{
	uint32_t offset = (index - LAPIC_MSR_FIRST) << 4;
	bool ok;

	if (!lapic_is_x2apic(l) || offset >= 0x400)
		return false;
	if (offset == LAPIC_EOI) {
		if (value)
			return false;
		lapic_eoi(l, effect);
		return true;
	}
	lapic_lock(l);
	ok = __msr_write(l, offset, value, effect);
	lapic_unlock(l);
	return ok;
}
