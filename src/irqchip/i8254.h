/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 8254 interval timer of a PC, and the part of port 61H that belongs to it. Under
 * `lock` (LOCK_PIT), but for `deadline`. Channel 0 interrupts: pit_expire() and
 * pit_end_of_interrupt() say when the caller is to pulse its line.
 */
#ifndef EXCLAVE_IRQCHIP_I8254_H
#define EXCLAVE_IRQCHIP_I8254_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kvm_pit_state2;

#define PIT_HZ       1193182
#define PIT_CHANNELS 3
#define PIT_PORT     0x40
#define PIT_PORTS    4
#define PIT_SPEAKER  0x61

struct pit_channel {
	uint32_t count; /* 1 to 65536 */
	uint16_t latched_count;
	uint8_t count_latched; /* what of it is still to be read, as read_state */
	bool status_latched;
	uint8_t status;
	uint8_t read_state, write_state, write_latch;
	uint8_t rw_mode, mode;
	bool bcd, gate;
	uint64_t loaded; /* ns */
};

struct pit {
	pthread_mutex_t lock;
	uint64_t (*now)(void);
	struct pit_channel channel[PIT_CHANNELS];
	uint32_t flags; /* KVM_PIT_FLAGS_* */
	bool speaker_on;
	bool reinjects; /* a tick that finds the last one not served is caught up on */
	bool served;
	uint32_t pending; /* ticks that have not been served */
	uint64_t period;  /* 0: once */
	_Atomic uint64_t deadline;
};

void pit_init(struct pit *pit, uint64_t (*now)(void));
void pit_destroy(struct pit *pit);

/* @port: 0 to 3. */
uint8_t pit_read(struct pit *pit, unsigned int port);
void pit_write(struct pit *pit, unsigned int port, uint8_t value);
uint8_t pit_speaker_read(struct pit *pit);
void pit_speaker_write(struct pit *pit, uint8_t value);

/* When pit_expire() has something to do, in ns; 0: never. */
static inline uint64_t pit_deadline(const struct pit *pit)
{
	return atomic_load(&pit->deadline);
}

/* Both return: is the line to be pulsed? */
bool pit_expire(struct pit *pit);
bool pit_end_of_interrupt(struct pit *pit);
/* The pulse has met a mask: nobody will end it. */
void pit_not_taken(struct pit *pit);

void pit_set_reinject(struct pit *pit, bool reinjects);
void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state);
void pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state);

#endif
