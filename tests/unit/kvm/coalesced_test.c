// SPDX-License-Identifier: GPL-2.0-or-later
/* api.rst KVM_REGISTER_COALESCED_MMIO: writes that wait in the ring of the third page. */
#include "fixture.h"

#include <string.h>

#define ENTRIES 170 /* KVM_COALESCED_MMIO_MAX */

static struct kvm_coalesced_mmio_ring *ring_of(struct fixture *f)
{
	return (void *)((uint8_t *)f->run + 2 * 4096);
}

static uint64_t gpa;
static uint8_t len;

static enum engine_exit_reason step_mmio(struct engine_vcpu *v)
{
	v->exit.mmio.gpa = gpa;
	v->exit.mmio.len = len;
	v->exit.mmio.write = true;
	memcpy(v->exit.mmio.data, "abcdefgh", 8);
	return ENGINE_EXIT_MMIO;
}

static enum engine_exit_reason step_out(struct engine_vcpu *v)
{
	v->exit.io.in = false;
	v->exit.io.size = 1;
	v->exit.io.port = 0x70;
	v->exit.io.count = 1;
	v->exit.io.data[0] = 0x8a;
	return ENGINE_EXIT_IO;
}

/* Return: the reason of the exit after a write there; HLT when it was coalesced. */
static uint32_t reason_of(struct fixture *f, uint64_t at, uint8_t bytes)
{
	gpa = at;
	len = bytes;
	assert_ok(RUN(f, step_mmio));
	return f->run->exit_reason;
}

static void add_zone(struct fixture *f)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = 0xa0000, .size = 0x20000};

	assert_ok(ioc(f->vm, KVM_REGISTER_COALESCED_MMIO, &zone));
}

static void write_in_zone_waits_in_ring(void **state)
{
	struct fixture *f = *state;
	struct kvm_coalesced_mmio_ring *ring = ring_of(f);

	add_zone(f);
	assert_int_equal(reason_of(f, 0xa0010, 4), KVM_EXIT_HLT);
	assert_int_equal(ring->last, 1);
	assert_int_equal(ring->coalesced_mmio[0].phys_addr, 0xa0010);
	assert_int_equal(ring->coalesced_mmio[0].len, 4);
	assert_int_equal(ring->coalesced_mmio[0].pio, 0);
	assert_memory_equal(ring->coalesced_mmio[0].data, "abcd\0\0\0\0", 8);
}

static void write_across_the_end_goes_to_vmm(void **state)
{
	struct fixture *f = *state;

	add_zone(f);
	assert_int_equal(reason_of(f, 0xbfffc, 4), KVM_EXIT_HLT);
	assert_int_equal(reason_of(f, 0xbfffd, 4), KVM_EXIT_MMIO);
	assert_int_equal(reason_of(f, 0x9ffff, 2), KVM_EXIT_MMIO);
	assert_int_equal(reason_of(f, UINT64_MAX, 2), KVM_EXIT_MMIO);
}

static void port_zone_is_apart_from_memory(void **state)
{
	struct fixture *f = *state;
	struct kvm_coalesced_mmio_zone zone = {.addr = 0x70, .size = 1, .pio = 1};

	assert_ok(ioc(f->vm, KVM_REGISTER_COALESCED_MMIO, &zone));
	assert_ok(RUN(f, step_out));
	assert_int_equal(f->run->exit_reason, KVM_EXIT_HLT);
	assert_int_equal(ring_of(f)->coalesced_mmio[0].pio, 1);
	assert_int_equal(ring_of(f)->coalesced_mmio[0].data[0], 0x8a);
	assert_int_equal(reason_of(f, 0x70, 1), KVM_EXIT_MMIO);
}

static void full_ring_goes_to_vmm_until_drained(void **state)
{
	struct fixture *f = *state;
	struct kvm_coalesced_mmio_ring *ring = ring_of(f);

	add_zone(f);
	for (unsigned int i = 0; i < ENTRIES - 1; i++)
		assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_HLT);
	assert_int_equal(ring->last, ENTRIES - 1);
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_MMIO);
	ring->first = 1;
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_HLT);
	assert_int_equal(ring->last, 0);
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_MMIO);
}

static void ring_with_wild_indices_is_harmless(void **state)
{
	struct fixture *f = *state;

	add_zone(f);
	ring_of(f)->last = UINT32_MAX;
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_MMIO);
	ring_of(f)->last = ENTRIES;
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_MMIO);
	ring_of(f)->last = 0;
	ring_of(f)->first = UINT32_MAX;
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_HLT);
}

static void unregister_takes_zones_around(void **state)
{
	struct fixture *f = *state;
	struct kvm_coalesced_mmio_zone inside = {.addr = 0xa8000, .size = 0x1000};

	add_zone(f);
	inside.pio = 2;
	assert_err(ioc(f->vm, KVM_REGISTER_COALESCED_MMIO, &inside), EINVAL);
	assert_err(ioc(f->vm, KVM_UNREGISTER_COALESCED_MMIO, &inside), EINVAL);
	inside.pio = 1;
	assert_ok(ioc(f->vm, KVM_UNREGISTER_COALESCED_MMIO, &inside));
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_HLT);
	inside.pio = 0;
	assert_ok(ioc(f->vm, KVM_UNREGISTER_COALESCED_MMIO, &inside));
	assert_int_equal(reason_of(f, 0xa0000, 1), KVM_EXIT_MMIO);
}

static void too_many_zones_enospc(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 1000; i++)
		add_zone(f);
	assert_err(ioc(f->vm, KVM_REGISTER_COALESCED_MMIO,
		       &(struct kvm_coalesced_mmio_zone){.size = 1}),
		   ENOSPC);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest coalesced_tests[] = {
	CASE(write_in_zone_waits_in_ring),
	CASE(write_across_the_end_goes_to_vmm),
	CASE(port_zone_is_apart_from_memory),
	CASE(full_ring_goes_to_vmm_until_drained),
	CASE(ring_with_wild_indices_is_harmless),
	CASE(unregister_takes_zones_around),
	CASE(too_many_zones_enospc),
};
const size_t coalesced_test_count = ARRAY_SIZE(coalesced_tests);
