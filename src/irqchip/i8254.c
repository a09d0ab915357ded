// SPDX-License-Identifier: GPL-2.0-or-later
/* 8254 data sheet. Counters are not counted: they follow from the time since they were loaded. */
#include "irqchip/i8254.h"

#include "lib/bits.h"
#include "lib/lock.h"
#include "lib/x86.h" /* before <linux/kvm.h>, whose macros have the names of vectors */

#include <linux/kvm.h>
#include <string.h>

#define NS_PER_S 1000000000u

/* As for the local APIC's timer. */
#define MIN_PERIOD 200000

/* Read and write states: KVM's numbers, of which the first three are the control word's. */
#define RW_LOW    1
#define RW_HIGH   2
#define RW_WORD   3
#define RW_WORD_2 4

#define NO_MODE 0xff

#define SPEAKER_GATE    0x01
#define SPEAKER_DATA    0x02
#define SPEAKER_REFRESH 0x10
#define SPEAKER_OUT     0x20
#define REFRESH_NS      15085 /* half a period of channel 1 in a PC */

static void pit_lock(struct pit *pit)
{
	lock_rank_acquire(LOCK_PIT);
	pthread_mutex_lock(&pit->lock);
}

static void pit_unlock(struct pit *pit)
{
	pthread_mutex_unlock(&pit->lock);
	lock_rank_release(LOCK_PIT);
}

static uint64_t ns_of(uint64_t counts)
{
	return (uint64_t)((unsigned __int128)counts * NS_PER_S / PIT_HZ);
}

static uint64_t counts_since_load(const struct pit *pit, const struct pit_channel *c)
{
	return (uint64_t)((unsigned __int128)(pit->now() - c->loaded) * PIT_HZ / NS_PER_S);
}

static uint16_t count_of(const struct pit *pit, const struct pit_channel *c)
{
	uint64_t gone = counts_since_load(pit, c);

	switch (c->mode) {
	case 0:
	case 1:
	case 4:
	case 5:
		return (uint16_t)(c->count - gone);
	case 3:
		return (uint16_t)(c->count - 2 * gone % c->count);
	default:
		return (uint16_t)(c->count - gone % c->count);
	}
}

static bool output_of(const struct pit *pit, const struct pit_channel *c)
{
	uint64_t gone = counts_since_load(pit, c);

	switch (c->mode) {
	case 1:
		return gone < c->count;
	case 2:
		return gone && gone % c->count == 0;
	case 3:
		return gone % c->count < (c->count + 1) / 2;
	case 4:
	case 5:
		return gone == c->count;
	default:
		return gone >= c->count;
	}
}

/* Channel 0 begins to count: when does it interrupt? */
static void __start_timer(struct pit *pit)
{
	const struct pit_channel *c = &pit->channel[0];
	uint64_t wait = ns_of(c->count);

	pit->pending = 0;
	pit->served = true;
	pit->period = 0;
	atomic_store(&pit->deadline, 0);
	if ((pit->flags & KVM_PIT_FLAGS_HPET_LEGACY) || c->mode > 4)
		return;
	if (c->mode == 2 || c->mode == 3) {
		if (wait < MIN_PERIOD)
			wait = MIN_PERIOD;
		pit->period = wait;
	}
	atomic_store(&pit->deadline, c->loaded + wait);
}

static void __load(struct pit *pit, unsigned int channel, uint32_t count)
{
	struct pit_channel *c = &pit->channel[channel];

	c->count = count ? count : 0x10000;
	c->loaded = pit->now();
	if (!channel)
		__start_timer(pit);
}

void pit_init(struct pit *pit, uint64_t (*now)(void))
{
	*pit = (struct pit){.now = now, .reinjects = true, .served = true};
	pthread_mutex_init(&pit->lock, NULL);
	for (unsigned int i = 0; i < PIT_CHANNELS; i++) {
		pit->channel[i].mode = NO_MODE;
		pit->channel[i].gate = i != 2;
		__load(pit, i, 0);
	}
}

void pit_destroy(struct pit *pit)
{
	pthread_mutex_destroy(&pit->lock);
}

static void latch_count(struct pit *pit, struct pit_channel *c)
{
	if (c->count_latched)
		return;
	c->latched_count = count_of(pit, c);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit *pit, struct pit_channel *c)
{
	if (c->status_latched)
		return;
	c->status =
		(uint8_t)(output_of(pit, c) << 7 | c->rw_mode << 4 | (c->mode & 7) << 1 | c->bcd);
	c->status_latched = true;
}

static void __read_back(struct pit *pit, uint8_t command)
{
	for (unsigned int i = 0; i < PIT_CHANNELS; i++) {
		if (!(command & 2u << i))
			continue;
		if (!(command & 0x20))
			latch_count(pit, &pit->channel[i]);
		if (!(command & 0x10))
			latch_status(pit, &pit->channel[i]);
	}
}

static void __control(struct pit *pit, uint8_t value)
{
	unsigned int channel = value >> 6, rw = value >> 4 & 3;
	struct pit_channel *c;

	if (channel == PIT_CHANNELS) {
		__read_back(pit, value);
		return;
	}
	c = &pit->channel[channel];
	if (!rw) {
		latch_count(pit, c);
		return;
	}
	c->rw_mode = c->read_state = c->write_state = (uint8_t)rw;
	c->mode = value >> 1 & 7;
	/* Bit 2 is of no account for modes 2 and 3. */
	if (c->mode > 5)
		c->mode -= 4;
	c->bcd = value & 1;
}

static void __write_count(struct pit *pit, unsigned int channel, uint8_t value)
{
	struct pit_channel *c = &pit->channel[channel];

	switch (c->write_state) {
	case RW_HIGH:
		__load(pit, channel, (uint32_t)value << 8);
		break;
	case RW_WORD:
		c->write_latch = value;
		c->write_state = RW_WORD_2;
		break;
	case RW_WORD_2:
		__load(pit, channel, c->write_latch | (uint32_t)value << 8);
		c->write_state = RW_WORD;
		break;
	default:
		__load(pit, channel, value);
		break;
	}
}

void pit_write(struct pit *pit, unsigned int port, uint8_t value)
{
	pit_lock(pit);
	if (port == PIT_CHANNELS)
		__control(pit, value);
	else
		__write_count(pit, port, value);
	pit_unlock(pit);
}

/* One byte of @count; @state goes on to the next. */
static uint8_t next_byte(uint8_t *state, uint16_t count, uint8_t after)
{
	switch (*state) {
	case RW_HIGH:
		return (uint8_t)(count >> 8);
	case RW_WORD:
		*state = RW_WORD_2;
		return (uint8_t)count;
	case RW_WORD_2:
		*state = after;
		return (uint8_t)(count >> 8);
	default:
		return (uint8_t)count;
	}
}

static uint8_t __read(struct pit *pit, struct pit_channel *c)
{
	uint8_t value;

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (!c->count_latched)
		return next_byte(&c->read_state, count_of(pit, c), RW_WORD);
	value = next_byte(&c->count_latched, c->latched_count, 0);
	if (c->count_latched != RW_WORD_2)
		c->count_latched = 0;
	return value;
}

uint8_t pit_read(struct pit *pit, unsigned int port)
{
	uint8_t value = 0;

	/* The control word cannot be read. */
	if (port == PIT_CHANNELS)
		return 0;
	pit_lock(pit);
	value = __read(pit, &pit->channel[port]);
	pit_unlock(pit);
	return value;
}

uint8_t pit_speaker_read(struct pit *pit)
{
	const struct pit_channel *c = &pit->channel[2];
	uint8_t value = 0;

	pit_lock(pit);
	if (c->gate)
		value |= SPEAKER_GATE;
	if (pit->speaker_on)
		value |= SPEAKER_DATA;
	if (output_of(pit, c))
		value |= SPEAKER_OUT;
	if (pit->now() / REFRESH_NS & 1)
		value |= SPEAKER_REFRESH;
	pit_unlock(pit);
	return value;
}

void pit_speaker_write(struct pit *pit, uint8_t value)
{
	struct pit_channel *c = &pit->channel[2];
	bool gate = value & SPEAKER_GATE;

	pit_lock(pit);
	pit->speaker_on = value & SPEAKER_DATA;
	/* A rising gate starts these modes anew. */
	if (gate && !c->gate && (c->mode == 1 || c->mode == 2 || c->mode == 3 || c->mode == 5))
		c->loaded = pit->now();
	c->gate = gate;
	pit_unlock(pit);
}

static bool __tick(struct pit *pit, uint64_t ticks)
{
	if (!pit->reinjects)
		return true;
	pit->pending += (uint32_t)ticks;
	if (!pit->served)
		return false;
	pit->served = false;
	return true;
}

static bool __expire(struct pit *pit)
{
	uint64_t deadline = pit_deadline(pit), now = pit->now(), ticks = 1;

	if (!deadline || now < deadline)
		return false;
	if (pit->period)
		ticks += (now - deadline) / pit->period;
	atomic_store(&pit->deadline, pit->period ? deadline + ticks * pit->period : 0);
	return __tick(pit, ticks);
}

bool pit_expire(struct pit *pit)
{
	bool pulse;

	pit_lock(pit);
	pulse = __expire(pit);
	pit_unlock(pit);
	return pulse;
}

bool pit_end_of_interrupt(struct pit *pit)
{
	bool pulse;

	pit_lock(pit);
	if (pit->pending)
		pit->pending--;
	pulse = pit->reinjects && pit->pending;
	pit->served = !pulse;
	pit_unlock(pit);
	return pulse;
}

void pit_not_taken(struct pit *pit)
{
	pit_lock(pit);
	pit->pending = 0;
	pit->served = true;
	pit_unlock(pit);
}

void pit_set_reinject(struct pit *pit, bool reinjects)
{
	pit_lock(pit);
	pit->reinjects = reinjects;
	pit->pending = 0;
	pit->served = true;
	pit_unlock(pit);
}

static struct kvm_pit_channel_state channel_get(const struct pit_channel *c)
{
	return (struct kvm_pit_channel_state){
		.count = c->count,
		.latched_count = c->latched_count,
		.count_latched = c->count_latched,
		.status_latched = c->status_latched,
		.status = c->status,
		.read_state = c->read_state,
		.write_state = c->write_state,
		.write_latch = c->write_latch,
		.rw_mode = c->rw_mode,
		.mode = c->mode,
		.bcd = c->bcd,
		.gate = c->gate,
		.count_load_time = (int64_t)c->loaded,
	};
}

/* Whatever the VMM says, a count is never 0 and a time never to come. */
static struct pit_channel channel_set(const struct pit *pit, const struct kvm_pit_channel_state *s)
{
	uint64_t now = pit->now(), loaded = (uint64_t)s->count_load_time;

	return (struct pit_channel){
		.count = s->count && s->count <= 0x10000 ? s->count : 0x10000,
		.latched_count = s->latched_count,
		.count_latched = s->count_latched,
		.status_latched = s->status_latched,
		.status = s->status,
		.read_state = s->read_state,
		.write_state = s->write_state,
		.write_latch = s->write_latch,
		.rw_mode = s->rw_mode,
		.mode = s->mode,
		.bcd = s->bcd,
		.gate = s->gate,
		.loaded = loaded > now ? now : loaded,
	};
}

void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state)
{
	memset(state, 0, sizeof(*state));
	pit_lock(pit);
	for (unsigned int i = 0; i < PIT_CHANNELS; i++)
		state->channels[i] = channel_get(&pit->channel[i]);
	state->flags = pit->flags;
	if (pit->speaker_on)
		state->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	pit_unlock(pit);
}

/* Linux starts channel 0 anew, from now. */
void pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state)
{
	pit_lock(pit);
	for (unsigned int i = 0; i < PIT_CHANNELS; i++)
		pit->channel[i] = channel_set(pit, &state->channels[i]);
	pit->flags = state->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->speaker_on = state->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	__load(pit, 0, pit->channel[0].count);
	pit_unlock(pit);
}
