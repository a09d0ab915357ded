// SPDX-License-Identifier: GPL-2.0-or-later
/* ENCLS as an instruction: results, faults, "ENCLS exiting", operands. */
#include "enclave_tests.h"

#include <errno.h>

static const uint64_t free_page = HOLE_PAGE + 1;

static void error_code_in_rax_and_zf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_encls result = encls(f, EREMOVE, 0, machine_epc_gva(SECS_PAGE), 0);

	assert_int_equal(result.trap.vector, -1);
	assert_int_equal(result.rax, SGX_CHILD_PRESENT);
	assert_true(result.rflags & X86_EFLAGS_ZF);
	result = encls(f, EREMOVE, 0, machine_epc_gva(free_page), 0);
	assert_int_equal(result.rax, SGX_SUCCESS);
	assert_false(result.rflags & X86_EFLAGS_ZF);
}

static void operand_outside_epc_sgx_pf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_encls result = encls(f, EPA, SGX_PAGE_TYPE_VA, RAM_GVA, 0);

	assert_int_equal(result.trap.vector, PF_VECTOR);
	assert_int_equal(result.trap.error_code, 0x8003);
	assert_int_equal(f->state->cr2, RAM_GVA);
	assert_int_equal(result.trap.rip, MACHINE_KERNEL_CODE);
	assert_int_equal(result.rax, EPA);
}

static void operand_not_mapped_ordinary_pf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_encls result = encls(f, EPA, SGX_PAGE_TYPE_VA, 0x7000000000, 0);

	assert_int_equal(result.trap.vector, PF_VECTOR);
	assert_int_equal(result.trap.error_code, PFERR_WRITE_MASK);
	assert_int_equal(f->state->cr2, 0x7000000000);
}

/* Nothing answers an operand in a device: all ones are no PAGEINFO. */
static void operand_in_device_reads_ones(void **state)
{
	struct enclave_fixture *f = *state;

	assert_int_equal(encls(f, EADD, DEVICE_GVA, machine_epc_gva(free_page), 0).trap.vector,
			 GP_VECTOR);
}

static void disabled_by_feature_control_gp(void **state)
{
	struct enclave_fixture *f = *state;

	f->m.v->sgx->feature_control = 0;
	assert_int_equal(encls(f, EPA, SGX_PAGE_TYPE_VA, machine_epc_gva(free_page), 0).trap.vector,
			 GP_VECTOR);
	f->sgx.cpuid.leaves = 0;
	assert_int_equal(encls(f, EPA, SGX_PAGE_TYPE_VA, machine_epc_gva(free_page), 0).trap.vector,
			 UD_VECTOR);
}

static enum cpu_result execute(struct enclave_fixture *f)
{
	return engine_leaf_result(f->m.v, sgx_encls_leaf(f->m.v->sgx));
}

static enum cpu_result refuse(struct enclave_fixture *f)
{
	f->m.v->cpu.fault = (struct x86_exception){.vector = GP_VECTOR, .has_error_code = true};
	return CPU_FAULT;
}

static void exiting_bitmap_calls_handler(void **state)
{
	struct enclave_fixture *f = *state;
	struct sgx_cpu *sgx = f->m.v->sgx;

	sgx->encls_exiting = true;
	sgx->encls_exiting_bitmap = BIT64(EPA);
	f->on_encls = refuse;
	assert_int_equal(encls(f, EPA, SGX_PAGE_TYPE_VA, machine_epc_gva(free_page), 0).trap.vector,
			 GP_VECTOR);
	assert_int_equal(f->encls_exits, 1);
	f->on_encls = execute;
	encls_done(f, EPA, SGX_PAGE_TYPE_VA, machine_epc_gva(free_page), 0);
	assert_int_equal(f->encls_exits, 2);
	encls_done(f, EREMOVE, 0, machine_epc_gva(free_page), 0);
	assert_int_equal(f->encls_exits, 2);
}

static void set_sgx_again_changes_cpuid_alone(void **state)
{
	struct enclave_fixture *f = *state;
	struct sgx_cpu *sgx = f->m.v->sgx;
	struct sgx_cpuid other = f->sgx.cpuid;

	assert_int_equal(engine_vcpu_set_sgx(f->m.v, &f->sgx.platform, &other), 0);
	assert_ptr_equal(f->m.v->sgx, sgx);
	assert_ptr_equal(sgx->cpuid, &other);
	assert_true(sgx->feature_control & FEAT_CTL_SGX_ENABLED);
	f->sgx.cpuid.xfrm |= XFEATURE_MASK_OPMASK;
	assert_int_equal(engine_vcpu_set_sgx(f->m.v, &f->sgx.platform, &f->sgx.cpuid), -EINVAL);
	assert_ptr_equal(sgx->cpuid, &other);
	encls_done(f, EPA, SGX_PAGE_TYPE_VA, machine_epc_gva(free_page), 0);
	assert_int_equal(engine_vcpu_set_sgx(f->m.v, &f->sgx.platform, &other), 0);
	f->sgx.cpuid = other;
	assert_int_equal(engine_vcpu_set_sgx(f->m.v, &f->sgx.platform, &f->sgx.cpuid), 0);
}

const struct CMUnitTest enclave_encls_tests[] = {
	ENCLAVE_TEST(error_code_in_rax_and_zf),          ENCLAVE_TEST(operand_outside_epc_sgx_pf),
	ENCLAVE_TEST(operand_not_mapped_ordinary_pf),    ENCLAVE_TEST(operand_in_device_reads_ones),
	ENCLAVE_TEST(disabled_by_feature_control_gp),    ENCLAVE_TEST(exiting_bitmap_calls_handler),
	ENCLAVE_TEST(set_sgx_again_changes_cpuid_alone),
};
const size_t enclave_encls_test_count = ARRAY_SIZE(enclave_encls_tests);
