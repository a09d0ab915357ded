// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID of the VMM itself: the machine's, with the model's SGX in the place of its own. */
#include "fixture.h"

#include "kvm/host_cpuid.h"
#include "sgx/arch.h"

#include <string.h>

/* As QEMU's sgx_calc_section_metric(). */
static uint64_t metric(uint32_t low, uint32_t high)
{
	return (low & 0xfffff000) + ((uint64_t)(high & 0xfffff) << 32);
}

static const struct host_cpuid_sgx some = {
	.sgx = true,
	.launch_control = true,
	.leaf12 = {{3, 1, 0, 0x381f}, {0xb6, 0, 7, 0}},
	.section_count = 2,
	.section = {{0x1234567000, 0x20000000000}, {0x345000, 0x1000}},
};
static const struct host_cpuid_sgx none;

static void amend(const struct host_cpuid_sgx *sgx, uint32_t leaf, uint32_t subleaf,
		  uint32_t machine, uint32_t regs[4])
{
	for (unsigned int i = 0; i < 4; i++)
		regs[i] = machine;
	host_cpuid_amend(sgx, leaf, subleaf, regs);
}

static void features_are_the_models_whatever_the_machine_has(void **state)
{
	uint32_t regs[4];

	amend(&some, 7, 0, 0, regs);
	assert_int_equal(regs[CPUID_EBX], BIT32(2));
	assert_int_equal(regs[CPUID_ECX], BIT32(30));
	assert_int_equal(regs[CPUID_EAX] | regs[CPUID_EDX], 0);
	/* SDM: EDX bit 1 is SGX-KEYS. */
	amend(&none, 7, 0, UINT32_MAX, regs);
	assert_int_equal(regs[CPUID_EBX], ~BIT32(2));
	assert_int_equal(regs[CPUID_ECX], ~BIT32(30));
	assert_int_equal(regs[CPUID_EDX], ~BIT32(1));
	assert_int_equal(regs[CPUID_EAX], UINT32_MAX);
}

static void leaf_12_is_the_models_whatever_the_machine_has(void **state)
{
	static const uint32_t zeros[4];
	uint32_t regs[4];

	for (uint32_t subleaf = 0; subleaf < 2; subleaf++) {
		amend(&some, 0x12, subleaf, UINT32_MAX, regs);
		assert_memory_equal(regs, some.leaf12[subleaf], sizeof(regs));
	}
	for (uint32_t subleaf = 0; subleaf < 4; subleaf++) {
		amend(&none, 0x12, subleaf, UINT32_MAX, regs);
		assert_memory_equal(regs, zeros, sizeof(regs));
	}
}

static void sections_are_the_models_with_an_end(void **state)
{
	static const uint32_t zeros[4];
	uint32_t regs[4];

	for (unsigned int i = 0; i < 2; i++) {
		amend(&some, 0x12, 2 + i, UINT32_MAX, regs);
		assert_int_equal(regs[CPUID_EAX] & 0xfff, SGX_CPUID_EPC_SECTION);
		assert_int_equal(metric(regs[CPUID_EAX], regs[CPUID_EBX]), some.section[i].base);
		assert_int_equal(regs[CPUID_ECX] & 0xfff, SGX_CPUID_EPC_CONFIDENTIAL_INTEGRITY);
		assert_int_equal(metric(regs[CPUID_ECX], regs[CPUID_EDX]), some.section[i].size);
	}
	amend(&some, 0x12, 4, UINT32_MAX, regs);
	assert_memory_equal(regs, zeros, sizeof(regs));
	amend(&some, 0x12, UINT32_MAX, UINT32_MAX, regs);
	assert_memory_equal(regs, zeros, sizeof(regs));
}

static void highest_leaf_reaches_leaf_12(void **state)
{
	uint32_t regs[4];

	amend(&some, 0, 0, 0xd, regs);
	assert_int_equal(regs[CPUID_EAX], 0x12);
	assert_int_equal(regs[CPUID_EBX], 0xd);
	amend(&some, 0, 0, 0x1f, regs);
	assert_int_equal(regs[CPUID_EAX], 0x1f);
	amend(&none, 0, 0, 0xd, regs);
	assert_int_equal(regs[CPUID_EAX], 0xd);
}

static void everything_else_is_the_machines(void **state)
{
	static const uint32_t others[][2] = {{1, 0},   {6, 0},    {7, 1},
					     {0xd, 0}, {0x13, 0}, {0x80000007, 0}};
	static const uint32_t machine[4] = {0xaaaa, 0xaaaa, 0xaaaa, 0xaaaa};
	uint32_t regs[4];

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		amend(&some, others[i][0], others[i][1], 0xaaaa, regs);
		assert_memory_equal(regs, machine, sizeof(regs));
	}
}

/* kvm_main.c: EXCLAVE_EPC=64K. */
static void model_is_what_kvm_offers_with_the_pools_sections(void **state)
{
	struct host_cpuid_sgx sgx;

	host_cpuid_of_model(&sgx);
	assert_true(sgx.sgx);
	assert_true(sgx.launch_control);
	assert_int_equal(sgx.leaf12[0][CPUID_EAX], 3);
	assert_int_equal(sgx.leaf12[1][CPUID_EAX], 0xb6);
	assert_int_equal(sgx.section_count, 1);
	assert_int_equal(sgx.section[0].size, 0x10000);
	assert_int_equal(sgx.section[0].base & 0xfff, 0);
}

static void show_intercepts_until_hide(void **state)
{
	uint32_t regs[4] = {0};

	fake.answer_cpuid = NULL;
	kvm_cpuid_show_sgx();
	assert_non_null(fake.answer_cpuid);
	fake.answer_cpuid(7, 0, regs);
	assert_int_equal(regs[CPUID_EBX], BIT32(2));
	kvm_cpuid_hide_sgx();
	assert_null(fake.answer_cpuid);
}

const struct CMUnitTest host_cpuid_tests[] = {
	cmocka_unit_test(features_are_the_models_whatever_the_machine_has),
	cmocka_unit_test(leaf_12_is_the_models_whatever_the_machine_has),
	cmocka_unit_test(sections_are_the_models_with_an_end),
	cmocka_unit_test(highest_leaf_reaches_leaf_12),
	cmocka_unit_test(everything_else_is_the_machines),
	cmocka_unit_test(model_is_what_kvm_offers_with_the_pools_sections),
	cmocka_unit_test(show_intercepts_until_hide),
};
const size_t host_cpuid_test_count = ARRAY_SIZE(host_cpuid_tests);
