// SPDX-License-Identifier: GPL-2.0-or-later
/* Ordinary work in an enclave that the guest has built with ENCLS: SDM "EENTER", "EEXIT". */
#include "enclave_tests.h"

static void call_moves_data_in_and_out(void **state)
{
	struct enclave_fixture *f = *state;
	uint64_t value = 41, *data = machine_epc_ptr(&f->sgx, DATA_PAGE);

	memcpy(ram_ptr(f, DATA_GVA), &value, sizeof(value));
	expect_return(f, ecall(f, fn_add, DATA_GVA, DATA_GVA + 8));
	memcpy(&value, ram_ptr(f, DATA_GVA + 8), sizeof(value));
	assert_int_equal(value, 42);
	assert_int_equal(data[1], 42);
}

static void call_sees_data_of_earlier_call(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x200;

	expect_return(f, ecall(f, fn_store, cell, 0x1234));
	assert_int_equal(expect_return(f, ecall(f, fn_load, cell, 0)), 0x1234);
}

static void loop_with_stack_inside_sums(void **state)
{
	struct enclave_fixture *f = *state;
	uint64_t words[100];

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = i;
	memcpy(ram_ptr(f, DATA_GVA), words, sizeof(words));
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(expect_return(f, ecall(f, fn_sum, DATA_GVA, 100)), 4950);
}

/* RDRAND, RDSEED and RDTSC are legal; the last by SGX2. */
static void random_and_time_are_legal(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t rdrand[] = {0x48, 0x0f, 0xc7, 0xf7, 0xc3};      /* rdi */
	static const uint8_t rdtsc[] = {0x0f, 0x31, 0x48, 0x89, 0xc7, 0xc3}; /* mov rdi, rax */

	assert_int_not_equal(expect_return(f, run_inside(f, rdrand, sizeof(rdrand))), 0);
	assert_int_not_equal(expect_return(f, run_inside(f, rdtsc, sizeof(rdtsc))), 0);
	f->sgx.cpuid.leaves &= ~(uint32_t)SGX_CPUID_SGX2;
	assert_int_equal(run_inside(f, rdtsc, sizeof(rdtsc)).vector, UD_VECTOR);
}

static void fs_and_gs_are_of_the_enclave(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t load[] = {0x65, 0x48, 0x8b, 0x3c, 0x25,
				       0,    3,    0,    0,    0xc3}; /* gs:0x300 */
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x300;

	expect_return(f, ecall(f, fn_store, cell, 0x77));
	assert_int_equal(expect_return(f, run_inside(f, load, sizeof(load))), 0x77);
	assert_int_equal(f->state->seg[X86_SEG_GS].base, 0);
}

struct snippet {
	const char *name;
	uint8_t bytes[8];
};

/* SDM "Illegal Instructions": the AEX comes at the instruction. */
static void illegal_instruction_ud(void **state)
{
	struct enclave_fixture *f = *state;
	static const struct snippet snippets[] = {
		{"cpuid", {0x0f, 0xa2}},
		{"in", {0xe4, 0x80}},
		{"out", {0xee}},
		{"insb", {0x6c}},
		{"outsb", {0x6e}},
		{"int 0x80", {0xcd, 0x80}},
		{"int3", {0xcc}},
		{"int1", {0xf1}},
		{"iretq", {0x48, 0xcf}},
		{"retf", {0xcb}},
		{"jmp far", {0xff, 0x2f}},
		{"call far", {0xff, 0x1f}},
		{"syscall", {0x0f, 0x05}},
		{"sysenter", {0x0f, 0x34}},
		{"lss", {0x0f, 0xb2, 0x07}},
		{"lfs", {0x0f, 0xb4, 0x07}},
		{"mov ds", {0x8e, 0xd8}},
		{"pop fs", {0x0f, 0xa1}},
		{"sgdt", {0x0f, 0x01, 0x07}},
		{"sidt", {0x0f, 0x01, 0x0f}},
		{"sldt", {0x0f, 0x00, 0xc0}},
		{"str", {0x0f, 0x00, 0xc8}},
		{"smsw", {0x0f, 0x01, 0xe0}},
		{"lar", {0x0f, 0x02, 0xc0}},
		{"verr", {0x0f, 0x00, 0xe0}},
		{"rdpmc", {0x0f, 0x33}},
		{"vmcall", {0x0f, 0x01, 0xc1}},
		{"getsec", {0x0f, 0x37}},
		{"encls", {0x0f, 0x01, 0xcf}},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(snippets); i++) {
		struct machine_trap trap =
			run_inside(f, snippets[i].bytes, sizeof(snippets[i].bytes));

		if (trap.vector != UD_VECTOR)
			print_error("%s\n", snippets[i].name);
		expect_aex(f, &trap, UD_VECTOR);
		expect_saved_rip(f, ENCLAVE_GVA(WRITTEN_PAGE));
		assert_int_equal(ssa_gprsgx_of(f, 0)->exitinfo,
				 SGX_EXITINFO_VALID |
					 SGX_EXITINFO_TYPE_HARDWARE << SGX_EXITINFO_TYPE_SHIFT |
					 UD_VECTOR);
		drop_frame(f);
	}
}

/* XCR0 is XFRM inside. */
static void avx_without_xfrm_ud(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t vzeroall[] = {0xc5, 0xfc, 0x77, 0xc3};
	struct machine_trap trap = run_inside(f, vzeroall, sizeof(vzeroall));

	expect_aex(f, &trap, UD_VECTOR);
	assert_int_equal(f->state->xcr0, 7);
}

static void enclu_eenter_inside_gp(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t code[] = {0xb8, 2, 0, 0, 0, 0x0f, 0x01, 0xd7};
	struct machine_trap trap = run_inside(f, code, sizeof(code));

	expect_aex(f, &trap, GP_VECTOR);
	expect_saved_rip(f, ENCLAVE_GVA(WRITTEN_PAGE) + 5);
	assert_int_equal(ssa_gprsgx_of(f, 0)->gpr[X86_RAX], EENTER);
}

/* The leaf number and RIP are as they were: what the vDSO of Linux looks at. */
static void eenter_on_tcs_of_kernel_pf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	machine_map(&f->m, ENCLAVE_GVA(TCS_PAGE), 0, 4096, 0, 12);
	trap = ecall(f, fn_load, DATA_GVA, 0);
	assert_int_equal(trap.vector, PF_VECTOR);
	assert_true(trap.error_code & PFERR_USER_MASK);
	assert_false(trap.error_code & PFERR_SGX_MASK);
	assert_int_equal(trap.rip, USER_CODE);
	assert_int_equal(f->state->gpr[X86_RAX], EENTER);
	assert_int_equal(f->state->cr2, ENCLAVE_GVA(TCS_PAGE));
}

static void eenter_at_cpl0_ud(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t enclu[] = {0x0f, 0x01, 0xd7, 0xf4};

	assert_int_equal(machine_run_kernel(&f->m, enclu, sizeof(enclu)).vector, UD_VECTOR);
}

const struct CMUnitTest enclave_call_tests[] = {
	ENCLAVE_TEST(call_moves_data_in_and_out),
	ENCLAVE_TEST(call_sees_data_of_earlier_call),
	ENCLAVE_TEST(loop_with_stack_inside_sums),
	ENCLAVE_TEST(random_and_time_are_legal),
	ENCLAVE_TEST(fs_and_gs_are_of_the_enclave),
	ENCLAVE_TEST(illegal_instruction_ud),
	ENCLAVE_TEST_WITH(enclave_setup_without_avx, avx_without_xfrm_ud),
	ENCLAVE_TEST(enclu_eenter_inside_gp),
	ENCLAVE_TEST(eenter_on_tcs_of_kernel_pf),
	ENCLAVE_TEST(eenter_at_cpl0_ud),
};
const size_t enclave_call_test_count = ARRAY_SIZE(enclave_call_tests);
