/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of 8259A interrupt controllers of a PC with its ELCR. Under `lock`
 * (LOCK_PIC), but for `output`, the pair's INTR pin. It calls nobody.
 */
#ifndef EXCLAVE_IRQCHIP_I8259_H
#define EXCLAVE_IRQCHIP_I8259_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm_pic_state;

#define PIC_PINS    16
#define PIC_MASTER  0x20
#define PIC_SLAVE   0xa0
#define PIC_ELCR    0x4d0
#define PIC_CASCADE 2 /* the master's pin that the slave is on */

struct i8259 {
	uint8_t last_irr; /* pins as they were last: for edges */
	uint8_t irr, imr, isr;
	uint8_t highest; /* the pin of the highest priority */
	uint8_t base;    /* vector of pin 0 */
	uint8_t init_state;
	uint8_t elcr;
	bool read_isr, poll, special_mask, auto_eoi, rotate_on_auto_eoi, fully_nested, needs_icw4;
};

struct pic {
	pthread_mutex_t lock;
	struct i8259 chip[2];
	uint8_t sources[PIC_PINS];
	_Atomic bool output;
	/* Pins whose interrupt has ended since pic_take_ended() was last called. */
	_Atomic uint32_t ended;
};

void pic_init(struct pic *pic);
void pic_destroy(struct pic *pic);

/* Ports 20H, 21H, A0H, A1H, 4D0H and 4D1H. */
uint8_t pic_read(struct pic *pic, uint16_t port);
void pic_write(struct pic *pic, uint16_t port, uint8_t value);

/* @source: as of struct ioapic. Return: 1, 0 coalesced, -1 masked. */
int pic_set_pin(struct pic *pic, unsigned int pin, uint8_t source, bool level);
/* INTA: the vector, spurious when the pin went low in between. */
uint8_t pic_acknowledge(struct pic *pic);

static inline bool pic_output(const struct pic *pic)
{
	return atomic_load_explicit(&pic->output, memory_order_acquire);
}

/* A bit for each pin whose interrupt has ended. */
static inline uint32_t pic_take_ended(struct pic *pic)
{
	return atomic_load_explicit(&pic->ended, memory_order_relaxed)
		       ? atomic_exchange(&pic->ended, 0)
		       : 0;
}

/* @chip: 0 the master, 1 the slave. */
void pic_get_state(struct pic *pic, unsigned int chip, struct kvm_pic_state *state);
void pic_set_state(struct pic *pic, unsigned int chip, const struct kvm_pic_state *state);

#endif
