// SPDX-License-Identifier: GPL-2.0-or-later
/* Slots of virtual EPC are known by where they point, and hold what they point at. */
#include "sgx_fixture.h"

static const struct memslot *slot_at(struct fixture *f, gpa_t gpa)
{
	struct kvm_vm *vm = vm_of_object(f->vm);
	unsigned int hint = 0;

	return memslot_lookup(memslots_snapshot(vm->slots, 0), gpa, &hint);
}

static hpa_t touch(const struct memslot *slot, uint64_t offset)
{
	hpa_t hpa, again;

	assert_int_equal(slot->epc.ops->lookup(slot->epc.opaque, offset, &hpa), -ENOENT);
	assert_int_equal(slot->epc.ops->allocate(slot->epc.opaque, offset, &hpa), 0);
	assert_int_equal(slot->epc.ops->lookup(slot->epc.opaque, offset, &again), 0);
	assert_int_equal(again, hpa);
	return hpa;
}

static void region_in_mapping_is_epc_at_its_offset(void **state)
{
	struct fixture *f = *state;
	uint8_t *at;
	struct vepc *vepc = epc_map(&at);
	hpa_t hpa;

	assert_ok(epc_slot_set(f, 3, 0x10000000, at + SGX_PAGE_SIZE, 2 * SGX_PAGE_SIZE));
	assert_int_equal(slot_at(f, 0x10000000)->kind, MEMSLOT_EPC);
	hpa = touch(slot_at(f, 0x10000000), SGX_PAGE_SIZE);
	assert_int_equal(vepc_lookup(vepc, 2, &hpa), 0);
	/* Beyond the mapping it is what the pointer is. */
	assert_ok(epc_slot_set(f, 4, 0x20000000, at, (EPC_PAGES + 1) * SGX_PAGE_SIZE));
	assert_int_equal(slot_at(f, 0x20000000)->kind, MEMSLOT_RAM);
	epc_unmap(vepc, at);
}

/* Also of the VM's end: sgx_teardown() counts. */
static void slot_holds_its_vepc(void **state)
{
	struct fixture *f = *state;
	uint64_t before = epc_free();
	uint8_t *at;
	struct vepc *vepc = epc_map(&at);

	assert_ok(epc_slot_set(f, 3, 0x10000000, at, EPC_PAGES * SGX_PAGE_SIZE));
	assert_ok(epc_slot_set(f, 4, 0x20000000, at, EPC_PAGES * SGX_PAGE_SIZE));
	touch(slot_at(f, 0x10000000), 0);
	epc_unmap(vepc, at);
	assert_int_equal(epc_free(), before - 1);
	/* Refused, moved, deleted. */
	assert_err(epc_slot_set(f, 5, 0x10000000, f->ram, SGX_PAGE_SIZE), EEXIST);
	assert_ok(epc_slot_set(f, 3, 0x30000000, at, EPC_PAGES * SGX_PAGE_SIZE));
	assert_ok(epc_slot_set(f, 3, 0, at, 0));
	assert_int_equal(epc_free(), before - 1);
	assert_ok(epc_slot_set(f, 4, 0, at, 0));
	assert_int_equal(epc_free(), before);
}

static void refused_slot_holds_nothing(void **state)
{
	struct fixture *f = *state;
	uint8_t *at;
	struct vepc *vepc = epc_map(&at);
	hpa_t hpa;

	assert_int_equal(vepc_allocate(vepc, 0, &hpa), 0);
	assert_err(epc_slot_set(f, 3, EPC_GPA, at, SGX_PAGE_SIZE), EEXIST);
	assert_err(epc_slot_set(f, MEMSLOT_MAX_SLOTS, 0x10000000, at, SGX_PAGE_SIZE), EINVAL);
	assert_err(epc_slot_set(f, 3, 0x10000001, at, SGX_PAGE_SIZE), EINVAL);
	epc_unmap(vepc, at);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sgx_setup, sgx_teardown)

const struct CMUnitTest sgx_memory_tests[] = {
	CASE(region_in_mapping_is_epc_at_its_offset),
	CASE(slot_holds_its_vepc),
	CASE(refused_slot_holds_nothing),
};
const size_t sgx_memory_test_count = ARRAY_SIZE(sgx_memory_tests);
