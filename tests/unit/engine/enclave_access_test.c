// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Access-control Requirements": who sees what, inside and outside. */
#include "enclave_tests.h"

static const uint8_t user_load[] = {0x48, 0x8b, 0x3e, 0x0f, 0x0b};  /* mov rdi, [rsi]; ud2 */
static const uint8_t user_store[] = {0x48, 0x89, 0x3e, 0x0f, 0x0b}; /* mov [rsi], rdi; ud2 */

/* Runs @code as user code with RSI and RDI. */
static struct machine_trap outside(struct enclave_fixture *f, const void *code, size_t len,
				   gva_t rsi, uint64_t rdi)
{
	memcpy(ram_ptr(f, USER_CODE + 64), code, len);
	engine_memory_written(f->m.engine);
	f->state->gpr[X86_RSI] = rsi;
	f->state->gpr[X86_RDI] = rdi;
	return run_user(f, USER_CODE + 64, 0);
}

static uint64_t load_outside(struct enclave_fixture *f, gva_t gva)
{
	struct machine_trap trap = outside(f, user_load, sizeof(user_load), gva, 0);

	assert_int_equal(trap.vector, UD_VECTOR);
	return f->state->gpr[X86_RDI];
}

static void epc_from_outside_reads_ones(void **state)
{
	struct enclave_fixture *f = *state;

	expect_return(f, ecall(f, fn_store, ENCLAVE_GVA(DATA_PAGE) + 0x200, 0x1234));
	assert_int_equal(load_outside(f, ENCLAVE_GVA(DATA_PAGE) + 0x200), UINT64_MAX);
	assert_int_equal(expect_return(f, ecall(f, fn_load, ENCLAVE_GVA(DATA_PAGE) + 0x200, 0)),
			 0x1234);
	assert_int_equal(load_outside(f, ENCLAVE_GVA(DATA_PAGE) + 0x200), UINT64_MAX);
}

/* In one go: what the enclave has just used. */
static void epc_after_exit_reads_ones(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t code[] = {0x48, 0x8b, 0x06, 0x0f, 0x0b}; /* mov rax, [rsi]; ud2 */
	struct machine_trap trap;

	memcpy(ram_ptr(f, USER_CODE + 3), code, sizeof(code));
	engine_memory_written(f->m.engine);
	trap = ecall(f, fn_load, ENCLAVE_GVA(CODE_PAGE), 0);
	assert_int_equal(trap.vector, UD_VECTOR);
	assert_int_equal(trap.rip, USER_CODE + 6);
	assert_memory_equal(&f->state->gpr[X86_RDI], enclave_code, 8);
	assert_int_equal(f->state->gpr[X86_RAX], UINT64_MAX);
}

static void epc_from_outside_drops_writes(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x200;

	expect_return(f, ecall(f, fn_store, cell, 0x1234));
	assert_int_equal(outside(f, user_store, sizeof(user_store), cell, 7).vector, UD_VECTOR);
	assert_int_equal(expect_return(f, ecall(f, fn_load, cell, 0)), 0x1234);
}

static void epc_from_kernel_reads_ones(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t code[] = {0x48, 0x8b, 0x3e, 0xf4}; /* mov rdi, [rsi]; hlt */

	f->state->gpr[X86_RSI] = machine_epc_gva(CODE_PAGE);
	assert_int_equal(machine_run_kernel(&f->m, code, sizeof(code)).exit, ENGINE_EXIT_HLT);
	assert_int_equal(f->state->gpr[X86_RDI], UINT64_MAX);
}

static void epc_from_outside_executes_ones(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = run_user(f, ENCLAVE_GVA(CODE_PAGE), 0);

	assert_int_equal(trap.vector, UD_VECTOR);
	assert_int_equal(trap.rip, ENCLAVE_GVA(CODE_PAGE));
}

/* A host address of EPC is in no TLB but the enclave's, whatever was run before. */
static void entry_and_exit_drop_translations(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x208;

	for (unsigned int i = 0; i < 3; i++) {
		expect_return(f, ecall(f, fn_store, cell, i));
		assert_int_equal(load_outside(f, cell), UINT64_MAX);
	}
}

static void jump_outside_elrange_gp(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall(f, fn_jump, USER_CODE + 3, 0);

	expect_aex(f, &trap, GP_VECTOR);
	expect_saved_rip(f, USER_CODE + 3);
}

static void other_epc_outside_elrange_is_abort_page(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t alias = 0x50000000;

	machine_map(&f->m, alias, machine_epc_gva(DATA_PAGE), 4096, MACHINE_WRITABLE | MACHINE_USER,
		    12);
	assert_int_equal(expect_return(f, ecall(f, fn_load, alias, 0)), UINT64_MAX);
	expect_return(f, ecall(f, fn_store, alias + 0x200, 5));
	assert_int_equal(expect_return(f, ecall(f, fn_load, ENCLAVE_GVA(DATA_PAGE) + 0x200, 0)), 0);
}

static void expect_sgx_fault(struct enclave_fixture *f, struct machine_trap trap,
			     uint32_t error_code, gva_t gva, const uint8_t *at)
{
	struct sgx_exinfo exinfo;

	expect_aex(f, &trap, PF_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(at));
	assert_int_equal(trap.error_code, error_code);
	assert_int_equal(f->state->cr2, gva & ~UINT64_C(0xfff));
	memcpy(&exinfo, (uint8_t *)ssa_gprsgx_of(f, 0) - sizeof(exinfo), sizeof(exinfo));
	assert_int_equal(exinfo.maddr, gva);
	assert_int_equal(exinfo.errcd, error_code);
}

static void write_to_read_only_page_sgx_pf(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t gva = ENCLAVE_GVA(CODE_PAGE) + 0x123;

	expect_sgx_fault(f, ecall(f, fn_store, gva, 0), 0x8007, gva, fn_store_at);
}

static void invalid_page_in_elrange_sgx_pf(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t gva = ENCLAVE_GVA(HOLE_PAGE) + 8;

	expect_sgx_fault(f, ecall(f, fn_load, gva, 0), 0x8005, gva, fn_load_at);
}

static void ram_in_elrange_sgx_pf(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t gva = ENCLAVE_GVA(HOLE_PAGE) + 8;

	map_late(f, ENCLAVE_GVA(HOLE_PAGE));
	expect_sgx_fault(f, ecall(f, fn_load, gva, 0), 0x8005, gva, fn_load_at);
}

static void page_without_execute_sgx_pf(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall(f, fn_jump, ENCLAVE_GVA(DATA_PAGE), 0);

	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(trap.error_code, 0x8015);
	expect_saved_rip(f, ENCLAVE_GVA(DATA_PAGE));
}

/* The second half of the operand is in a page of the kernel. */
static void store_across_pages_faults_on_second(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	machine_map(&f->m, ENCLAVE_GVA(HOLE_PAGE), 0, 4096, 0, 12);
	trap = ecall(f, fn_store, ENCLAVE_GVA(HOLE_PAGE) - 4, 0);
	expect_aex(f, &trap, PF_VECTOR);
	assert_int_equal(f->state->cr2, ENCLAVE_GVA(HOLE_PAGE));
	assert_int_equal(trap.error_code, PFERR_PRESENT_MASK | PFERR_USER_MASK | PFERR_WRITE_MASK);
}

/* KVM: no instruction is emulated after an exit from an enclave. */
static void device_access_ud_after_aex(void **state)
{
	struct enclave_fixture *f = *state;
	const uint8_t *functions[] = {fn_load, fn_store};
	const uint8_t *at[] = {fn_load_at, fn_store_at};

	for (unsigned int i = 0; i < 2; i++) {
		struct machine_trap trap = ecall(f, functions[i], DEVICE_GVA, 0);

		expect_aex(f, &trap, UD_VECTOR);
		expect_saved_rip(f, FUNCTION_GVA(at[i]));
		assert_int_equal(ssa_gprsgx_of(f, 0)->exitinfo, 0);
		assert_false(f->m.v->pending);
		drop_frame(f);
	}
}

const struct CMUnitTest enclave_access_tests[] = {
	ENCLAVE_TEST(epc_from_outside_reads_ones),
	ENCLAVE_TEST(epc_after_exit_reads_ones),
	ENCLAVE_TEST(epc_from_outside_drops_writes),
	ENCLAVE_TEST(epc_from_kernel_reads_ones),
	ENCLAVE_TEST(epc_from_outside_executes_ones),
	ENCLAVE_TEST(entry_and_exit_drop_translations),
	ENCLAVE_TEST(jump_outside_elrange_gp),
	ENCLAVE_TEST(other_epc_outside_elrange_is_abort_page),
	ENCLAVE_TEST(write_to_read_only_page_sgx_pf),
	ENCLAVE_TEST(invalid_page_in_elrange_sgx_pf),
	ENCLAVE_TEST(ram_in_elrange_sgx_pf),
	ENCLAVE_TEST(page_without_execute_sgx_pf),
	ENCLAVE_TEST(store_across_pages_faults_on_second),
	ENCLAVE_TEST(device_access_ud_after_aex),
};
const size_t enclave_access_test_count = ARRAY_SIZE(enclave_access_tests);
