// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EDECCSSA". */
#include "enclave.h"
#include "tests.h"

static struct leaf_result edeccssa(struct fixture *f)
{
	return enclu(f, EDECCSSA, 1, 2, 3);
}

/* Inside on frame 1, as a handler of an exception in frame 0 is. */
static void enter_handler(struct fixture *f)
{
	enter_and_interrupt(f);
	f->state->gpr[X86_RSP] = 0x5000;
	f->state->gpr[X86_RBP] = 0x6000;
	expect_jump(eenter(f));
	assert_int_equal(f->state->gpr[X86_RAX], 1);
}

static void edeccssa_legal_goes_back_one_frame(void **state)
{
	struct fixture *f = *state;
	struct x86_state want;
	struct sgx_gprsgx before;

	make_enclave(f);
	enter_handler(f);
	f->state->rflags |= X86_EFLAGS_CF;
	want = *f->state;
	want.gpr[X86_RAX] = UINT64_C(0xabcdef0000000000) | EDECCSSA;
	want.gpr[X86_RBX] = 1;
	want.gpr[X86_RCX] = 2;
	want.gpr[X86_RDX] = 3;
	want.rip += 3;
	before = *frame_gprsgx(f, 0);
	expect_ok(edeccssa(f));
	assert_state(f->state, &want);
	assert_int_equal(the_tcs(f)->cssa, 0);
	assert_true(tcs_is_active(f));
	assert_memory_equal(frame_gprsgx(f, 0), &before, sizeof(before));
}

/* The next AEX writes frame 0 and gives back RSP and RBP of frame 0's entry. */
static void edeccssa_next_aex_writes_that_frame(void **state)
{
	struct fixture *f = *state;
	uint64_t ursp = f->state->gpr[X86_RSP];

	make_enclave(f);
	enter_handler(f);
	memset(frame_gprsgx(f, 1)->gpr, 0xee, sizeof(frame_gprsgx(f, 1)->gpr));
	expect_ok(edeccssa(f));
	f->state->gpr[X86_RSI] = 0x77;
	interrupt(f);
	assert_int_equal(frame_gprsgx(f, 0)->gpr[X86_RSI], 0x77);
	assert_int_equal(frame_gprsgx(f, 1)->gpr[X86_RSI], UINT64_C(0xeeeeeeeeeeeeeeee));
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_int_equal(f->state->gpr[X86_RSP], ursp);
}

static void edeccssa_first_frame_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	unmap(f, SSA0_GVA);
	expect_gp(edeccssa(f));
	expect_refused_by(f, "tcs->cssa");
}

static void edeccssa_frame_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	enter_handler(f);
	pte_of(f, SSA0_GVA)->flags = 0;
	expect_pfo(edeccssa(f), SSA0_GVA, 6);
}

static void edeccssa_frame_blocked_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	enter_handler(f);
	epcm_of(f, SSA0_PAGE)->state |= EPCM_BLOCKED;
	expect_pfx(edeccssa(f), SSA0_GVA, ENCLU_WRITE);
	expect_refused_by(f, "epcm_allows");
	/* The frame in use stays the one that the entry has found. */
	interrupt(f);
	assert_int_equal(the_tcs(f)->cssa, 2);
}

static void edeccssa_outside_enclave_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_gp(edeccssa(f));
	expect_refused_by(f, "sgx_in_enclave");
}

const struct CMUnitTest edeccssa_tests[] = {
	sgx_test(edeccssa_legal_goes_back_one_frame),
	sgx_test(edeccssa_next_aex_writes_that_frame),
	sgx_test(edeccssa_first_frame_gp),
	sgx_test(edeccssa_frame_not_mapped_ordinary_pf),
	sgx_test(edeccssa_frame_blocked_sgx_pf),
	sgx_test(edeccssa_outside_enclave_gp),
};
const size_t edeccssa_test_count = ARRAY_SIZE(edeccssa_tests);
