// SPDX-License-Identifier: GPL-2.0-or-later
/* Patch "enable SGX1, SGX2, LC": leaf 12H as offered, as set, as the guest sees it. */
#include "sgx_fixture.h"

#include "kvm/system.h"

static void offer_has_sgx(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;
	const struct kvm_cpuid_entry2 *e;

	offered_cpuid(f, &cpuid);
	e = cpuid_entry(&cpuid, 7, 0);
	assert_true(e->ebx & BIT32(2));
	assert_true(e->ecx & BIT32(30));
	e = cpuid_entry(&cpuid, 0x12, 0);
	assert_int_equal(e->eax, 3);
	assert_int_equal(e->ebx, 1);
	assert_int_equal(e->ecx, 0);
	assert_int_equal(e->edx, 0x381f);
	e = cpuid_entry(&cpuid, 0x12, 1);
	assert_int_equal(e->eax, 0xb6);
	assert_int_equal(e->ebx, 0);
	assert_int_equal(e->ecx, system_xcr0());
	assert_int_equal(e->edx, 0);
	assert_null(cpuid_entry(&cpuid, 0x12, 2));
}

/* A guest without AVX has enclaves without AVX, and always x87 and SSE. */
static void xfrm_is_limited_to_guests_xcr0(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid, back = {.head.nent = CPUID_MAX_ENTRIES};

	offered_cpuid(f, &cpuid);
	cpuid_entry(&cpuid, 0xd, 0)->eax = 3;
	cpuid_entry(&cpuid, 0x12, 1)->ecx = UINT32_MAX;
	cpuid_entry(&cpuid, 0x12, 1)->edx = UINT32_MAX;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_ok(ioc(f->vcpu, KVM_GET_CPUID2, &back));
	back.head.nent = cpuid.head.nent;
	assert_int_equal(cpuid_entry(&back, 0x12, 1)->ecx, 3);
	assert_int_equal(cpuid_entry(&back, 0x12, 1)->edx, 0);
	assert_int_equal(f->v->sgx->cpuid->xfrm, 3);
	cpuid_entry(&cpuid, 0x12, 1)->ecx = 0;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_int_equal(f->v->sgx->cpuid->xfrm, 3);
	/* The same again is the same, also after the guest has run. */
	assert_ok(ioc(f->vcpu, KVM_RUN, NULL));
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
}

static void processor_has_no_more_than_the_host(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;
	struct kvm_cpuid_entry2 *e;

	offered_cpuid(f, &cpuid);
	e = cpuid_entry(&cpuid, 0x12, 0);
	e->eax = e->ebx = UINT32_MAX;
	e->edx = 0x1810;
	e = cpuid_entry(&cpuid, 0x12, 1);
	e->eax = e->ebx = UINT32_MAX;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_int_equal(f->v->sgx->cpuid->leaves, SGX_CPUID_SGX1 | SGX_CPUID_SGX2);
	assert_int_equal(f->v->sgx->cpuid->miscselect, 1);
	assert_int_equal(f->v->sgx->cpuid->attributes, 0xb6);
	assert_int_equal(f->v->sgx->cpuid->max_size_32, 0x10);
	assert_int_equal(f->v->sgx->cpuid->max_size_64, 0x18);
	if (system_xcr0() & XFEATURE_MASK_YMM) {
		assert_int_equal(f->v->sgx->cpuid->xsave[2].offset, 576);
		assert_int_equal(f->v->sgx->cpuid->xsave[2].size, 256);
	}
}

static void processor_without_sgx_has_no_leaf(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;

	offered_cpuid(f, &cpuid);
	cpuid_entry(&cpuid, 7, 0)->ebx &= ~BIT32(2);
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_null(f->v->sgx);
	cpuid_entry(&cpuid, 7, 0)->ebx |= BIT32(2);
	cpuid_entry(&cpuid, 0x12, 0)->eax = 2;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_null(f->v->sgx);
	cpuid_entry(&cpuid, 0x12, 0)->eax = 1;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_int_equal(f->v->sgx->cpuid->leaves, SGX_CPUID_SGX1);
	cpuid_entry(&cpuid, 0x12, 0)->eax = 0;
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_int_equal(f->v->sgx->cpuid->leaves, 0);
}

/* QEMU takes a section's properties from the machine's own CPUID, which may have none or others. */
static void section_properties_are_right(void **state)
{
	struct fixture *f = *state;
	struct cpuid_of_vmm cpuid;
	uint32_t regs[4];

	offered_cpuid(f, &cpuid);
	cpuid.entry[cpuid.head.nent++] = (struct kvm_cpuid_entry2){
		0x12, 2, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 1, 1, 0x4000000, 0, {0}};
	cpuid.entry[cpuid.head.nent++] = (struct kvm_cpuid_entry2){
		0x12, 3, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 1, 2, 0x4000002, 0, {0}};
	cpuid.entry[cpuid.head.nent++] = (struct kvm_cpuid_entry2){
		0x12, 4, KVM_CPUID_FLAG_SIGNIFCANT_INDEX, 0, 0, 0, 0, {0}};
	assert_ok(ioc(f->vcpu, KVM_SET_CPUID2, &cpuid));
	assert_int_equal(cpu_cpuid(&f->v->cpu, 0x12, 2, regs), CPU_OK);
	assert_int_equal(regs[CPUID_EAX], 1);
	assert_int_equal(regs[CPUID_ECX], 0x4000001);
	assert_int_equal(cpu_cpuid(&f->v->cpu, 0x12, 3, regs), CPU_OK);
	assert_int_equal(regs[CPUID_ECX], 0x4000001);
	assert_int_equal(cpu_cpuid(&f->v->cpu, 0x12, 4, regs), CPU_OK);
	assert_int_equal(regs[CPUID_ECX], 0);
	assert_int_equal(cpu_cpuid(&f->v->cpu, 0x12, 1, regs), CPU_OK);
	assert_int_equal(regs[CPUID_ECX], system_xcr0());
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

const struct CMUnitTest sgx_cpuid_tests[] = {
	CASE(offer_has_sgx),
	CASE(xfrm_is_limited_to_guests_xcr0),
	CASE(processor_has_no_more_than_the_host),
	CASE(processor_without_sgx_has_no_leaf),
	CASE(section_properties_are_right),
};
const size_t sgx_cpuid_test_count = ARRAY_SIZE(sgx_cpuid_tests);
