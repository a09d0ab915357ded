// SPDX-License-Identifier: GPL-2.0-or-later
/* KVM_SET_USER_MEMORY_REGION and the dirty logs; memslot_test has the slots' own rules. */
#include "fixture.h"

#include "kvm/vm.h"

#include <string.h>

static struct kvm_vm *vm_of(struct fixture *f)
{
	return vm_of_object(f->vm);
}

static void region_of_other_address_space_einval(void **state)
{
	struct fixture *f = *state;
	struct kvm_userspace_memory_region region = {.slot = 1 << 16, .memory_size = 4096};

	assert_err(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &region), EINVAL);
}

static void change_waits_for_vcpus(void **state)
{
	struct fixture *f = *state;
	struct kvm_userspace_memory_region region = {0};
	unsigned int before = fake.synchronized;

	ram_add(f, 0);
	assert_int_equal(fake.synchronized, before + 1);
	region.userspace_addr = (uintptr_t)f->ram;
	assert_ok(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &region));
	assert_int_equal(fake.synchronized, before + 2);
	assert_err(ioc(f->vm, KVM_SET_USER_MEMORY_REGION, &region), EINVAL);
}

static void guest_access_stays_in_slot(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 0x1122334455667788, back = 0;

	ram_add(f, 0);
	assert_ok(vm_guest_write(vm_of(f), RAM_SIZE - 8, &value, 8));
	assert_memory_equal(f->ram + RAM_SIZE - 8, &value, 8);
	assert_ok(vm_guest_read(vm_of(f), RAM_SIZE - 8, &back, 8));
	assert_int_equal(back, value);
	assert_err(vm_guest_write(vm_of(f), RAM_SIZE - 4, &value, 8), EFAULT);
	assert_err(vm_guest_read(vm_of(f), RAM_SIZE, &value, 8), EFAULT);
}

/* Translated code there has to be looked at again. */
static void guest_write_is_announced(void **state)
{
	struct fixture *f = *state;
	unsigned int before = fake.written;
	uint64_t value = 1;

	ram_add(f, 0);
	assert_ok(vm_guest_write(vm_of(f), 0, &value, 8));
	assert_int_equal(fake.written, before + 1);
	assert_ok(vm_guest_read(vm_of(f), 0, &value, 8));
	assert_int_equal(fake.written, before + 1);
}

static void guest_write_to_rom_efault(void **state)
{
	struct fixture *f = *state;
	uint32_t value = 1;

	ram_add(f, KVM_MEM_READONLY);
	assert_err(vm_guest_write(vm_of(f), 0, &value, 4), EFAULT);
	assert_ok(vm_guest_read(vm_of(f), 0, &value, 4));
	assert_int_equal(value, 0);
}

static void get_dirty_log_returns_and_clears(void **state)
{
	struct fixture *f = *state;
	uint64_t bitmap = 0, value = 1;
	struct kvm_dirty_log log = {.dirty_bitmap = &bitmap};

	assert_err(ioc(f->vm, KVM_GET_DIRTY_LOG, &log), ENOENT);
	ram_add(f, KVM_MEM_LOG_DIRTY_PAGES);
	assert_ok(vm_guest_write(vm_of(f), 0x2ffc, &value, 8));
	assert_ok(ioc(f->vm, KVM_GET_DIRTY_LOG, &log));
	assert_int_equal(bitmap, 0xc);
	assert_ok(ioc(f->vm, KVM_GET_DIRTY_LOG, &log));
	assert_int_equal(bitmap, 0);
	log.dirty_bitmap = BAD_POINTER;
	assert_err(ioc(f->vm, KVM_GET_DIRTY_LOG, &log), EFAULT);
	log.slot = 1 << 16;
	assert_err(ioc(f->vm, KVM_GET_DIRTY_LOG, &log), EINVAL);
}

static void manual_protect_leaves_clearing_to_vmm(void **state)
{
	struct fixture *f = *state;
	struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = {3}};
	uint64_t bitmap = 0, gone = 0x10;
	struct kvm_dirty_log log = {.dirty_bitmap = &bitmap};
	struct kvm_clear_dirty_log clear = {.num_pages = 16, .dirty_bitmap = &gone};

	assert_ok(ioc(f->vm, KVM_ENABLE_CAP, &cap));
	ram_add(f, KVM_MEM_LOG_DIRTY_PAGES);
	assert_ok(ioc(f->vm, KVM_GET_DIRTY_LOG, &log));
	assert_int_equal(bitmap, 0xffff);
	assert_ok(ioc(f->vm, KVM_CLEAR_DIRTY_LOG, &clear));
	assert_ok(ioc(f->vm, KVM_GET_DIRTY_LOG, &log));
	assert_int_equal(bitmap, 0xffef);
}

static void clear_dirty_log_checks_range(void **state)
{
	struct fixture *f = *state;
	uint64_t bitmap = 0;
	struct kvm_clear_dirty_log clear = {.num_pages = 16, .dirty_bitmap = &bitmap};

	assert_err(ioc(f->vm, KVM_CLEAR_DIRTY_LOG, &clear), ENOENT);
	ram_add(f, KVM_MEM_LOG_DIRTY_PAGES);
	clear.num_pages = UINT32_MAX;
	assert_err(ioc(f->vm, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.num_pages = 15;
	assert_err(ioc(f->vm, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.num_pages = 16;
	clear.dirty_bitmap = BAD_POINTER;
	assert_err(ioc(f->vm, KVM_CLEAR_DIRTY_LOG, &clear), EFAULT);
}

const struct CMUnitTest memory_tests[] = {
	cmocka_unit_test_setup_teardown(region_of_other_address_space_einval, setup, teardown),
	cmocka_unit_test_setup_teardown(change_waits_for_vcpus, setup, teardown),
	cmocka_unit_test_setup_teardown(guest_access_stays_in_slot, setup, teardown),
	cmocka_unit_test_setup_teardown(guest_write_is_announced, setup, teardown),
	cmocka_unit_test_setup_teardown(guest_write_to_rom_efault, setup, teardown),
	cmocka_unit_test_setup_teardown(get_dirty_log_returns_and_clears, setup, teardown),
	cmocka_unit_test_setup_teardown(manual_protect_leaves_clearing_to_vmm, setup, teardown),
	cmocka_unit_test_setup_teardown(clear_dirty_log_checks_range, setup, teardown),
};
const size_t memory_test_count = ARRAY_SIZE(memory_tests);
