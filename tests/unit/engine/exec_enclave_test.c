// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Illegal Instructions" and "Interactions of Enclave Execution and Debugging". */
#include "tests.h"

#include "sgx/arch.h"

static struct machine *enclave_init(enum mode mode, uint32_t leaves, bool optin)
{
	struct machine *m = machine_init(mode, 3);

	machine_add_sgx(m, leaves);
	m->sgx.enclave.active = true;
	m->sgx.enclave.debug_optin = optin;
	m->state->rflags |= X86_EFLAGS_IOPL;
	m->gpr[X86_RBX] = DATA;
	return m;
}

static void illegal_instructions_ud(void **state)
{
	static const char *const any[] = {
		"0fa2",   "0f37",   "0f33",   "0f0103", "0f010b", "0f0003", "0f000b",
		"0f01c1", "ec",     "ee",     "6c",     "6e",     "f36d",   "f36f",
		"ff2b",   "ff1b",   "cb",     "ca0800", "cd80",   "cf",     "0fb203",
		"0fb403", "0fb503", "8ec0",   "8ed0",   "0fa1",   "0fa9",   "0f05",
		"0f34",   "0f0123", "0f02c3", "0f00e3", "0f00eb", "0f31",   "0f01f9",
	};
	static const char *const legacy[] = {
		"ea009000002000", "9a009000002000", "ce", "c403", "c503", "07", "17", "1f"};

	for (unsigned int i = 0; i < ARRAY_SIZE(any); i++)
		step_fault(enclave_init(MODE_64BIT, 0, true), any[i], UD_VECTOR);
	for (unsigned int i = 0; i < ARRAY_SIZE(legacy); i++)
		step_fault(enclave_init(MODE_PROTECTED, 0, true), legacy[i], UD_VECTOR);
}

static void other_instructions_are_legal(void **state)
{
	static const char *const hex[] = {"8cd8", "0fa0", "9c", "fc", "0fae3b", "f3480faec0"};

	for (unsigned int i = 0; i < ARRAY_SIZE(hex); i++) {
		struct machine *m = enclave_init(MODE_64BIT, 0, false);

		m->state->cr4 |= X86_CR4_FSGSBASE;
		step_ok(m, hex[i]);
	}
	/* Those of CPL 0 fault as anywhere. */
	step_fault(enclave_init(MODE_64BIT, 0, false), "f4", GP_VECTOR);
	step_fault(enclave_init(MODE_64BIT, 0, false), "0f20c0", GP_VECTOR);
}

static void rdtsc_legal_with_sgx2(void **state)
{
	step_ok(enclave_init(MODE_64BIT, SGX_CPUID_SGX1 | SGX_CPUID_SGX2, false), "0f31");
	step_fault(enclave_init(MODE_64BIT, SGX_CPUID_SGX1, false), "0f31", UD_VECTOR);
}

static void breakpoints_follow_debug_optin(void **state)
{
	step_fault(enclave_init(MODE_64BIT, 0, true), "cc", BP_VECTOR);
	step_fault(enclave_init(MODE_64BIT, 0, true), "f1", DB_VECTOR);
	step_fault(enclave_init(MODE_64BIT, 0, false), "cc", UD_VECTOR);
	step_fault(enclave_init(MODE_64BIT, 0, false), "f1", UD_VECTOR);
}

static void popf_cannot_step_in_opt_out(void **state)
{
	for (unsigned int optin = 0; optin < 2; optin++) {
		struct machine *m = enclave_init(MODE_64BIT, 0, optin);

		poke(m->f, m->gpr[X86_RSP], X86_EFLAGS_TF | X86_EFLAGS_CF, 8);
		step_ok(m, "9d");
		assert_true(m->state->rflags & X86_EFLAGS_CF);
		assert_int_equal(!!(m->state->rflags & X86_EFLAGS_TF), optin);
	}
}

const struct CMUnitTest exec_enclave_tests[] = {
	cmocka_unit_test(illegal_instructions_ud),
	cmocka_unit_test(rdtsc_legal_with_sgx2),
	cmocka_unit_test(breakpoints_follow_debug_optin),
	cmocka_unit_test(other_instructions_are_legal),
	cmocka_unit_test(popf_cannot_step_in_opt_out),
};
const size_t exec_enclave_test_count = ARRAY_SIZE(exec_enclave_tests);
