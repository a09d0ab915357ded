// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EEXIT". */
#include "enclave.h"
#include "tests.h"

#define TARGET UINT64_C(0x400123)

static void eexit_legal_restores_what_entry_replaced(void **state)
{
	struct fixture *f = *state;
	struct x86_state outside, want;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_enclave(f);
	outside = *f->state;
	expect_jump(eenter(f));
	scramble_registers(f, 2);
	f->state->gpr[X86_RSP] = 0x1357;
	f->state->gpr[X86_RBP] = 0x2468;
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_DF;
	f->state->seg[X86_SEG_FS].base = 0x9000; /* WRFSBASE */
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	want = *f->state;
	want.gpr[X86_RAX] = UINT64_C(0xabcdef0000000000) | EEXIT;
	want.gpr[X86_RBX] = TARGET;
	want.gpr[X86_RCX] = AEP_GVA;
	want.gpr[X86_RDX] = 0;
	want.rip = TARGET;
	want.xcr0 = outside.xcr0;
	want.seg[X86_SEG_FS] = outside.seg[X86_SEG_FS];
	want.seg[X86_SEG_GS] = outside.seg[X86_SEG_GS];
	expect_jump(eexit(f, TARGET));
	assert_state(f->state, &want);
	assert_memory_equal(f->cpus[0].xstate, xstate, sizeof(xstate));
	assert_false(sgx_in_enclave(f->cpu));
	assert_false(tcs_is_active(f));
	assert_false(is_tracked_active(f));
	assert_int_equal(the_tcs(f)->cssa, 0);
	assert_int_equal(f->cpus[0].mode_changes, 2);
}

static void eexit_target_not_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	expect_gp(eexit(f, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical(state, rip)");
	assert_true(sgx_in_enclave(f->cpu));
}

static void eexit_target_above_cs_limit_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	make_32bit(f);
	expect_jump(eenter(f));
	f->state->seg[X86_SEG_CS].limit = TARGET;
	expect_gp(eexit(f, TARGET + 1));
	expect_refused_by(f, "X86_SEG_CS].limit");
	expect_jump(eexit(f, BIT64(32) | TARGET));
	assert_int_equal(f->state->rip, TARGET);
}

/* The next fetch then meets the abort page; EEXIT itself does not mind. */
static void eexit_target_in_elrange_ok(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	expect_jump(eexit(f, CODE_GVA));
	assert_int_equal(f->state->rip, CODE_GVA);
}

static void eexit_opt_out_clears_trap_flag_of_enclave(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eexit(f, TARGET));
	assert_false(f->state->rflags & X86_EFLAGS_TF);
}

static void eexit_opt_in_keeps_trap_flag_of_enclave(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_tcs(f)->flags = SGX_TCS_DBGOPTIN;
	expect_jump(eenter(f));
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eexit(f, TARGET));
	assert_true(f->state->rflags & X86_EFLAGS_TF);
}

/* Never a conflict: the TCS may be in any leaf's hands. */
static void eexit_tcs_held_no_conflict(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	hold_page(f, TCS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_jump(eexit(f, TARGET));
}

const struct CMUnitTest eexit_tests[] = {
	sgx_test(eexit_legal_restores_what_entry_replaced),
	sgx_test(eexit_target_not_canonical_gp),
	sgx_test(eexit_target_above_cs_limit_gp),
	sgx_test(eexit_target_in_elrange_ok),
	sgx_test(eexit_opt_out_clears_trap_flag_of_enclave),
	sgx_test(eexit_opt_in_keeps_trap_flag_of_enclave),
	sgx_test(eexit_tcs_held_no_conflict),
};
const size_t eexit_test_count = ARRAY_SIZE(eexit_tests);
