// SPDX-License-Identifier: GPL-2.0-or-later
/* 8259A data sheet. */
#include "irqchip/i8259.h"

#include "lib/bits.h"
#include "lib/lock.h"
#include "lib/x86.h" /* before <linux/kvm.h>, whose macros have the names of vectors */

#include <linux/kvm.h>
#include <string.h>

#define NO_PRIORITY 8
#define SPURIOUS    7

#define ICW1_NEEDS_ICW4 0x01
#define ICW1            0x10
#define ICW4_AUTO_EOI   0x02
#define ICW4_NESTED     0x10

#define OCW3          0x08
#define OCW3_READ_ISR 0x01
#define OCW3_READ     0x02
#define OCW3_POLL     0x04
#define OCW3_MASK     0x20
#define OCW3_SET_MASK 0x40

/* Timer, keyboard and cascade; real-time clock and coprocessor: these have edges for ever. */
static const uint8_t elcr_bits[2] = {0xf8, 0xde};

static void pic_lock(struct pic *pic)
{
	lock_rank_acquire(LOCK_PIC);
	pthread_mutex_lock(&pic->lock);
}

static void pic_unlock(struct pic *pic)
{
	pthread_mutex_unlock(&pic->lock);
	lock_rank_release(LOCK_PIC);
}

void pic_init(struct pic *pic)
{
	memset(pic, 0, sizeof(*pic));
	pthread_mutex_init(&pic->lock, NULL);
}

void pic_destroy(struct pic *pic)
{
	pthread_mutex_destroy(&pic->lock);
}

/* 0 is the highest. */
static unsigned int priority(const struct i8259 *s, uint8_t pins)
{
	unsigned int p = 0;

	if (!pins)
		return NO_PRIORITY;
	while (!(pins & BIT32((p + s->highest) & 7)))
		p++;
	return p;
}

/* Return: the pin that interrupts, or -1. */
static int pin_to_serve(const struct i8259 *s, bool is_master)
{
	uint8_t in_service = s->isr;
	unsigned int wanted = priority(s, s->irr & (uint8_t)~s->imr);

	if (wanted == NO_PRIORITY)
		return -1;
	if (s->special_mask)
		in_service &= (uint8_t)~s->imr;
	/* "Special Fully Nested Mode": a slave in service may ask again. */
	if (s->fully_nested && is_master)
		in_service &= (uint8_t)~BIT32(PIC_CASCADE);
	if (wanted >= priority(s, in_service))
		return -1;
	return (int)((wanted + s->highest) & 7);
}

static bool __set_irr(struct i8259 *s, unsigned int pin, bool level)
{
	uint8_t bit = (uint8_t)BIT32(pin);
	bool was_set = s->irr & bit, was_high = s->last_irr & bit;

	s->last_irr = (uint8_t)(level ? s->last_irr | bit : s->last_irr & ~bit);
	if (level && ((s->elcr & bit) || !was_high))
		s->irr |= bit;
	else if (!level && (s->elcr & bit))
		s->irr &= (uint8_t)~bit;
	return was_set;
}

static void __update(struct pic *pic)
{
	bool slave = pin_to_serve(&pic->chip[1], false) >= 0;

	/* The slave's INTR pulses: a new request after the last is an edge for the master. */
	if (slave) {
		__set_irr(&pic->chip[0], PIC_CASCADE, true);
		__set_irr(&pic->chip[0], PIC_CASCADE, false);
	}
	atomic_store_explicit(&pic->output, pin_to_serve(&pic->chip[0], true) >= 0,
			      memory_order_release);
}

int pic_set_pin(struct pic *pic, unsigned int pin, uint8_t source, bool level)
{
	struct i8259 *s = &pic->chip[pin / 8];
	bool was_set;
	int ret = 1;

	pic_lock(pic);
	if (level)
		pic->sources[pin] |= source;
	else
		pic->sources[pin] &= (uint8_t)~source;
	level = pic->sources[pin];
	was_set = __set_irr(s, pin % 8, level);
	if (level && (s->imr & BIT32(pin % 8)))
		ret = -1;
	else if (level && was_set)
		ret = 0;
	__update(pic);
	pic_unlock(pic);
	return ret;
}

static void __end(struct pic *pic, unsigned int chip, unsigned int pin)
{
	pic->chip[chip].isr &= (uint8_t)~BIT32(pin);
	atomic_fetch_or_explicit(&pic->ended, BIT32(pin + chip * 8), memory_order_relaxed);
}

static void __acknowledge(struct pic *pic, unsigned int chip, unsigned int pin)
{
	struct i8259 *s = &pic->chip[chip];

	s->isr |= (uint8_t)BIT32(pin);
	/* A level stays as long as the pin is high. */
	if (!(s->elcr & BIT32(pin)))
		s->irr &= (uint8_t)~BIT32(pin);
	if (!s->auto_eoi)
		return;
	if (s->rotate_on_auto_eoi)
		s->highest = (uint8_t)((pin + 1) & 7);
	__end(pic, chip, pin);
}

static uint8_t __take(struct pic *pic)
{
	int pin = pin_to_serve(&pic->chip[0], true), slave;

	if (pin < 0)
		return (uint8_t)(pic->chip[0].base + SPURIOUS);
	__acknowledge(pic, 0, (unsigned int)pin);
	if (pin != PIC_CASCADE)
		return (uint8_t)(pic->chip[0].base + pin);
	slave = pin_to_serve(&pic->chip[1], false);
	if (slave < 0)
		return (uint8_t)(pic->chip[1].base + SPURIOUS);
	__acknowledge(pic, 1, (unsigned int)slave);
	return (uint8_t)(pic->chip[1].base + slave);
}

uint8_t pic_acknowledge(struct pic *pic)
{
	uint8_t vector;

	pic_lock(pic);
	vector = __take(pic);
	__update(pic);
	pic_unlock(pic);
	return vector;
}

/* All starts anew but the ELCR and the pins: one that is high has to fall before it is an edge. */
static void __icw1(struct i8259 *s, uint8_t value)
{
	uint8_t levels = s->irr & s->elcr, elcr = s->elcr, last = s->last_irr;

	*s = (struct i8259){
		.elcr = elcr,
		.irr = levels,
		.last_irr = last,
		.init_state = 1,
		.needs_icw4 = value & ICW1_NEEDS_ICW4,
	};
}

static void __ocw3(struct i8259 *s, uint8_t value)
{
	if (value & OCW3_POLL)
		s->poll = true;
	if (value & OCW3_READ)
		s->read_isr = value & OCW3_READ_ISR;
	if (value & OCW3_MASK)
		s->special_mask = value & OCW3_SET_MASK;
}

/* End of interrupt, and whose priority becomes the lowest. */
static void __ocw2(struct pic *pic, unsigned int chip, uint8_t value)
{
	struct i8259 *s = &pic->chip[chip];
	unsigned int pin = value & 7, p;

	switch (value >> 5) {
	case 0: /* rotate in automatic EOI mode: clear, set */
	case 4:
		s->rotate_on_auto_eoi = value >> 7;
		break;
	case 1: /* non-specific EOI, */
	case 5: /* and rotate */
		p = priority(s, s->isr);
		if (p == NO_PRIORITY)
			break;
		pin = (p + s->highest) & 7;
		if (value >> 5 == 5)
			s->highest = (uint8_t)((pin + 1) & 7);
		__end(pic, chip, pin);
		break;
	case 3: /* specific EOI */
		__end(pic, chip, pin);
		break;
	case 6: /* set priority */
		s->highest = (uint8_t)((pin + 1) & 7);
		break;
	case 7: /* rotate on specific EOI */
		s->highest = (uint8_t)((pin + 1) & 7);
		__end(pic, chip, pin);
		break;
	}
}

/* The initialization sequence, else the mask. */
static void __write_data(struct i8259 *s, uint8_t value)
{
	switch (s->init_state) {
	case 1:
		s->base = value & 0xf8;
		s->init_state = 2;
		break;
	case 2:
		s->init_state = s->needs_icw4 ? 3 : 0;
		break;
	case 3:
		s->fully_nested = value & ICW4_NESTED;
		s->auto_eoi = value & ICW4_AUTO_EOI;
		s->init_state = 0;
		break;
	default:
		s->imr = value;
		break;
	}
}

static void __write_command(struct pic *pic, unsigned int chip, uint8_t value)
{
	if (value & ICW1)
		__icw1(&pic->chip[chip], value);
	else if (value & OCW3)
		__ocw3(&pic->chip[chip], value);
	else
		__ocw2(pic, chip, value);
}

void pic_write(struct pic *pic, uint16_t port, uint8_t value)
{
	unsigned int chip = (port & ~1u) == PIC_SLAVE || port == PIC_ELCR + 1;

	pic_lock(pic);
	if ((port & ~1u) == PIC_ELCR)
		pic->chip[chip].elcr = value & elcr_bits[chip];
	else if (port & 1)
		__write_data(&pic->chip[chip], value);
	else
		__write_command(pic, chip, value);
	__update(pic);
	pic_unlock(pic);
}

/* "Poll Command": the read is the acknowledgement. */
static uint8_t __poll(struct pic *pic, unsigned int chip)
{
	int pin = pin_to_serve(&pic->chip[chip], chip == 0);

	pic->chip[chip].poll = false;
	if (pin < 0)
		return SPURIOUS;
	if (chip) {
		pic->chip[0].isr &= (uint8_t)~BIT32(PIC_CASCADE);
		pic->chip[0].irr &= (uint8_t)~BIT32(PIC_CASCADE);
	}
	__acknowledge(pic, chip, (unsigned int)pin);
	return (uint8_t)(0x80 | pin);
}

uint8_t pic_read(struct pic *pic, uint16_t port)
{
	unsigned int chip = (port & ~1u) == PIC_SLAVE || port == PIC_ELCR + 1;
	struct i8259 *s = &pic->chip[chip];
	uint8_t value;

	pic_lock(pic);
	if ((port & ~1u) == PIC_ELCR)
		value = s->elcr;
	else if (s->poll)
		value = __poll(pic, chip);
	else if (port & 1)
		value = s->imr;
	else
		value = s->read_isr ? s->isr : s->irr;
	__update(pic);
	pic_unlock(pic);
	return value;
}

void pic_get_state(struct pic *pic, unsigned int chip, struct kvm_pic_state *state)
{
	const struct i8259 *s = &pic->chip[chip];

	pic_lock(pic);
	*state = (struct kvm_pic_state){
		.last_irr = s->last_irr,
		.irr = s->irr,
		.imr = s->imr,
		.isr = s->isr,
		.priority_add = s->highest,
		.irq_base = s->base,
		.read_reg_select = s->read_isr,
		.poll = s->poll,
		.special_mask = s->special_mask,
		.init_state = s->init_state,
		.auto_eoi = s->auto_eoi,
		.rotate_on_auto_eoi = s->rotate_on_auto_eoi,
		.special_fully_nested_mode = s->fully_nested,
		.init4 = s->needs_icw4,
		.elcr = s->elcr,
		.elcr_mask = elcr_bits[chip],
	};
	pic_unlock(pic);
}

void pic_set_state(struct pic *pic, unsigned int chip, const struct kvm_pic_state *state)
{
	pic_lock(pic);
	pic->chip[chip] = (struct i8259){
		.last_irr = state->last_irr,
		.irr = state->irr,
		.imr = state->imr,
		.isr = state->isr,
		.highest = state->priority_add & 7,
		.base = state->irq_base & 0xf8,
		.read_isr = state->read_reg_select,
		.poll = state->poll,
		.special_mask = state->special_mask,
		.init_state = state->init_state & 3,
		.auto_eoi = state->auto_eoi,
		.rotate_on_auto_eoi = state->rotate_on_auto_eoi,
		.fully_nested = state->special_fully_nested_mode,
		.needs_icw4 = state->init4,
		.elcr = state->elcr & elcr_bits[chip],
	};
	__update(pic);
	pic_unlock(pic);
}
