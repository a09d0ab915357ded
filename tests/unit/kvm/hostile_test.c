// SPDX-License-Identifier: GPL-2.0-or-later
/* A VMM may pass anything, from any thread, in any order: errors, and never a crash. */
#include "fixture.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static const unsigned long requests[] = {
	KVM_GET_API_VERSION,
	KVM_CHECK_EXTENSION,
	KVM_GET_VCPU_MMAP_SIZE,
	KVM_GET_MSR_INDEX_LIST,
	KVM_GET_MSR_FEATURE_INDEX_LIST,
	KVM_GET_SUPPORTED_CPUID,
	KVM_GET_EMULATED_CPUID,
	KVM_X86_GET_MCE_CAP_SUPPORTED,
	KVM_ENABLE_CAP,
	KVM_SET_USER_MEMORY_REGION,
	KVM_GET_DIRTY_LOG,
	KVM_CLEAR_DIRTY_LOG,
	KVM_SET_TSS_ADDR,
	KVM_SET_IDENTITY_MAP_ADDR,
	KVM_SET_NR_MMU_PAGES,
	KVM_GET_NR_MMU_PAGES,
	KVM_SET_BOOT_CPU_ID,
	KVM_SET_GSI_ROUTING,
	KVM_CREATE_IRQCHIP,
	KVM_GET_IRQCHIP,
	KVM_SET_IRQCHIP,
	KVM_CREATE_PIT,
	KVM_CREATE_PIT2,
	KVM_GET_PIT2,
	KVM_SET_PIT2,
	KVM_REINJECT_CONTROL,
	KVM_IRQ_LINE,
	KVM_IRQ_LINE_STATUS,
	KVM_SIGNAL_MSI,
	KVM_IRQFD,
	KVM_GET_LAPIC,
	KVM_SET_LAPIC,
	KVM_TPR_ACCESS_REPORTING,
	KVM_SET_VAPIC_ADDR,
	KVM_X86_SET_MSR_FILTER,
	KVM_GET_CLOCK,
	KVM_SET_CLOCK,
	KVM_IOEVENTFD,
	KVM_REGISTER_COALESCED_MMIO,
	KVM_UNREGISTER_COALESCED_MMIO,
	KVM_RUN,
	KVM_INTERRUPT,
	KVM_NMI,
	KVM_GET_REGS,
	KVM_SET_REGS,
	KVM_GET_SREGS,
	KVM_SET_SREGS,
	KVM_GET_SREGS2,
	KVM_SET_SREGS2,
	KVM_GET_FPU,
	KVM_SET_FPU,
	KVM_GET_XSAVE,
	KVM_GET_XSAVE2,
	KVM_SET_XSAVE,
	KVM_GET_XCRS,
	KVM_SET_XCRS,
	KVM_GET_DEBUGREGS,
	KVM_SET_DEBUGREGS,
	KVM_GET_VCPU_EVENTS,
	KVM_SET_VCPU_EVENTS,
	KVM_GET_MP_STATE,
	KVM_SET_MP_STATE,
	KVM_GET_MSRS,
	KVM_SET_MSRS,
	KVM_SET_CPUID,
	KVM_SET_CPUID2,
	KVM_GET_CPUID2,
	KVM_SET_SIGNAL_MASK,
	KVM_GET_TSC_KHZ,
	KVM_SET_TSC_KHZ,
	KVM_X86_SETUP_MCE,
	KVM_X86_SET_MCE,
	KVM_KVMCLOCK_CTRL,
};

static struct kvm_object *object(struct fixture *f, unsigned int i)
{
	struct kvm_object *const objects[] = {f->system, f->vm, f->vcpu};

	return objects[i % 3];
}

/* Requests with a structure say so in their number; for these a bad pointer is EFAULT. */
static void bad_pointer_efault(void **state)
{
	struct fixture *f = *state;
	unsigned int faults = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(requests) * 3; i++) {
		unsigned long request = requests[i / 3];
		long ret = ioc(object(f, i), request, BAD_POINTER);

		faults += ret == -EFAULT;
		if (_IOC_DIR(request))
			assert_true(ret == -EFAULT || ret == -EINVAL || ret == -ENOTTY ||
				    ret == -ENXIO);
	}
	assert_true(faults >= 40);
}

/* A structure that ends where the mapping does. */
static void structure_across_the_end_efault(void **state)
{
	struct fixture *f = *state;
	uint8_t *page =
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(page + 4096, 4096);
	assert_err(ioc(f->vcpu, KVM_GET_REGS, page + 4096 - 16), EFAULT);
	assert_err(ioc(f->vcpu, KVM_SET_REGS, page + 4096 - 16), EFAULT);
	munmap(page, 4096);
}

static void random_call(struct fixture *f, uint64_t *random)
{
	/* Room for all that any of them writes: 256 entries of CPUID are the most. */
	static _Thread_local uint8_t data[16384];
	unsigned long request, arg = (unsigned long)data;

	request = requests[random[0] % ARRAY_SIZE(requests)];
	fill_random(data, random[1] % 3 ? sizeof(data) : 64);
	if (random[1] % 5 == 0)
		data[0] = (uint8_t)random[2], data[1] = data[2] = data[3] = 0;
	if (random[1] % 17 == 0)
		arg = (unsigned long)random[2];
	/* Signals blocked at random would stay with the test. */
	if (request == KVM_SET_SIGNAL_MASK)
		return;
	kvm_ioctl(object(f, (unsigned int)random[3]), request, arg);
}

static void random_calls_do_no_harm(void **state)
{
	struct fixture *f = *state;
	uint64_t random[4];

	for (unsigned int i = 0; i < 20000; i++) {
		fill_random(random, sizeof(random));
		random_call(f, random);
	}
}

static void *call_randomly(void *arg)
{
	uint64_t seed = (uintptr_t)&seed;

	for (unsigned int i = 0; i < 3000; i++) {
		uint64_t random[4];

		for (unsigned int j = 0; j < 4; j++)
			random[j] = seed = seed * 6364136223846793005u + 1442695040888963407u;
		for (unsigned int j = 0; j < 4; j++)
			random[j] >>= 16;
		random_call(arg, random);
	}
	return NULL;
}

static void random_calls_of_threads_do_no_harm(void **state)
{
	pthread_t thread[3];

	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++)
		assert_ok(pthread_create(&thread[i], NULL, call_randomly, *state));
	for (unsigned int i = 0; i < ARRAY_SIZE(thread); i++)
		pthread_join(thread[i], NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest hostile_tests[] = {
	CASE(bad_pointer_efault),
	CASE(structure_across_the_end_efault),
	CASE(random_calls_do_no_harm),
	CASE(random_calls_of_threads_do_no_harm),
};
const size_t hostile_test_count = ARRAY_SIZE(hostile_tests);
