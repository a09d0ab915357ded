// SPDX-License-Identifier: GPL-2.0-or-later
/* 82093AA data sheet. */
#include "irqchip/ioapic.h"

#include "lib/bits.h"
#include "lib/lock.h"
#include "lib/x86.h" /* before <linux/kvm.h>, whose macros have the names of vectors */

#include <linux/kvm.h>
#include <string.h>

#define WINDOW_SELECT 0x00
#define WINDOW_DATA   0x10

#define REG_ID      0
#define REG_VERSION 1
#define REG_ARB     2
#define REG_ENTRIES 0x10

#define VERSION (0x11 | (IOAPIC_PINS - 1) << 16)

#define ENTRY_LOGICAL    BIT64(11)
#define ENTRY_PENDING    BIT64(12)
#define ENTRY_REMOTE_IRR BIT64(14)
#define ENTRY_LEVEL      BIT64(15)
#define ENTRY_MASKED     BIT64(16)
#define ENTRY_READ_ONLY  (ENTRY_PENDING | ENTRY_REMOTE_IRR)
#define ENTRY_LOW_BITS   UINT64_C(0x1ffff)
#define ENTRY_DEST       (UINT64_C(0xff) << 56)

_Static_assert(IOAPIC_PINS == KVM_IOAPIC_NUM_PINS, "pins");

static void ioapic_lock(struct ioapic *io)
{
	lock_rank_acquire(LOCK_IOAPIC);
	pthread_mutex_lock(&io->lock);
}

static void ioapic_unlock(struct ioapic *io)
{
	pthread_mutex_unlock(&io->lock);
	lock_rank_release(LOCK_IOAPIC);
}

static void __find_watched(struct ioapic *io)
{
	uint32_t words[8] = {0};

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++) {
		uint8_t vector = (uint8_t)io->entry[pin];

		if (io->watched_pins & BIT32(pin))
			words[vector / 32] |= BIT32(vector % 32);
	}
	for (unsigned int i = 0; i < 8; i++)
		atomic_store_explicit(&io->watched_vectors[i], words[i], memory_order_relaxed);
}

static void __reset(struct ioapic *io)
{
	memset(io->sources, 0, sizeof(io->sources));
	io->select = io->id = io->irr = io->delivered = 0;
	for (unsigned int i = 0; i < IOAPIC_PINS; i++)
		io->entry[i] = ENTRY_MASKED;
	__find_watched(io);
}

void ioapic_init(struct ioapic *io, struct apic_bus *bus)
{
	*io = (struct ioapic){.bus = bus};
	pthread_mutex_init(&io->lock, NULL);
	__reset(io);
}

void ioapic_destroy(struct ioapic *io)
{
	pthread_mutex_destroy(&io->lock);
}

void ioapic_reset(struct ioapic *io)
{
	ioapic_lock(io);
	__reset(io);
	ioapic_unlock(io);
}

static struct apic_message message_of(uint64_t entry)
{
	return (struct apic_message){
		.mode = (enum apic_mode)(entry >> 8 & 7),
		.vector = (uint8_t)entry,
		.logical = entry & ENTRY_LOGICAL,
		.level = entry & ENTRY_LEVEL,
		.dest = (uint32_t)(entry >> 56),
	};
}

/* Sends what the pin has, unless its last interrupt is still in service somewhere. */
static int __service(struct ioapic *io, unsigned int pin)
{
	uint64_t *entry = &io->entry[pin];
	struct apic_message message = message_of(*entry);
	int ret;

	if (*entry & ENTRY_MASKED)
		return -1;
	if ((*entry & (ENTRY_LEVEL | ENTRY_REMOTE_IRR)) == (ENTRY_LEVEL | ENTRY_REMOTE_IRR))
		return 0;
	ret = apic_bus_send(io->bus, &message, NULL);
	if (ret <= 0)
		return ret;
	if (message.level)
		*entry |= ENTRY_REMOTE_IRR;
	else
		io->delivered |= BIT32(pin);
	return ret;
}

static int __set_high(struct ioapic *io, unsigned int pin)
{
	bool was_high = io->irr & BIT32(pin);

	io->irr |= BIT32(pin);
	if (!(io->entry[pin] & ENTRY_LEVEL)) {
		if (was_high)
			return 0;
		io->delivered &= ~BIT32(pin);
	}
	return __service(io, pin);
}

int ioapic_set_pin(struct ioapic *io, unsigned int pin, uint8_t source, bool level)
{
	int ret = 1;

	ioapic_lock(io);
	if (level)
		io->sources[pin] |= source;
	else
		io->sources[pin] &= (uint8_t)~source;
	if (io->sources[pin])
		ret = __set_high(io, pin);
	else
		io->irr &= ~BIT32(pin);
	ioapic_unlock(io);
	return ret;
}

void ioapic_watch(struct ioapic *io, uint32_t pins)
{
	ioapic_lock(io);
	io->watched_pins |= pins;
	__find_watched(io);
	ioapic_unlock(io);
}

/* A pin that is still high interrupts again. */
static void __end(struct ioapic *io, unsigned int pin)
{
	if (!(io->entry[pin] & ENTRY_LEVEL))
		return;
	io->entry[pin] &= ~ENTRY_REMOTE_IRR;
	if (io->irr & BIT32(pin))
		__service(io, pin);
}

static uint32_t __pins_of(const struct ioapic *io, uint8_t vector)
{
	uint32_t pins = 0;

	for (unsigned int pin = 0; pin < IOAPIC_PINS; pin++)
		if ((uint8_t)io->entry[pin] == vector)
			pins |= BIT32(pin);
	return pins;
}

uint32_t ioapic_pins_of(struct ioapic *io, uint8_t vector)
{
	uint32_t pins;

	ioapic_lock(io);
	pins = __pins_of(io, vector);
	ioapic_unlock(io);
	return pins;
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	ioapic_lock(io);
	for (uint32_t pins = __pins_of(io, vector); pins; pins &= pins - 1)
		__end(io, (unsigned int)__builtin_ctz(pins));
	ioapic_unlock(io);
}

static uint32_t __read_register(const struct ioapic *io)
{
	uint32_t reg = io->select - REG_ENTRIES;

	switch (io->select) {
	case REG_ID:
	case REG_ARB:
		return io->id << 24;
	case REG_VERSION:
		return VERSION;
	default:
		/* A select below the entries has become a great number. */
		if (reg >= 2 * IOAPIC_PINS)
			return 0;
		return (uint32_t)(io->entry[reg / 2] >> (reg & 1) * 32);
	}
}

static void __write_entry(struct ioapic *io, unsigned int pin, bool high, uint32_t value)
{
	uint64_t old = io->entry[pin], new;

	if (high)
		new = (old & UINT32_MAX) | ((uint64_t)value << 32 & ENTRY_DEST);
	else
		new = (old & ENTRY_DEST) | (value & ENTRY_LOW_BITS & ~ENTRY_READ_ONLY) |
		      (old & ENTRY_READ_ONLY);
	/* Software that has no EOI register of the chip's clears Remote IRR by way of an edge. */
	if (!(new &ENTRY_LEVEL))
		new &= ~ENTRY_REMOTE_IRR;
	io->entry[pin] = new;
	__find_watched(io);
	if ((new &ENTRY_LEVEL) && (io->irr & BIT32(pin)))
		__service(io, pin);
}

static void __write_register(struct ioapic *io, uint32_t value)
{
	uint32_t reg = io->select - REG_ENTRIES;

	if (io->select == REG_ID)
		io->id = value >> 24 & 0xf;
	else if (reg < 2 * IOAPIC_PINS)
		__write_entry(io, reg / 2, reg & 1, value);
}

uint32_t ioapic_read(struct ioapic *io, uint32_t offset)
{
	uint32_t value = 0;

	ioapic_lock(io);
	if (offset == WINDOW_SELECT)
		value = io->select;
	else if (offset == WINDOW_DATA)
		value = __read_register(io);
	ioapic_unlock(io);
	return value;
}

void ioapic_write(struct ioapic *io, uint32_t offset, uint32_t value)
{
	ioapic_lock(io);
	if (offset == WINDOW_SELECT)
		io->select = value & 0xff;
	else if (offset == WINDOW_DATA)
		__write_register(io, value);
	ioapic_unlock(io);
}

/* An edge that has been sent is history: who restores the state is not to send it again. */
void ioapic_get_state(struct ioapic *io, struct kvm_ioapic_state *state)
{
	memset(state, 0, sizeof(*state));
	ioapic_lock(io);
	state->base_address = IOAPIC_DEFAULT_BASE;
	state->ioregsel = io->select;
	state->id = io->id;
	state->irr = io->irr & ~io->delivered;
	for (unsigned int i = 0; i < IOAPIC_PINS; i++)
		state->redirtbl[i].bits = io->entry[i];
	ioapic_unlock(io);
}

void ioapic_set_state(struct ioapic *io, const struct kvm_ioapic_state *state)
{
	ioapic_lock(io);
	io->select = state->ioregsel & 0xff;
	io->id = state->id & 0xf;
	io->irr = io->delivered = 0;
	for (unsigned int i = 0; i < IOAPIC_PINS; i++)
		io->entry[i] = state->redirtbl[i].bits & (ENTRY_LOW_BITS | ENTRY_DEST);
	__find_watched(io);
	for (unsigned int i = 0; i < IOAPIC_PINS; i++)
		if (state->irr & BIT32(i))
			__set_high(io, i);
	ioapic_unlock(io);
}
