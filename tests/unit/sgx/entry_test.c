// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EENTER" and "ERESUME", the checks that both make, each test once for each
 * of them. The frame concerned is frame 0 in both cases: EENTER finds CSSA = 0,
 * ERESUME finds CSSA = 1.
 */
#include "enclave.h"
#include "tests.h"

#define ENTRY_TEST(name)                                    \
	static void name(struct fixture *f, uint32_t leaf); \
	static void eenter_##name(void **state)             \
	{                                                   \
		name(*state, EENTER);                       \
	}                                                   \
	static void eresume_##name(void **state)            \
	{                                                   \
		name(*state, ERESUME);                      \
	}                                                   \
	static void name(struct fixture *f, uint32_t leaf)

#define entry_test(name) sgx_test(eenter_##name), sgx_test(eresume_##name)

static struct leaf_result run(struct fixture *f, uint32_t leaf)
{
	return enclu(f, leaf, TCS_GVA, AEP_GVA, 0);
}

/* An enclave that @leaf would enter. */
static void make_ready(struct fixture *f, uint32_t leaf)
{
	make_enclave(f);
	if (leaf == ERESUME)
		enter_and_interrupt(f);
}

static void make_ready_32bit(struct fixture *f, uint32_t leaf)
{
	make_enclave(f);
	make_32bit(f);
	if (leaf == ERESUME)
		enter_and_interrupt(f);
}

/* Sets @lvalue for one refused leaf. */
#define SPOILED_GP(rule, lvalue, value)             \
	do {                                        \
		__typeof__(lvalue) old_ = (lvalue); \
		(lvalue) = (value);                 \
		expect_gp(run(f, leaf));            \
		expect_refused_by(f, rule);         \
		(lvalue) = old_;                    \
	} while (0)

#define SPOILED_PFX(rule, gva, lvalue, value)               \
	do {                                                \
		__typeof__(lvalue) old_ = (lvalue);         \
		(lvalue) = (value);                         \
		expect_pfx(run(f, leaf), gva, ENCLU_WRITE); \
		expect_refused_by(f, rule);                 \
		(lvalue) = old_;                            \
	} while (0)

ENTRY_TEST(segments_not_flat_gp)
{
	struct x86_segment *seg = f->state->seg;

	make_ready_32bit(f, leaf);
	SPOILED_GP("!seg[X86_SEG_CS].base", seg[X86_SEG_CS].base, 0x1000);
	SPOILED_GP("!seg[X86_SEG_DS].base", seg[X86_SEG_DS].base, 0x1000);
	SPOILED_GP("!es->base", seg[X86_SEG_ES].base, 0x1000);
	SPOILED_GP("!ss->base", seg[X86_SEG_SS].base, 0x1000);
	SPOILED_GP("ss->db", seg[X86_SEG_SS].db, false);
	/* Before the first operand. */
	seg[X86_SEG_ES].base = 0x1000;
	expect_gp(enclu(f, leaf, ram_gva(0), AEP_GVA, 0));
	expect_refused_by(f, "!es->base");
	seg[X86_SEG_ES].unusable = true;
	expect_jump(run(f, leaf));
}

ENTRY_TEST(segment_bases_in_64bit_mode_ok)
{
	make_ready(f, leaf);
	f->state->seg[X86_SEG_ES].base = 0x1000;
	f->state->seg[X86_SEG_SS].db = false;
	f->state->seg[X86_SEG_DS].unusable = true;
	expect_jump(run(f, leaf));
}

ENTRY_TEST(tcs_misaligned_or_not_canonical_gp)
{
	make_ready(f, leaf);
	expect_gp(enclu(f, leaf, TCS_GVA + 2048, AEP_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(enclu(f, leaf, NON_CANONICAL, AEP_GVA, 0));
	expect_refused_by(f, "x86_is_canonical(cpu->state, ea)");
}

/* The first entry after mmap(): user write, not present, RAX still the leaf. */
ENTRY_TEST(tcs_not_mapped_ordinary_pf)
{
	make_ready(f, leaf);
	pte_of(f, TCS_GVA)->flags = 0;
	expect_pfo(run(f, leaf), TCS_GVA, 6);
	pte_of(f, TCS_GVA)->flags = PTE_EPC | PTE_P | PTE_U;
	expect_pfo(run(f, leaf), TCS_GVA, 7);
	/* The operand comes before AEP. */
	expect_pfo(enclu(f, leaf, TCS_GVA, NON_CANONICAL, 0), TCS_GVA, 7);
}

ENTRY_TEST(tcs_not_epc_sgx_pf)
{
	make_ready(f, leaf);
	expect_pfx(enclu(f, leaf, ram_gva(3), AEP_GVA, 0), ram_gva(3), ENCLU_WRITE);
	expect_pfx(enclu(f, leaf, ram_gva(3), NON_CANONICAL, 0), ram_gva(3), ENCLU_WRITE);
	expect_refused_by(f, "*e");
}

ENTRY_TEST(aep_not_canonical_gp)
{
	make_ready(f, leaf);
	expect_gp(enclu(f, leaf, TCS_GVA, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical(state, rcx)");
	/* Before anything in the EPCM entry. */
	expect_gp(enclu(f, leaf, epc_gva(FREE_PAGE), NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical(state, rcx)");
}

ENTRY_TEST(tcs_held_exclusively_gp)
{
	make_ready(f, leaf);
	hold_page(f, TCS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(run(f, leaf));
	expect_refused_by(f, "epcm_lock");
	let_go(f, TCS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, FREE_PAGE, EPCM_LOCK_EXCL);
	expect_gp(enclu(f, leaf, epc_gva(FREE_PAGE), AEP_GVA, 0));
	expect_refused_by(f, "epcm_lock");
}

/* EBLOCK, EMODT and other entries use the TCS at the same time; ETRACK and EWB its SECS. */
ENTRY_TEST(tcs_shared_no_conflict)
{
	make_ready(f, leaf);
	hold_page(f, TCS_PAGE, EPCM_LOCK_SGX2 | 2);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL | EPCM_LOCK_TRACK);
	hold_page(f, SSA0_PAGE, EPCM_LOCK_SGX2 | 1);
	expect_jump(run(f, leaf));
	let_go(f, SSA0_PAGE, EPCM_LOCK_SGX2 | 1);
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL | EPCM_LOCK_TRACK);
	let_go(f, TCS_PAGE, EPCM_LOCK_SGX2 | 2);
}

ENTRY_TEST(tcs_page_not_usable_sgx_pf)
{
	struct epcm_entry *e = epcm_of(f, TCS_PAGE);
	uint64_t state;

	make_ready(f, leaf);
	state = e->state;
	/* What the TCS says comes after what the EPCM says. */
	the_tcs(f)->ossa |= 8;
	SPOILED_PFX("epcm_is_valid", TCS_GVA, e->state, state & ~EPCM_VALID);
	SPOILED_PFX("epcm_has_parent", TCS_GVA, e->state, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS));
	SPOILED_PFX("epcm_has_parent", TCS_GVA, e->state, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA));
	SPOILED_PFX("EPCM_BLOCKED", TCS_GVA, e->state, state | EPCM_BLOCKED);
	SPOILED_PFX("EPCM_PENDING", TCS_GVA, e->state, state | EPCM_PENDING);
	SPOILED_PFX("EPCM_MODIFIED", TCS_GVA, e->state, state | EPCM_MODIFIED);
	SPOILED_PFX("epcm_linaddr(e) == gva", TCS_GVA, e->linaddr, TCS_GVA + 0x1000);
	SPOILED_PFX("SGX_PAGE_TYPE_TCS", TCS_GVA, e->state,
		    (state & ~EPCM_PT_MASK) | EPCM_PT(SGX_PAGE_TYPE_REG));
	SPOILED_PFX("SGX_PAGE_TYPE_TCS", TCS_GVA, e->state,
		    (state & ~EPCM_PT_MASK) | EPCM_PT(SGX_PAGE_TYPE_TRIM));
}

ENTRY_TEST(enclave_full_gp)
{
	make_ready(f, leaf);
	SPOILED_GP("track_enter", epcm_of(f, SECS_PAGE)->track,
		   1 | (uint64_t)TRACK_MAX_INSIDE << 32);
}

ENTRY_TEST(offsets_misaligned_gp)
{
	make_ready(f, leaf);
	/* Before the frame that OSSA names. */
	unmap(f, SSA0_GVA);
	SPOILED_GP("ossa", the_tcs(f)->ossa, 0x1800);
	SPOILED_GP("ofs_base", the_tcs(f)->ofs_base, 0x4008);
	SPOILED_GP("ogs_base", the_tcs(f)->ogs_base, 0x3008);
}

ENTRY_TEST(fs_gs_outside_ds_gp)
{
	struct x86_segment *ds = &f->state->seg[X86_SEG_DS];

	make_ready_32bit(f, leaf);
	ds->limit = ENCLAVE_BASE + ENCLAVE_SIZE - 1;
	SPOILED_GP("op->fs_base", the_tcs(f)->fs_limit, ENCLAVE_SIZE);
	SPOILED_GP("op->gs_base", the_tcs(f)->gs_limit, ENCLAVE_SIZE);
	/* A range that wraps around. */
	SPOILED_GP("op->fs_base", the_tcs(f)->fs_limit, UINT32_MAX);
	ds->limit = UINT32_MAX;
	the_tcs(f)->fs_limit = UINT32_MAX;
	the_tcs(f)->gs_limit = UINT32_MAX;
	expect_jump(run(f, leaf));
	assert_int_equal(f->state->seg[X86_SEG_FS].limit, UINT32_MAX);
}

ENTRY_TEST(fs_gs_end_at_ds_limit_ok)
{
	make_ready_32bit(f, leaf);
	the_tcs(f)->fs_limit = ENCLAVE_SIZE - 0x4000 - 1;
	the_tcs(f)->gs_limit = ENCLAVE_SIZE - 0x3000 - 1;
	f->state->seg[X86_SEG_DS].limit = ENCLAVE_BASE + ENCLAVE_SIZE - 1;
	expect_jump(run(f, leaf));
}

ENTRY_TEST(tcs_flags_unknown_gp)
{
	make_ready(f, leaf);
	SPOILED_GP("tcs_known_flags", the_tcs(f)->flags, 4);
	SPOILED_GP("tcs_known_flags", the_tcs(f)->flags, BIT64(63));
	f->cpuid->attributes &= ~SGX_ATTR_AEXNOTIFY;
	SPOILED_GP("tcs_known_flags", the_tcs(f)->flags, SGX_TCS_AEXNOTIFY);
}

ENTRY_TEST(enclave_not_initialised_gp)
{
	make_ready(f, leaf);
	unmap(f, SSA0_GVA); /* the frame comes later */
	SPOILED_GP("SGX_ATTR_INIT", the_secs(f)->attributes,
		   the_secs(f)->attributes & ~SGX_ATTR_INIT);
}

ENTRY_TEST(mode_of_processor_differs_gp)
{
	make_ready(f, leaf);
	unmap(f, SSA0_GVA);
	SPOILED_GP("== mode64", the_secs(f)->attributes,
		   the_secs(f)->attributes & ~SGX_ATTR_MODE64BIT);
}

ENTRY_TEST(enclave64_in_32bit_mode_gp)
{
	make_ready(f, leaf);
	make_32bit(f);
	SPOILED_GP("== mode64", the_secs(f)->attributes,
		   the_secs(f)->attributes | SGX_ATTR_MODE64BIT);
}

ENTRY_TEST(extended_state_not_enabled_gp)
{
	struct x86_state *state = f->state;

	make_ready(f, leaf);
	unmap(f, SSA0_GVA);
	SPOILED_GP("X86_CR4_OSFXSR", state->cr4, state->cr4 & ~(uint64_t)X86_CR4_OSFXSR);
	the_secs(f)->xfrm |= XFEATURE_MASK_YMM;
	SPOILED_GP("xfrm & state->xcr0", state->xcr0, 3);
	SPOILED_GP("xfrm == base", state->cr4, state->cr4 & ~(uint64_t)X86_CR4_OSXSAVE);
}

ENTRY_TEST(without_osxsave_keeps_xcr0)
{
	make_ready(f, leaf);
	f->state->cr4 &= ~(uint64_t)X86_CR4_OSXSAVE;
	f->state->xcr0 = 1;
	expect_jump(run(f, leaf));
	assert_int_equal(f->state->xcr0, 1);
	interrupt(f);
	assert_int_equal(f->state->xcr0, 1);
}

ENTRY_TEST(aexnotify_of_tcs_and_secs_differ_gp)
{
	make_ready(f, leaf);
	unmap(f, SSA0_GVA);
	SPOILED_GP("notify ==", the_tcs(f)->flags, SGX_TCS_AEXNOTIFY);
	SPOILED_GP("notify ==", the_secs(f)->attributes,
		   the_secs(f)->attributes | SGX_ATTR_AEXNOTIFY);
}

ENTRY_TEST(aexnotify_differs_in_debugged_thread_ok)
{
	make_ready(f, leaf);
	the_tcs(f)->flags = SGX_TCS_AEXNOTIFY | SGX_TCS_DBGOPTIN;
	expect_jump(run(f, leaf));
	assert_true(f->cpu->enclave.debug_optin);
}

/* The XSAVE part of the frame and GPRSGX are in one page. */
ENTRY_TEST(frame_not_mapped_ordinary_pf)
{
	make_ready(f, leaf);
	the_tcs(f)->oentry = NON_CANONICAL;
	frame_gprsgx(f, 0)->rip = NON_CANONICAL;
	pte_of(f, SSA0_GVA)->flags = 0;
	expect_pfo(run(f, leaf), SSA0_GVA, 6);
	pte_of(f, SSA0_GVA)->flags = PTE_P | PTE_U | PTE_EPC;
	expect_pfo(run(f, leaf), SSA0_GVA, 7);
	assert_false(is_tracked_active(f));
}

static void frame_page_spoiled(struct fixture *f, uint32_t leaf, unsigned int page, gva_t gva)
{
	struct epcm_entry *e = epcm_of(f, page);
	const uint64_t state = e->state;
	struct pte pte = *pte_of(f, gva);

	map_ram(f, gva, 7);
	expect_pfx(run(f, leaf), gva, ENCLU_WRITE);
	*pte_of(f, gva) = pte;
	SPOILED_PFX("epcm_allows", gva, e->state, state & ~EPCM_VALID);
	SPOILED_PFX("epcm_allows", gva, e->state, state | EPCM_BLOCKED);
	SPOILED_PFX("epcm_allows", gva, e->state, state | EPCM_PENDING);
	SPOILED_PFX("epcm_allows", gva, e->state, state | EPCM_MODIFIED);
	SPOILED_PFX("epcm_allows", gva, e->state, state & ~EPCM_R);
	SPOILED_PFX("epcm_allows", gva, e->state, state & ~EPCM_W);
	SPOILED_PFX("epcm_allows", gva, e->state,
		    (state & ~EPCM_PT_MASK) | EPCM_PT(SGX_PAGE_TYPE_TRIM));
	SPOILED_PFX("epcm_allows", gva, e->linaddr, gva + 0x1000);
	SPOILED_PFX("epcm_allows", gva, e->secs, epcm_of(f, FREE_PAGE));
	SPOILED_GP("activate", the_tcs(f)->state, SGX_TCS_ACTIVE);
}

ENTRY_TEST(frame_page_not_usable_sgx_pf)
{
	make_ready(f, leaf);
	frame_page_spoiled(f, leaf, SSA0_PAGE, SSA0_GVA);
}

ENTRY_TEST(gprsgx_page_not_usable_pf)
{
	make_enclave(f);
	make_two_page_frames(f);
	if (leaf == ERESUME)
		enter_and_interrupt(f);
	pte_of(f, SSA1_GVA)->flags &= ~PTE_P;
	expect_pfo(run(f, leaf), SSA1_GVA, 6);
	pte_of(f, SSA1_GVA)->flags |= PTE_P;
	frame_page_spoiled(f, leaf, SSA0_PAGE, SSA0_GVA);
	frame_page_spoiled(f, leaf, SSA1_PAGE, SSA1_GVA);
	/* The XSAVE page is the first of both. */
	epcm_of(f, SSA0_PAGE)->state |= EPCM_BLOCKED;
	epcm_of(f, SSA1_PAGE)->state |= EPCM_BLOCKED;
	expect_pfx(run(f, leaf), SSA0_GVA, ENCLU_WRITE);
}

ENTRY_TEST(frame_outside_ds_gp)
{
	struct x86_segment *ds = &f->state->seg[X86_SEG_DS];

	make_enclave(f);
	make_32bit(f);
	if (leaf == ERESUME)
		enter_and_interrupt(f);
	the_tcs(f)->fs_limit = 0;
	the_tcs(f)->gs_limit = 0;
	the_tcs(f)->ofs_base = 0;
	the_tcs(f)->ogs_base = 0;
	/* Just enough for the XSAVE area, or for GPRSGX too. */
	SPOILED_GP("ds_allows", ds->limit, SSA0_GVA + 574);
	SPOILED_GP("ds_allows", ds->limit, SSA0_GVA + 575);
	SPOILED_GP("ds_allows", ds->limit, SSA0_GVA + 4094);
	ds->limit = SSA0_GVA + 4095;
	f->state->seg[X86_SEG_CS].limit = UINT32_MAX;
	expect_jump(run(f, leaf));
}

/* AEX writes by physical address, so the entry sets A and D for it. */
ENTRY_TEST(walks_set_accessed_and_dirty)
{
	make_ready(f, leaf);
	*pte_of(f, SSA0_GVA) = (struct pte){.flags = PTE_ALL | PTE_EPC, .page = SSA0_PAGE};
	*pte_of(f, TCS_GVA) = (struct pte){.flags = PTE_ALL | PTE_EPC, .page = TCS_PAGE};
	expect_jump(run(f, leaf));
	assert_int_equal(pte_of(f, SSA0_GVA)->flags & (PTE_A | PTE_D), PTE_A | PTE_D);
	assert_int_equal(pte_of(f, TCS_GVA)->flags & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void set_target(struct fixture *f, uint32_t leaf, uint64_t target)
{
	if (leaf == EENTER)
		the_tcs(f)->oentry = target - ENCLAVE_BASE;
	else
		frame_gprsgx(f, 0)->rip = target;
}

ENTRY_TEST(target_not_canonical_gp)
{
	make_ready(f, leaf);
	set_target(f, leaf, NON_CANONICAL);
	the_tcs(f)->state = SGX_TCS_ACTIVE; /* comes later */
	expect_gp(run(f, leaf));
	expect_refused_by(f, "x86_is_canonical(state, rip)");
}

ENTRY_TEST(target_above_cs_limit_gp)
{
	struct x86_segment *cs = &f->state->seg[X86_SEG_CS];

	make_ready_32bit(f, leaf);
	cs->limit = CODE_GVA + 0xfff;
	set_target(f, leaf, CODE_GVA + 0x1000);
	expect_gp(run(f, leaf));
	expect_refused_by(f, "X86_SEG_CS].limit");
	set_target(f, leaf, CODE_GVA + BIT64(32));
	expect_gp(run(f, leaf));
	set_target(f, leaf, CODE_GVA + 0xfff);
	expect_jump(run(f, leaf));
	assert_int_equal(f->state->rip, CODE_GVA + 0xfff);
}

ENTRY_TEST(tcs_active_gp)
{
	make_ready(f, leaf);
	the_tcs(f)->state = SGX_TCS_ACTIVE;
	expect_gp(run(f, leaf));
	expect_refused_by(f, "activate");
}

/*
 * Between the look at CSSA and the end of the leaf, another processor enters by the
 * same TCS and is interrupted. Its frame may not be taken for a free one, nor its
 * older contents be resumed a second time.
 */
static void intrude_once(struct fixture *f, gva_t gva)
{
	bool fresh = !the_tcs(f)->cssa;

	if (gva != SSA0_GVA)
		return;
	f->on_walk = NULL;
	use_cpu(f, 1);
	expect_jump(fresh ? eenter(f) : eresume(f));
	interrupt(f);
	assert_int_equal(the_tcs(f)->cssa, 1);
	use_cpu(f, 0);
	f->expect_change = true;
}

ENTRY_TEST(tcs_used_meanwhile_gp)
{
	make_ready(f, leaf);
	f->on_walk = intrude_once;
	expect_gp(run(f, leaf));
	expect_refused_by(f, "activate");
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_false(tcs_is_active(f));
	assert_false(is_tracked_active(f));
	assert_false(sgx_in_enclave(f->cpu));
	expect_jump(eresume(f));
}

/* The one that is inside at the look at CSSA has left at the end. */
static void other_is_interrupted(struct fixture *f, gva_t gva)
{
	if (gva != SSA0_GVA)
		return;
	f->on_walk = NULL;
	use_cpu(f, 1);
	interrupt(f);
	use_cpu(f, 0);
	f->expect_change = true;
}

static void eenter_tcs_left_meanwhile_gp(void **state)
{
	struct fixture *f = *state;

	make_enclave(f);
	use_cpu(f, 1);
	expect_jump(eenter(f));
	use_cpu(f, 0);
	f->on_walk = other_is_interrupted;
	expect_gp(eenter(f));
	expect_refused_by(f, "activate");
	assert_int_equal(the_tcs(f)->cssa, 1);
	assert_false(tcs_is_active(f));
	assert_false(is_tracked_active(f));
}

/* EREMOVE tries to take the pages of an entry that is under way. */
static void remove_frame(struct fixture *f, gva_t gva)
{
	if (gva != SSA0_GVA)
		return;
	f->on_walk = NULL;
	use_cpu(f, 1);
	expect_code(encls(f, EREMOVE, 0, epc_gva(SSA0_PAGE), 0), SGX_ENCLAVE_ACT);
	expect_code(encls(f, EREMOVE, 0, epc_gva(TCS_PAGE), 0), SGX_ENCLAVE_ACT);
	use_cpu(f, 0);
}

ENTRY_TEST(processor_counted_before_frame_is_looked_at)
{
	make_ready(f, leaf);
	f->on_walk = remove_frame;
	expect_jump(run(f, leaf));
}

ENTRY_TEST(legal_32bit_ok)
{
	make_ready_32bit(f, leaf);
	expect_jump(run(f, leaf));
	assert_true(tcs_is_active(f));
	assert_true(sgx_in_enclave(f->cpu));
}

const struct CMUnitTest entry_tests[] = {
	entry_test(segments_not_flat_gp),
	entry_test(segment_bases_in_64bit_mode_ok),
	entry_test(tcs_misaligned_or_not_canonical_gp),
	entry_test(tcs_not_mapped_ordinary_pf),
	entry_test(tcs_not_epc_sgx_pf),
	entry_test(aep_not_canonical_gp),
	entry_test(tcs_held_exclusively_gp),
	entry_test(tcs_shared_no_conflict),
	entry_test(tcs_page_not_usable_sgx_pf),
	entry_test(enclave_full_gp),
	entry_test(offsets_misaligned_gp),
	entry_test(fs_gs_outside_ds_gp),
	entry_test(fs_gs_end_at_ds_limit_ok),
	entry_test(tcs_flags_unknown_gp),
	entry_test(enclave_not_initialised_gp),
	entry_test(mode_of_processor_differs_gp),
	entry_test(enclave64_in_32bit_mode_gp),
	entry_test(extended_state_not_enabled_gp),
	entry_test(without_osxsave_keeps_xcr0),
	entry_test(aexnotify_of_tcs_and_secs_differ_gp),
	entry_test(aexnotify_differs_in_debugged_thread_ok),
	entry_test(frame_not_mapped_ordinary_pf),
	entry_test(frame_page_not_usable_sgx_pf),
	entry_test(gprsgx_page_not_usable_pf),
	entry_test(frame_outside_ds_gp),
	entry_test(walks_set_accessed_and_dirty),
	entry_test(target_not_canonical_gp),
	entry_test(target_above_cs_limit_gp),
	entry_test(tcs_active_gp),
	entry_test(tcs_used_meanwhile_gp),
	sgx_test(eenter_tcs_left_meanwhile_gp),
	entry_test(processor_counted_before_frame_is_looked_at),
	entry_test(legal_32bit_ok),
};
const size_t entry_test_count = ARRAY_SIZE(entry_tests);
