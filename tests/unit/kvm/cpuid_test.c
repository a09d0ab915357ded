// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID as offered, set and read back. cpuid_test of the processor has what it means. */
#include "fixture.h"

#include <string.h>

struct table {
	struct cpuid_head head;
	struct kvm_cpuid_entry2 entry[CPUID_MAX_ENTRIES + 1];
};

static const struct kvm_cpuid_entry2 *find(const struct table *table, uint32_t leaf)
{
	for (unsigned int i = 0; i < table->head.nent; i++)
		if (table->entry[i].function == leaf)
			return &table->entry[i];
	return NULL;
}

/* QEMU doubles its array until what it gets back is smaller than that. */
static void supported_cpuid_grows_until_it_fits(void **state)
{
	struct fixture *f = *state;
	struct table table = {0};
	uint32_t room = 1;
	long ret;

	do {
		table.head.nent = room;
		ret = ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table);
		assert_true(ret == 0 || ret == -E2BIG);
		if (ret)
			assert_int_equal(table.head.nent, room);
	} while (ret && (room *= 2) <= CPUID_MAX_ENTRIES);
	assert_ok(ret);
	assert_in_range(table.head.nent, 8, room);
	table.head.nent = 0;
	assert_err(ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table), E2BIG);
	table.head.nent = UINT32_MAX;
	assert_ok(ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table));
}

static void supported_cpuid_has_the_hypervisor(void **state)
{
	struct fixture *f = *state;
	struct table table = {.head.nent = CPUID_MAX_ENTRIES};
	const struct kvm_cpuid_entry2 *e;

	assert_ok(ioc(f->system, KVM_GET_SUPPORTED_CPUID, &table));
	e = find(&table, 0x40000000);
	assert_non_null(e);
	assert_int_equal(e->eax, 0x40000001);
	assert_memory_equal(&e->ebx, "KVMKVMKVM\0\0\0", 12);
	e = find(&table, 0x40000001);
	assert_non_null(e);
	assert_int_equal(e->eax & (BIT32(0) | BIT32(1) | BIT32(3) | BIT32(24)),
			 BIT32(0) | BIT32(1) | BIT32(3) | BIT32(24));
	assert_non_null(find(&table, 0x80000008));
}

static void emulated_cpuid_is_empty(void **state)
{
	struct fixture *f = *state;
	struct table table = {.head.nent = 8};

	assert_ok(ioc(f->system, KVM_GET_EMULATED_CPUID, &table));
	assert_int_equal(table.head.nent, 0);
	assert_err(ioc(f->system, KVM_GET_EMULATED_CPUID, &table), E2BIG);
}

static void set_cpuid2_round_trip(void **state)
{
	struct fixture *f = *state;
	struct table in = {.head.nent = CPUID_MAX_ENTRIES}, out = {.head.nent = CPUID_MAX_ENTRIES};

	fill_random(in.entry, sizeof(in.entry));
	for (unsigned int i = 0; i < CPUID_MAX_ENTRIES; i++)
		in.entry[i].function &= 0xffff;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_CPUID2, &out));
	assert_memory_equal(in.entry, out.entry, CPUID_MAX_ENTRIES * sizeof(in.entry[0]));
	out.head.nent = CPUID_MAX_ENTRIES - 1;
	assert_err(ioc(f->vcpu, KVM_GET_CPUID2, &out), E2BIG);
}

static void set_cpuid_too_many_e2big(void **state)
{
	struct fixture *f = *state;
	struct table in = {.head.nent = CPUID_MAX_ENTRIES + 1};

	assert_err(ioc(f->vcpu, KVM_SET_CPUID2, &in), E2BIG);
	assert_err(ioc(f->vcpu, KVM_SET_CPUID, &in), E2BIG);
	in.head.nent = UINT32_MAX;
	assert_err(ioc(f->vcpu, KVM_SET_CPUID2, &in), E2BIG);
}

static void set_cpuid2_of_strange_address_width_einval(void **state)
{
	struct fixture *f = *state;
	struct table in = {.head.nent = 1, .entry = {{.function = 0x80000008, .eax = 49 << 8}}};

	assert_err(ioc(f->vcpu, KVM_SET_CPUID2, &in), EINVAL);
	in.entry[0].eax = 48 << 8 | 46;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &in));
	assert_int_equal(f->v->cpu.features.phys_bits, 46);
}

static void set_cpuid_without_subleaves(void **state)
{
	struct fixture *f = *state;
	struct {
		struct cpuid_head head;
		struct kvm_cpuid_entry entry;
	} in = {{.nent = 1}, {.function = 7, .ebx = 5}};
	struct table out = {.head.nent = 1};

	assert_ok(ioc(f->vcpu, KVM_SET_CPUID, &in));
	assert_ok(ioc(f->vcpu, KVM_GET_CPUID2, &out));
	assert_int_equal(out.entry[0].function, 7);
	assert_int_equal(out.entry[0].ebx, 5);
	assert_int_equal(out.entry[0].flags, 0);
}

static void set_cpuid2_after_run_only_the_same(void **state)
{
	struct fixture *f = *state;
	struct table in = {.head.nent = 1, .entry = {{.function = 1, .eax = 1}}};

	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &in));
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &in));
	in.entry[0].eax = 2;
	assert_err(ioc(f->vcpu, KVM_SET_CPUID2, &in), EINVAL);
	in.head.nent = 0;
	assert_err(ioc(f->vcpu, KVM_SET_CPUID2, &in), EINVAL);
}

/* SDM "Detecting Local APIC": the bit follows the enable bit of IA32_APIC_BASE. */
static void apic_bit_follows_apic_base(void **state)
{
	struct fixture *f = *state;
	uint32_t regs[4];

	set_offered_cpuid(f);
	assert_int_equal(cpu_cpuid(&f->v->cpu, 1, 0, regs), CPU_OK);
	assert_true(regs[CPUID_EDX] & BIT32(9));
	assert_int_equal(msr_set(f, 0x1b, 0xfee00000), 1);
	assert_int_equal(cpu_cpuid(&f->v->cpu, 1, 0, regs), CPU_OK);
	assert_false(regs[CPUID_EDX] & BIT32(9));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest cpuid_tests[] = {
	CASE(supported_cpuid_grows_until_it_fits),
	CASE(supported_cpuid_has_the_hypervisor),
	CASE(emulated_cpuid_is_empty),
	CASE(set_cpuid2_round_trip),
	CASE(set_cpuid_too_many_e2big),
	CASE(set_cpuid2_of_strange_address_width_einval),
	CASE(set_cpuid_without_subleaves),
	CASE(set_cpuid2_after_run_only_the_same),
	CASE(apic_bit_follows_apic_base),
};
const size_t cpuid_test_count = ARRAY_SIZE(cpuid_tests);
