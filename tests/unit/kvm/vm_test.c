// SPDX-License-Identifier: GPL-2.0-or-later
/* Life of VMs and vCPUs, and what a VM takes beside memory. */
#include "fixture.h"

#include <sys/wait.h>
#include <unistd.h>

static void create_vm_of_unknown_type_einval(void **state)
{
	struct fixture *f = *state;

	assert_err(kvm_ioctl(f->system, KVM_CREATE_VM, 1), EINVAL);
}

static void create_without_descriptor_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned int engines = fake.engines, vcpus = fake.vcpus;
	struct kvm_object *vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));

	allow_descriptors(false);
	assert_err(ioc(f->system, KVM_CREATE_VM, NULL), EMFILE);
	assert_err(ioc(vm, KVM_CREATE_VCPU, NULL), EMFILE);
	allow_descriptors(true);
	assert_int_equal(fake.engines, engines + 1);
	assert_int_equal(fake.vcpus, vcpus);
	assert_true(ioc(vm, KVM_CREATE_VCPU, NULL) >= FIRST_FD);
}

static void create_vcpu_checks_id(void **state)
{
	struct fixture *f = *state;
	struct kvm_object *vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));
	struct kvm_enable_cap cap = {.cap = KVM_CAP_MAX_VCPU_ID, .args = {4}};

	assert_err(kvm_ioctl(vm, KVM_CREATE_VCPU, VM_MAX_VCPU_IDS), EINVAL);
	assert_ok(ioc(vm, KVM_ENABLE_CAP, &cap));
	assert_err(kvm_ioctl(vm, KVM_CREATE_VCPU, 4), EINVAL);
	assert_true(kvm_ioctl(vm, KVM_CREATE_VCPU, 3) >= FIRST_FD);
	assert_true(kvm_ioctl(vm, KVM_CREATE_VCPU, 3) < 0);
}

static void vm_lives_while_vcpu_does(void **state)
{
	struct fixture *f = *state;
	unsigned int engines = fake.engines;
	long vm = ioc(f->system, KVM_CREATE_VM, NULL);
	long vcpu = ioc(object_of(vm), KVM_CREATE_VCPU, NULL);
	struct kvm_regs regs;

	close_object(vm);
	assert_int_equal(fake.engines, engines + 1);
	assert_ok(ioc(object_of(vcpu), KVM_GET_REGS, &regs));
	close_object(vcpu);
	assert_int_equal(fake.engines, engines);
}

static void vcpu_stays_when_its_descriptor_goes(void **state)
{
	struct fixture *f = *state;
	unsigned int vcpus = fake.vcpus;
	long vm = ioc(f->system, KVM_CREATE_VM, NULL);

	close_object(ioc(object_of(vm), KVM_CREATE_VCPU, NULL));
	assert_int_equal(fake.vcpus, vcpus + 1);
	assert_true(ioc(object_of(vm), KVM_CREATE_VCPU, NULL) < 0);
	close_object(vm);
	assert_int_equal(fake.vcpus, vcpus);
}

/* A child has the descriptors, but not the memory. */
static void other_process_eio(void **state)
{
	struct fixture *f = *state;
	struct kvm_regs regs;
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(!(ioc(f->vm, KVM_CHECK_EXTENSION, NULL) == -EIO &&
			ioc(f->vcpu, KVM_GET_REGS, &regs) == -EIO &&
			ioc(f->system, KVM_GET_API_VERSION, NULL) == 12));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* QEMU passes the request as an int. */
static void request_with_extended_sign_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct kvm_regs regs;

	assert_ok(ioc(f->vcpu, (unsigned long)(int)KVM_GET_REGS, &regs));
}

static void errno_is_left_alone(void **state)
{
	struct fixture *f = *state;

	errno = 77;
	assert_err(ioc(f->vcpu, KVM_GET_REGS, BAD_POINTER), EFAULT);
	assert_int_equal(errno, 77);
}

static void unknown_request_enotty(void **state)
{
	struct fixture *f = *state;

	assert_err(ioc(f->vm, KVM_SMI, NULL), ENOTTY);
	assert_err(ioc(f->vm, KVM_GET_REGS, NULL), ENOTTY);
	assert_err(ioc(f->vcpu, KVM_CREATE_VCPU, NULL), EINVAL);
}

static void enable_cap_refuses_what_it_does_not_know(void **state)
{
	static const struct kvm_enable_cap refused[] = {
		{.cap = KVM_CAP_EXCEPTION_PAYLOAD, .flags = 1},
		{.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {4097}},
		{.cap = KVM_CAP_X2APIC_API, .args = {4}},
		{.cap = KVM_CAP_X86_USER_SPACE_MSR, .args = {8}},
		{.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = {2}},
		{.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = {4}},
		{.cap = KVM_CAP_MAX_VCPU_ID, .args = {VM_MAX_VCPU_IDS + 1}},
		{.cap = KVM_CAP_MAX_VCPU_ID, .args = {1}}, /* there is a vCPU */
	};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++)
		assert_err(ioc(f->vm, KVM_ENABLE_CAP, &refused[i]), EINVAL);
}

static void addresses_are_accepted(void **state)
{
	struct fixture *f = *state;
	struct kvm_object *vm = object_of(ioc(f->system, KVM_CREATE_VM, NULL));
	uint64_t identity = 0xfeffc000;

	assert_ok(kvm_ioctl(vm, KVM_SET_TSS_ADDR, 0xfeffd000));
	assert_err(kvm_ioctl(vm, KVM_SET_TSS_ADDR, 0xffffe000), EINVAL);
	assert_ok(ioc(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity));
	/* Too late with a vCPU. */
	assert_err(ioc(f->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity), EINVAL);
	assert_err(kvm_ioctl(f->vm, KVM_SET_BOOT_CPU_ID, 1), EBUSY);
	assert_ok(kvm_ioctl(vm, KVM_SET_BOOT_CPU_ID, 1));
}

static void mmu_pages_have_a_minimum(void **state)
{
	struct fixture *f = *state;

	assert_err(kvm_ioctl(f->vm, KVM_SET_NR_MMU_PAGES, 63), EINVAL);
	assert_ok(kvm_ioctl(f->vm, KVM_SET_NR_MMU_PAGES, 64));
	assert_int_equal(kvm_ioctl(f->vm, KVM_GET_NR_MMU_PAGES, 0), 64);
}

static void gsi_routing_without_irqchip_einval(void **state)
{
	struct fixture *f = *state;
	struct kvm_irq_routing routing = {0};

	assert_err(ioc(f->vm, KVM_SET_GSI_ROUTING, &routing), EINVAL);
}

const struct CMUnitTest vm_tests[] = {
	cmocka_unit_test_setup_teardown(create_vm_of_unknown_type_einval, setup, teardown),
	cmocka_unit_test_setup_teardown(create_without_descriptor_leaves_nothing, setup, teardown),
	cmocka_unit_test_setup_teardown(create_vcpu_checks_id, setup, teardown),
	cmocka_unit_test_setup_teardown(vm_lives_while_vcpu_does, setup, teardown),
	cmocka_unit_test_setup_teardown(vcpu_stays_when_its_descriptor_goes, setup, teardown),
	cmocka_unit_test_setup_teardown(other_process_eio, setup, teardown),
	cmocka_unit_test_setup_teardown(request_with_extended_sign_is_the_same, setup, teardown),
	cmocka_unit_test_setup_teardown(errno_is_left_alone, setup, teardown),
	cmocka_unit_test_setup_teardown(unknown_request_enotty, setup, teardown),
	cmocka_unit_test_setup_teardown(enable_cap_refuses_what_it_does_not_know, setup, teardown),
	cmocka_unit_test_setup_teardown(addresses_are_accepted, setup, teardown),
	cmocka_unit_test_setup_teardown(mmu_pages_have_a_minimum, setup, teardown),
	cmocka_unit_test_setup_teardown(gsi_routing_without_irqchip_einval, setup, teardown),
};
const size_t vm_test_count = ARRAY_SIZE(vm_tests);
