// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Enclave Code Debug and Profiling": single steps and breakpoints, opted in or not. */
#include "enclave_tests.h"

#define DR6_BS BIT64(14)

/* More than a function of the enclave has. */
#define MAX_STEPS 64

/* DR0 := @gva, enabled; @type as in DR7's R/W0, 8 bytes for data. */
static void set_breakpoint(struct enclave_fixture *f, gva_t gva, unsigned int type)
{
	f->m.v->cpu.dr[0] = gva;
	f->m.v->cpu.dr7 = 0x400 | 1 | type << 16 | (type ? 2u << 18 : 0);
	engine_state_changed(f->m.v);
}

/* Without opt-in the enclave is one instruction, whose trap comes after its exit. */
static void step_over_enclave_traps_after_exit(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall_flags(f, fn_load, DATA_GVA, 0, X86_EFLAGS_TF);

	assert_int_equal(trap.vector, DB_VECTOR);
	assert_int_equal(trap.rip, USER_CODE + 3);
	assert_true(trap.rflags & X86_EFLAGS_TF);
	assert_true(f->m.v->cpu.dr6 & DR6_BS);
	assert_int_equal(tcs_of(f)->cssa, 0);
}

static void step_into_enclave_traps_at_each_instruction(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap = ecall_flags(f, fn_load, DATA_GVA, 0, X86_EFLAGS_TF);

	expect_aex(f, &trap, DB_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(enclave_code));
	assert_true(trap.rflags & X86_EFLAGS_TF);
	/* SDM "ERESUME" clears what is pending, so that the instruction is run before the next trap. */
	for (unsigned int steps = 0; trap.rip == USER_CODE; steps++) {
		const uint64_t rip = ssa_gprsgx_of(f, 0)->rip;

		assert_true(steps < MAX_STEPS);
		trap = resume(f, &trap);
		assert_int_equal(trap.vector, DB_VECTOR);
		assert_true(f->m.v->cpu.dr6 & DR6_BS);
		if (trap.rip == USER_CODE)
			assert_int_not_equal(ssa_gprsgx_of(f, 0)->rip, rip);
	}
	/* EEXIT is stepped as any instruction. */
	assert_int_equal(trap.rip, USER_CODE + 3);
	assert_int_equal(tcs_of(f)->cssa, 0);
}

static void code_breakpoint_is_hidden(void **state)
{
	struct enclave_fixture *f = *state;

	set_breakpoint(f, FUNCTION_GVA(fn_load_at), 0);
	expect_return(f, ecall(f, fn_load, DATA_GVA, 0));
}

static void code_breakpoint_with_opt_in_met_once(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	set_breakpoint(f, FUNCTION_GVA(fn_load_at), 0);
	trap = ecall(f, fn_load, DATA_GVA, 0);
	expect_aex(f, &trap, DB_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(fn_load_at));
	/* A debugger that wants to go on sets RF in the SSA, which ERESUME then keeps. */
	ssa_gprsgx_of(f, 0)->rflags |= X86_EFLAGS_RF;
	expect_return(f, resume(f, &trap));
}

static void data_breakpoint_in_elrange_is_hidden(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x200;

	set_breakpoint(f, cell, 1);
	expect_return(f, ecall(f, fn_store, cell, 1));
	expect_return(f, ecall(f, fn_store, DATA_GVA, 1));
}

static void data_breakpoint_outside_elrange_traps(void **state)
{
	struct enclave_fixture *f = *state;
	struct machine_trap trap;

	set_breakpoint(f, DATA_GVA, 1);
	trap = ecall(f, fn_store, DATA_GVA, 1);
	expect_aex(f, &trap, DB_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(fn_store_at) + 3);
	expect_return(f, resume(f, &trap));
}

static void data_breakpoint_with_opt_in_traps(void **state)
{
	struct enclave_fixture *f = *state;
	const gva_t cell = ENCLAVE_GVA(DATA_PAGE) + 0x200;
	struct machine_trap trap;

	set_breakpoint(f, cell, 1);
	trap = ecall(f, fn_store, cell, 1);
	expect_aex(f, &trap, DB_VECTOR);
	expect_saved_rip(f, FUNCTION_GVA(fn_store_at) + 3);
}

/* INT3 is reported as a software exception at its own address. */
static void int3_with_opt_in_bp(void **state)
{
	struct enclave_fixture *f = *state;
	static const uint8_t int3[] = {0xcc, 0xc3};
	struct machine_trap trap = run_inside(f, int3, sizeof(int3));

	expect_aex(f, &trap, BP_VECTOR);
	expect_saved_rip(f, ENCLAVE_GVA(WRITTEN_PAGE));
	assert_int_equal(ssa_gprsgx_of(f, 0)->exitinfo,
			 SGX_EXITINFO_VALID |
				 SGX_EXITINFO_TYPE_SOFTWARE << SGX_EXITINFO_TYPE_SHIFT | BP_VECTOR);
}

const struct CMUnitTest enclave_debug_tests[] = {
	ENCLAVE_TEST(step_over_enclave_traps_after_exit),
	ENCLAVE_TEST_WITH(enclave_setup_debug, step_into_enclave_traps_at_each_instruction),
	ENCLAVE_TEST(code_breakpoint_is_hidden),
	ENCLAVE_TEST_WITH(enclave_setup_debug, code_breakpoint_with_opt_in_met_once),
	ENCLAVE_TEST(data_breakpoint_in_elrange_is_hidden),
	ENCLAVE_TEST(data_breakpoint_outside_elrange_traps),
	ENCLAVE_TEST_WITH(enclave_setup_debug, data_breakpoint_with_opt_in_traps),
	ENCLAVE_TEST_WITH(enclave_setup_debug, int3_with_opt_in_bp),
};
const size_t enclave_debug_test_count = ARRAY_SIZE(enclave_debug_tests);
