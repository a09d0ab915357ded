// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EENTER": what it does, and the checks that ERESUME has not (entry_test.c has the rest). */
#include "enclave.h"
#include "tests.h"

/* Every register: the table of EENTER's effects. */
static void eenter_legal_sets_registers(void **state)
{
	struct fixture *f = *state;
	struct x86_state want;
	uint8_t xstate[EMBEDDER_XSTATE_SIZE];

	make_enclave(f);
	scramble_registers(f, 1);
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_DF | X86_EFLAGS_ID;
	want = *f->state;
	memcpy(xstate, f->cpus[0].xstate, sizeof(xstate));
	want.cpl = 3;
	want.gpr[X86_RAX] = 0;
	want.gpr[X86_RBX] = TCS_GVA;
	want.gpr[X86_RCX] = want.rip + 3;
	want.gpr[X86_RDX] = 0x3333;
	want.rip = ENCLAVE_BASE + 0x3010;
	want.xcr0 = 3;
	want.seg[X86_SEG_FS] = enclave_segment(f->state, ENCLAVE_BASE + 0x4000, 0x1fff);
	want.seg[X86_SEG_GS] = enclave_segment(f->state, ENCLAVE_BASE + 0x3000, 0x2fff);
	expect_jump(eenter(f));
	assert_state(f->state, &want);
	assert_memory_equal(f->cpus[0].xstate, xstate, sizeof(xstate));
	assert_int_equal(f->cpus[0].mode_changes, 1);
}

static void eenter_legal_sets_tcs_and_frame(void **state)
{
	struct fixture *f = *state;
	struct sgx_gprsgx want = {0};

	make_enclave(f);
	want.ursp = f->state->gpr[X86_RSP];
	want.urbp = f->state->gpr[X86_RBP];
	expect_jump(eenter(f));
	assert_true(tcs_is_active(f));
	assert_int_equal(the_tcs(f)->aep, AEP_GVA);
	assert_int_equal(the_tcs(f)->cssa, 0);
	assert_memory_equal(frame_gprsgx(f, 0), &want, sizeof(want));
	assert_true(is_zero(epc_ptr(f, SSA0_PAGE), SGX_PAGE_SIZE - sizeof(want)));
	assert_true(is_tracked_active(f));
	assert_true(sgx_in_elrange(f->cpu, ENCLAVE_BASE + ENCLAVE_SIZE - 1));
	assert_false(sgx_in_elrange(f->cpu, ENCLAVE_BASE + ENCLAVE_SIZE));
	assert_int_equal(f->cpu->enclave.entry_epoch, track_epoch(epcm_of(f, SECS_PAGE)));
}

/* W, DPL, AVL and L of FS and GS are those of DS. */
static void eenter_segment_rights_follow_ds(void **state)
{
	struct fixture *f = *state;
	struct x86_segment *ds = &f->state->seg[X86_SEG_DS];
	struct x86_segment want;

	make_enclave(f);
	ds->type = 5;
	ds->avl = true;
	ds->l = true;
	ds->dpl = 2;
	want = enclave_segment(f->state, ENCLAVE_BASE + 0x4000, 0x1fff);
	assert_int_equal(want.type, 1);
	expect_jump(eenter(f));
	assert_segment(&f->state->seg[X86_SEG_FS], &want);
}

static void eenter_32bit_sets_registers(void **state)
{
	struct fixture *f = *state;
	struct x86_segment want;

	make_enclave(f);
	make_32bit(f);
	want = enclave_segment(f->state, ENCLAVE_BASE + 0x4000, 0x1fff);
	f->state->rip = UINT32_MAX - 2;
	expect_jump(enclu(f, EENTER, BIT64(40) | TCS_GVA, BIT64(40) | AEP_GVA, 0));
	assert_int_equal(f->state->gpr[X86_RCX], 0);
	assert_int_equal(f->state->rip, ENCLAVE_BASE + 0x3010);
	assert_int_equal(the_tcs(f)->aep, AEP_GVA);
	assert_segment(&f->state->seg[X86_SEG_FS], &want);
}

static void eenter_no_free_frame_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	unmap(f, SSA0_GVA); /* the frame comes later */
	the_tcs(f)->cssa = 2;
	expect_gp(eenter(f));
	expect_refused_by(f, "tcs->nssa");
	the_tcs(f)->cssa = UINT32_MAX;
	expect_gp(eenter(f));
	expect_refused_by(f, "tcs->nssa");
}

static void eenter_fs_gs_not_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_secs(f)->attributes &= ~SGX_ATTR_INIT; /* comes later */
	the_tcs(f)->ofs_base = NON_CANONICAL;
	expect_gp(eenter(f));
	expect_refused_by(f, "op->fs_base");
	the_tcs(f)->ofs_base = 0;
	the_tcs(f)->ogs_base = NON_CANONICAL;
	expect_gp(eenter(f));
	expect_refused_by(f, "op->gs_base");
}

static void eenter_frame_not_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_tcs(f)->ossa = UINT64_C(1) << 62;
	expect_gp(eenter(f));
	expect_refused_by(f, "x86_is_canonical(cpu->state, ea)");
}

/* SDM "Single Stepping Opt-out Enclave Entry". */
static void eenter_opt_out_hides_trap_flag(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eenter(f));
	assert_false(f->state->rflags & X86_EFLAGS_TF);
	assert_false(f->cpu->enclave.debug_optin);
	expect_jump(eexit(f, 0x400100));
	assert_true(f->state->rflags & X86_EFLAGS_TF);
}

/* The flag that is left in RFLAGS is what asks the embedder for the pending #DB. */
static void eenter_opt_in_keeps_trap_flag(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	the_tcs(f)->flags = SGX_TCS_DBGOPTIN;
	f->state->rflags |= X86_EFLAGS_TF;
	expect_jump(eenter(f));
	assert_true(f->state->rflags & X86_EFLAGS_TF);
	assert_true(f->cpu->enclave.debug_optin);
	/* What the debugged code makes of it is no business of the exit. */
	f->state->rflags &= ~(uint64_t)X86_EFLAGS_TF;
	expect_jump(eexit(f, 0x400100));
	assert_false(f->state->rflags & X86_EFLAGS_TF);
}

static void eenter_twice_by_one_tcs_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	expect_gp(eenter(f)); /* the same processor: not outside */
	expect_refused_by(f, "sgx_in_enclave");
	use_cpu(f, 1);
	expect_gp(eenter(f));
	expect_refused_by(f, "activate");
	assert_true(tcs_is_active(f));
	use_cpu(f, 0);
	expect_jump(eexit(f, 0x400100));
	use_cpu(f, 1);
	expect_jump(eenter(f));
}

static void eenter_two_processors_by_two_tcs(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs = epcm_of(f, SECS_PAGE);

	make_enclave(f);
	add_second_tcs(f);
	expect_jump(eenter(f));
	use_cpu(f, 1);
	expect_jump(enclu(f, EENTER, TCS2_GVA, AEP_GVA + 8, 0));
	assert_int_equal(f->state->gpr[X86_RAX], 0);
	assert_int_equal(secs->track, UINT64_C(2) << 32 | 1);
	interrupt(f);
	assert_int_equal(f->state->gpr[X86_RBX], TCS2_GVA);
	assert_int_equal(f->state->rip, AEP_GVA + 8);
	assert_true(tcs_is_active(f));
	assert_int_equal(secs->track, UINT64_C(1) << 32 | 1);
	use_cpu(f, 0);
	expect_jump(eexit(f, 0x400100));
	assert_int_equal(secs->track, 1);
}

/* SDM "EPC and Management of EPC Pages": a processor belongs to the epoch in which it entered. */
static void eenter_epoch_is_that_of_entry(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *secs = epcm_of(f, SECS_PAGE);

	make_enclave(f);
	add_second_tcs(f);
	expect_jump(eenter(f));
	assert_true(track_new_epoch(secs));
	assert_false(track_is_complete(secs, 1));
	use_cpu(f, 1);
	expect_jump(enclu(f, EENTER, TCS2_GVA, AEP_GVA, 0));
	assert_int_equal(f->cpu->enclave.entry_epoch, 2);
	assert_false(track_new_epoch(secs));
	/* An AEX ends it, even if the thread is back at once. */
	use_cpu(f, 0);
	interrupt(f);
	assert_true(track_is_complete(secs, 1));
	expect_jump(eresume(f));
	assert_true(track_is_complete(secs, 1));
	assert_int_equal(f->cpu->enclave.entry_epoch, 2);
}

static void eenter_pages_in_use_cannot_be_removed(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	expect_jump(eenter(f));
	use_cpu(f, 1);
	expect_code(encls(f, EREMOVE, 0, epc_gva(TCS_PAGE), 0), SGX_ENCLAVE_ACT);
	expect_code(encls(f, EREMOVE, 0, epc_gva(SSA0_PAGE), 0), SGX_ENCLAVE_ACT);
	expect_code(encls(f, EREMOVE, 0, epc_gva(CODE_PAGE), 0), SGX_ENCLAVE_ACT);
	use_cpu(f, 0);
	interrupt(f);
	expect_code(encls(f, EREMOVE, 0, epc_gva(TCS_PAGE), 0), SGX_SUCCESS);
}

/* A frame may lie in a page with translated code: the embedder is told of the change. */
static void eenter_watched_frame_is_announced(void **state)
{
	struct fixture *f = *state;
	hpa_t hpa = EPC_HPA + PAGES(SSA0_PAGE);

	make_enclave(f);
	f->embedder->notices = 0;
	sgx_watch_page(f->platform, hpa);
	expect_jump(eenter(f));
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, hpa);
	sgx_watch_page(f->platform, hpa);
	interrupt(f);
	assert_int_equal(f->embedder->notices, 2);
}

/* An XSAVE area of several pages: each is walked, in order. */
static void eenter_amx_frame_takes_three_pages(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	enable_amx(f);
	pte_of(f, CODE_GVA)->flags = 0;
	expect_pfo(eenter(f), CODE_GVA, 6);
	pte_of(f, SSA1_GVA)->flags = 0;
	expect_pfo(eenter(f), SSA1_GVA, 6);
	map_epc(f, SSA1_GVA, SSA1_PAGE, PTE_ALL);
	map_epc(f, CODE_GVA, CODE_PAGE, PTE_ALL);
	expect_jump(eenter(f));
	assert_int_equal(f->cpu->enclave.ssa.xsave_pages, 3);
	assert_ptr_equal(f->cpu->enclave.ssa.gpr, epcm_of(f, CODE_PAGE));
}

const struct CMUnitTest eenter_tests[] = {
	sgx_test(eenter_legal_sets_registers),
	sgx_test(eenter_legal_sets_tcs_and_frame),
	sgx_test(eenter_segment_rights_follow_ds),
	sgx_test(eenter_32bit_sets_registers),
	sgx_test(eenter_no_free_frame_gp),
	sgx_test(eenter_fs_gs_not_canonical_gp),
	sgx_test(eenter_frame_not_canonical_gp),
	sgx_test(eenter_opt_out_hides_trap_flag),
	sgx_test(eenter_opt_in_keeps_trap_flag),
	sgx_test(eenter_twice_by_one_tcs_gp),
	sgx_test(eenter_two_processors_by_two_tcs),
	sgx_test(eenter_epoch_is_that_of_entry),
	sgx_test(eenter_pages_in_use_cannot_be_removed),
	sgx_test(eenter_watched_frame_is_announced),
	sgx_test(eenter_amx_frame_takes_three_pages),
};
const size_t eenter_test_count = ARRAY_SIZE(eenter_tests);
