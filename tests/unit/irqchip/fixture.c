// SPDX-License-Identifier: GPL-2.0-or-later
#include "fixture.h"

#include <stdlib.h>

uint64_t fake_now;
uint64_t fake_tsc_offset;

uint64_t fake_clock(void)
{
	return __atomic_load_n(&fake_now, __ATOMIC_RELAXED);
}

uint64_t fake_tsc(void)
{
	return 2 * fake_clock() + fake_tsc_offset;
}

static uint64_t now(void *owner)
{
	return fake_clock();
}

static uint64_t tsc(void *owner)
{
	return fake_tsc();
}

static uint32_t tsc_khz(void *owner)
{
	return FAKE_TSC_KHZ;
}

static void wake(void *owner)
{
	__atomic_fetch_add((unsigned int *)owner, 1, __ATOMIC_RELAXED);
}

static const struct lapic_ops ops = {now, tsc, tsc_khz, wake};

int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	fake_now = 1000000000;
	fake_tsc_offset = 0;
	assert_int_equal(apic_bus_init(&f->bus, CPUS), 0);
	for (unsigned int i = 0; i < CPUS; i++) {
		lapic_init(&f->lapic[i], i, i == 0, &ops, &f->woken[i]);
		apic_bus_add(&f->bus, &f->lapic[i]);
		lapic_store(f, i, LAPIC_SVR, LAPIC_SVR_ENABLE | 0xff);
	}
	ioapic_init(&f->ioapic, &f->bus);
	pic_init(&f->pic);
	pit_init(&f->pit, fake_clock);
	*state = f;
	return 0;
}

int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < CPUS; i++)
		lapic_destroy(&f->lapic[i]);
	ioapic_destroy(&f->ioapic);
	pic_destroy(&f->pic);
	pit_destroy(&f->pit);
	apic_bus_destroy(&f->bus);
	free(f);
	return 0;
}

void lapic_store(struct fixture *f, unsigned int cpu, uint32_t offset, uint32_t value)
{
	struct lapic_effect effect = {0};

	lapic_mmio_write(&f->lapic[cpu], offset, value, &effect);
	if (effect.eoi_broadcast)
		ioapic_eoi(&f->ioapic, effect.vector);
	if (effect.send)
		apic_bus_send(&f->bus, &effect.message, &f->lapic[cpu]);
}

void send_fixed(struct fixture *f, unsigned int cpu, uint8_t vector, bool level)
{
	struct apic_message message = {.vector = vector, .level = level};

	lapic_accept(&f->lapic[cpu], &message);
}

void to_x2apic(struct fixture *f, unsigned int cpu)
{
	lapic_set_base(&f->lapic[cpu], lapic_base(&f->lapic[cpu]) | LAPIC_BASE_X2APIC);
}
