// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts from several threads: none is lost, none comes twice. */
#include "fixture.h"

#include <pthread.h>

#define ROUNDS 20000

struct sender {
	struct fixture *f;
	uint8_t vector;
	unsigned int pin;
	_Atomic unsigned int sent;
	_Atomic unsigned int taken;
	pthread_t thread;
};

/* The next one only when the last was taken: an IRR bit cannot count. */
static void wait_taken(struct sender *s)
{
	while (s->taken != s->sent)
		;
}

static void *send_messages(void *opaque)
{
	struct sender *s = opaque;
	struct apic_message message = {.vector = s->vector};

	for (unsigned int i = 0; i < ROUNDS; i++) {
		s->sent++;
		apic_bus_send(&s->f->bus, &message, NULL);
		wait_taken(s);
	}
	return NULL;
}

static void *raise_pin(void *opaque)
{
	struct sender *s = opaque;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		s->sent++;
		ioapic_set_pin(&s->f->ioapic, s->pin, IRQ_SOURCE_VMM, true);
		ioapic_set_pin(&s->f->ioapic, s->pin, IRQ_SOURCE_VMM, false);
		wait_taken(s);
	}
	return NULL;
}

static void take_one(struct fixture *f, struct sender *senders, unsigned int count)
{
	int vector = lapic_pending(&f->lapic[0]) ? lapic_take(&f->lapic[0]) : -1;

	if (vector < 0)
		return;
	lapic_store(f, 0, LAPIC_EOI, 0);
	for (unsigned int i = 0; i < count; i++)
		if (senders[i].vector == vector)
			senders[i].taken++;
}

static void interrupts_of_many_threads_all_come_once(void **state)
{
	struct fixture *f = *state;
	struct sender senders[] = {
		{.f = f, .vector = 0x41},
		{.f = f, .vector = 0x42},
		{.f = f, .vector = 0x81},
		{.f = f, .vector = 0x51, .pin = 4},
	};
	const unsigned int count = ARRAY_SIZE(senders);
	unsigned int taken = 0;

	ioapic_write(&f->ioapic, 0, 0x10 + 2 * 4);
	ioapic_write(&f->ioapic, 0x10, 0x51);
	for (unsigned int i = 0; i < count; i++)
		pthread_create(&senders[i].thread, NULL, senders[i].pin ? raise_pin : send_messages,
			       &senders[i]);
	while (taken < count * ROUNDS) {
		take_one(f, senders, count);
		taken = 0;
		for (unsigned int i = 0; i < count; i++)
			taken += senders[i].taken;
	}
	for (unsigned int i = 0; i < count; i++)
		pthread_join(senders[i].thread, NULL);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(senders[i].taken, ROUNDS);
	assert_int_equal(lapic_pending(&f->lapic[0]), 0);
}

const struct CMUnitTest race_tests[] = {
	CASE(interrupts_of_many_threads_all_come_once),
};
const size_t race_test_count = ARRAY_SIZE(race_tests);
