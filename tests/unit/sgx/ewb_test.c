// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EWB", one test for each line of its checks, which spoils one thing of an
 * eviction that would succeed; then what it writes.
 */
#include "tests.h"

#include "lib/crypto.h"
#include "paging_steps.h"

static struct leaf_result run(struct fixture *f)
{
	return ewb(f, CHILD_PAGE, SLOT);
}

static struct leaf_result run_at(struct fixture *f, gva_t pageinfo, gva_t target, gva_t slot)
{
	return encls(f, EWB, pageinfo, target, slot);
}

static void ewb_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;
	const gva_t target = epc_gva(CHILD_PAGE), slot = slot_gva(VA_PAGE, SLOT);

	make_evictable_child(f);
	expect_gp(run_at(f, PAGEINFO_GVA + 16, target, slot));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(run_at(f, PAGEINFO_GVA, target + 2048, slot));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(run_at(f, PAGEINFO_GVA, target, slot + 4));
	expect_refused_by(f, "is_aligned(rdx");
}

static void ewb_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;
	const gva_t target = epc_gva(CHILD_PAGE), slot = slot_gva(VA_PAGE, SLOT);

	make_evictable_child(f);
	expect_gp(run_at(f, NON_CANONICAL, target, slot));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(run_at(f, PAGEINFO_GVA, NON_CANONICAL, slot));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(run_at(f, PAGEINFO_GVA, target, NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

static void ewb_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, epc_gva(CHILD_PAGE));
	expect_pfo(run(f), epc_gva(CHILD_PAGE), PFERR_WRITE_MASK);
}

static void ewb_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	expect_pfx(run_at(f, PAGEINFO_GVA, ram_gva(5), slot_gva(VA_PAGE, SLOT)), ram_gva(5),
		   ENCLS_WRITE);
}

/* RCX is looked up before RDX is looked at. */
static void ewb_target_not_epc_and_slot_misaligned_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	expect_pfx(run_at(f, PAGEINFO_GVA, ram_gva(5), 4), ram_gva(5), ENCLS_WRITE);
}

static void ewb_slot_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, epc_gva(VA_PAGE));
	expect_pfo(run(f), slot_gva(VA_PAGE, SLOT), PFERR_WRITE_MASK);
}

static void ewb_slot_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	expect_pfx(run_at(f, PAGEINFO_GVA, epc_gva(CHILD_PAGE), ram_gva(5) + 8), ram_gva(5) + 8,
		   ENCLS_WRITE);
}

/* The same page, by the same linear address or by another one. */
static void ewb_slot_in_target_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	make_va(f, 41);
	expect_gp(run_at(f, PAGEINFO_GVA, epc_gva(41), slot_gva(41, SLOT)));
	expect_refused_by(f, "op.in.target != op.in.va");
	map_epc(f, ram_gva(63), 41, PTE_ALL);
	expect_gp(run_at(f, PAGEINFO_GVA, epc_gva(41), ram_gva(63)));
	expect_refused_by(f, "op.in.target != op.in.va");
	expect_gp(run_at(f, NON_CANONICAL, epc_gva(41), slot_gva(41, SLOT)));
	expect_refused_by(f, "op.in.target != op.in.va");
}

static void ewb_pageinfo_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, ram_gva(0));
	expect_pfo(run(f), PAGEINFO_GVA, 0);
}

static void ewb_linaddr_or_secs_given_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	pageinfo(f)->linaddr = CHILD_GVA;
	expect_gp(run(f));
	expect_refused_by(f, "pageinfo->linaddr");
	set_eviction(f);
	pageinfo(f)->secs = epc_gva(SECS_PAGE);
	expect_gp(run(f));
	expect_refused_by(f, "pageinfo->secs");
}

/* Also while the page is in use, which ranks behind. */
static void ewb_output_pointers_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	hold_page(f, CHILD_PAGE, 1);
	pageinfo(f)->secinfo += 64;
	expect_gp(run(f));
	expect_refused_by(f, "pageinfo->secinfo");
	set_eviction(f);
	pageinfo(f)->srcpge += 128;
	expect_gp(run(f));
	expect_refused_by(f, "pageinfo->srcpge");
}

static void ewb_target_in_use_gp(void **state)
{
	struct fixture *f = *state;
	static const uint32_t holders[] = {1, EPCM_LOCK_EXCL, EPCM_LOCK_SGX2 + 1};

	make_evictable_child(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		hold_page(f, CHILD_PAGE, holders[i]);
		expect_gp(run(f));
		expect_refused_by(f, "epcm_lock_set");
		let_go(f, CHILD_PAGE, holders[i]);
	}
}

static void ewb_va_page_being_changed_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	hold_page(f, VA_PAGE, EPCM_LOCK_EXCL);
	expect_gp(run(f));
	expect_refused_by(f, "epcm_lock_set");
}

/* As other EWBs and ELDs hold it. */
static void ewb_va_page_held_shared_ok(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	hold_page(f, VA_PAGE, 3);
	expect_code(run(f), SGX_SUCCESS);
}

static void ewb_invalid_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	hold_page(f, FREE_PAGE, 1);
	expect_gp(ewb(f, FREE_PAGE, SLOT));
	expect_refused_by(f, "epcm_lock_set");
}

static void ewb_target_invalid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	expect_pfx(ewb(f, FREE_PAGE, SLOT), epc_gva(FREE_PAGE), ENCLS_WRITE);
	expect_refused_by(f, "epcm_is_valid");
}

static void ewb_target_and_va_page_invalid_sgx_pf_at_target(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	expect_pfx(run_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot_gva(FREE_PAGE + 1, 0)),
		   epc_gva(FREE_PAGE), ENCLS_WRITE);
}

/* Before the state of the target: the child is not blocked here. */
static void ewb_slot_not_in_va_page_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const unsigned int pages[] = {SECS_PAGE, 2, FREE_PAGE};

	make_child(f);
	add_reg(f, SECS_PAGE, 2, CHILD_GVA + PAGES(1), EPCM_R);
	set_eviction(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		gva_t slot = slot_gva(pages[i], SLOT);

		expect_pfx(run_at(f, PAGEINFO_GVA, epc_gva(CHILD_PAGE), slot), slot, ENCLS_WRITE);
		expect_refused_by(f, "SGX_PAGE_TYPE_VA");
	}
}

/* Not blocked ranks before not tracked, and both before the walk of the outputs. */
static void ewb_child_not_blocked_page_not_blocked(void **state)
{
	struct fixture *f = *state;
	uint32_t epoch;

	make_evictable_child(f);
	assert_true(track_enter(epcm_of(f, SECS_PAGE), &epoch));
	unmap(f, SRC_GVA);
	for (unsigned int i = 0; i < NR_CHILD_STATES; i++) {
		force_state(f, CHILD_PAGE, EPCM_VALID | child_states[i]);
		expect_code(run(f), SGX_PAGE_NOT_BLOCKED);
		expect_refused_by(f, "EPCM_BLOCKED");
	}
}

static void ewb_child_not_tracked_not_tracked(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, SRC_GVA);
	for (unsigned int i = 0; i < NR_CHILD_STATES; i++) {
		force_state(f, CHILD_PAGE, EPCM_VALID | child_states[i]);
		expect_code(encls(f, EBLOCK, 0, epc_gva(CHILD_PAGE), 0), SGX_SUCCESS);
		expect_code(run(f), SGX_NOT_TRACKED);
		expect_refused_by(f, "track_is_complete");
	}
}

static void ewb_secs_with_child_child_present(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, SRC_GVA);
	expect_code(ewb(f, SECS_PAGE, SLOT), SGX_CHILD_PRESENT);
	expect_refused_by(f, "children");
}

static void ewb_output_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	unmap(f, SRC_GVA);
	expect_pfo(run(f), SRC_GVA, PFERR_WRITE_MASK);
	pageinfo(f)->srcpge = ram_gva(2);
	pageinfo(f)->secinfo = SRC_GVA + 128;
	expect_pfo(run(f), SRC_GVA + 128, PFERR_WRITE_MASK);
}

/* All three are outputs; none is written when another cannot be. */
static void ewb_output_read_only_ordinary_pf(void **state)
{
	struct fixture *f = *state;
	const uint32_t error = PFERR_PRESENT_MASK | PFERR_WRITE_MASK;

	make_evictable_child(f);
	pageinfo(f)->secinfo = ram_gva(2);
	pte_of(f, SRC_GVA)->flags &= ~PTE_W;
	expect_pfo(run(f), SRC_GVA, error);
	pte_of(f, SRC_GVA)->flags |= PTE_W;
	pte_of(f, ram_gva(2))->flags &= ~PTE_W;
	expect_pfo(run(f), ram_gva(2), error);
	pte_of(f, ram_gva(2))->flags |= PTE_W;
	pte_of(f, ram_gva(0))->flags &= ~PTE_W;
	expect_pfo(run(f), PAGEINFO_GVA, error);
	pte_of(f, ram_gva(0))->flags |= PTE_W;
	expect_code(run(f), SGX_SUCCESS);
}

static void ewb_output_non_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	pageinfo(f)->srcpge = NON_CANONICAL;
	expect_gp(run(f));
	expect_refused_by(f, "x86_is_canonical");
	set_eviction(f);
	pageinfo(f)->secinfo = NON_CANONICAL;
	expect_gp(run(f));
	expect_refused_by(f, "x86_is_canonical");
	force_state(f, CHILD_PAGE, CHILD_STATE);
	expect_code(run(f), SGX_PAGE_NOT_BLOCKED);
}

/* The eviction is complete all the same; the blob of the old version is lost. */
static void ewb_slot_occupied_completes_and_says_so(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	add_reg(f, SECS_PAGE, 2, CHILD_GVA + PAGES(1), EPCM_R);
	block_and_track(f, 2, SECS_PAGE);
	evict(f, 2, SLOT);
	set_eviction(f);
	f->expect_change = true;
	expect_info(run(f), SGX_VA_SLOT_OCCUPIED);
	assert_false(epcm_is_valid(epcm_state(epcm_of(f, CHILD_PAGE))));
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 2);
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 0);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
}

static void ewb_child_leaves_epc(void **state)
{
	struct fixture *f = *state;
	const struct epcm_entry *e;

	make_evictable_child(f);
	e = epcm_of(f, CHILD_PAGE);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(CHILD_PAGE));
	expect_code(run(f), SGX_SUCCESS);
	assert_int_equal(epcm_state(e), 0);
	assert_null(epcm_secs(e));
	assert_int_equal(e->lock, 0);
	assert_int_equal(epcm_of(f, VA_PAGE)->lock, 0);
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 0);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 1);
	assert_int_equal(f->platform->next_version, 2);
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(CHILD_PAGE));
	/* One for each output. */
	assert_int_equal(f->cpus[0].writes, 3);
	set_eviction(f);
	expect_pfx(run(f), epc_gva(CHILD_PAGE), ENCLS_WRITE);
}

static void ewb_pcmd_has_what_the_epcm_had(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	for (unsigned int i = 0; i < NR_CHILD_STATES; i++) {
		force_state(f, CHILD_PAGE, EPCM_VALID | EPCM_BLOCKED | child_states[i]);
		set_eviction(f);
		memset(pcmd(f), 0xee, sizeof(*pcmd(f)));
		expect_code(run(f), SGX_SUCCESS);
		assert_int_equal(pageinfo(f)->linaddr, CHILD_GVA);
		assert_int_equal(pcmd(f)->secinfo.flags, child_states[i]);
		assert_true(is_zero(pcmd(f)->secinfo.reserved, sizeof(pcmd(f)->secinfo.reserved)));
		assert_int_equal(pcmd(f)->enclave_id, 1);
		assert_true(is_zero(pcmd(f)->reserved, sizeof(pcmd(f)->reserved)));
		expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
	}
}

/* An oracle: IV and header put together byte by byte, as the SDM has them. */
static void open_by_hand(struct fixture *f, uint64_t version, uint64_t eid, gva_t linaddr,
			 uint8_t *plain)
{
	struct crypto_gcm *gcm = crypto_gcm_new(f->platform->paging_key);
	uint8_t iv[12] = {0}, header[128] = {0};

	memcpy(iv + 4, &version, 8);
	memcpy(header, &eid, 8);
	memcpy(header + 8, &linaddr, 8);
	memcpy(header + 16, pcmd(f), 64);
	assert_non_null(gcm);
	assert_true(crypto_gcm_open(gcm, iv, header, sizeof(header), ram_ptr(f, SRC_GVA),
				    SGX_PAGE_SIZE, plain, (uint8_t *)pcmd(f) + 112));
	crypto_gcm_free(gcm);
}

static void ewb_child_is_sealed_under_enclave_and_address(void **state)
{
	struct fixture *f = *state;
	uint8_t before[SGX_PAGE_SIZE], plain[SGX_PAGE_SIZE];

	make_evictable_child(f);
	memcpy(before, epc_ptr(f, CHILD_PAGE), sizeof(before));
	f->platform->next_version = UINT64_C(0x8877665544332211);
	expect_code(run(f), SGX_SUCCESS);
	assert_memory_not_equal(ram_ptr(f, SRC_GVA), before, sizeof(before));
	open_by_hand(f, UINT64_C(0x8877665544332211), 1, CHILD_GVA, plain);
	assert_memory_equal(plain, before, sizeof(before));
}

/* Neither is bound to an enclave or an address. PCMD tells whose the SECS is. */
static void ewb_secs_and_va_page_are_sealed_under_zeroes(void **state)
{
	struct fixture *f = *state;
	uint8_t before[SGX_PAGE_SIZE], plain[SGX_PAGE_SIZE];

	make_child(f);
	make_secs(f, 5, ENCLAVE2_BASE);
	memcpy(before, epc_ptr(f, 5), sizeof(before));
	evict(f, 5, SLOT);
	assert_int_equal(pcmd(f)->secinfo.flags, 0);
	assert_int_equal(pcmd(f)->enclave_id, 2);
	assert_int_equal(pageinfo(f)->linaddr, 0);
	open_by_hand(f, 1, 0, 0, plain);
	assert_memory_equal(plain, before, sizeof(before));

	make_va(f, 41);
	((struct sgx_va_page *)epc_ptr(f, 41))->slot[3] = 77;
	memcpy(before, epc_ptr(f, 41), sizeof(before));
	evict(f, 41, SLOT + 1);
	assert_int_equal(pcmd(f)->secinfo.flags, EPCM_PT(SGX_PAGE_TYPE_VA));
	assert_int_equal(pcmd(f)->enclave_id, 0);
	open_by_hand(f, 2, 0, 0, plain);
	assert_memory_equal(plain, before, sizeof(before));
}

/* Non-enclave writes to the EPC go nowhere: the blob is lost, the page is evicted. */
static void ewb_output_in_epc_is_dropped(void **state)
{
	struct fixture *f = *state;

	make_evictable_child(f);
	make_va(f, 41);
	pageinfo(f)->srcpge = epc_gva(41);
	expect_code(run(f), SGX_SUCCESS);
	assert_true(is_zero(epc_ptr(f, 41), SGX_PAGE_SIZE));
}

/* Outside 64-bit mode the operands are DS offsets: all 8 bytes of the slot count. */
static void ewb_outside_64bit_mode_obeys_segment_limit(void **state)
{
	struct fixture *f = *state;
	struct x86_segment *ds = &f->state->seg[X86_SEG_DS];

	make_evictable_child(f);
	f->state->efer &= ~(uint64_t)(EFER_LMA | EFER_LME);
	f->state->seg[X86_SEG_CS].l = false;
	f->state->seg[X86_SEG_CS].db = true;
	ds->limit = (uint32_t)slot_gva(VA_PAGE, SLOT) + 6;
	expect_gp(run(f));
	expect_refused_by(f, "ds_allows");
	ds->limit++;
	expect_code(run(f), SGX_SUCCESS);
	expect_code(eldu(f, CHILD_PAGE, epc_gva(SECS_PAGE), SLOT), SGX_SUCCESS);
}

const struct CMUnitTest ewb_tests[] = {
	sgx_test(ewb_misaligned_operands_gp),
	sgx_test(ewb_non_canonical_operands_gp),
	sgx_test(ewb_target_not_mapped_ordinary_pf),
	sgx_test(ewb_target_not_epc_sgx_pf),
	sgx_test(ewb_target_not_epc_and_slot_misaligned_sgx_pf),
	sgx_test(ewb_slot_not_mapped_ordinary_pf),
	sgx_test(ewb_slot_not_epc_sgx_pf),
	sgx_test(ewb_slot_in_target_gp),
	sgx_test(ewb_pageinfo_not_mapped_ordinary_pf),
	sgx_test(ewb_linaddr_or_secs_given_gp),
	sgx_test(ewb_output_pointers_misaligned_gp),
	sgx_test(ewb_target_in_use_gp),
	sgx_test(ewb_va_page_being_changed_gp),
	sgx_test(ewb_va_page_held_shared_ok),
	sgx_test(ewb_invalid_target_in_use_gp),
	sgx_test(ewb_target_invalid_sgx_pf),
	sgx_test(ewb_target_and_va_page_invalid_sgx_pf_at_target),
	sgx_test(ewb_slot_not_in_va_page_sgx_pf),
	sgx_test(ewb_child_not_blocked_page_not_blocked),
	sgx_test(ewb_child_not_tracked_not_tracked),
	sgx_test(ewb_secs_with_child_child_present),
	sgx_test(ewb_output_not_mapped_ordinary_pf),
	sgx_test(ewb_output_read_only_ordinary_pf),
	sgx_test(ewb_output_non_canonical_gp),
	sgx_test(ewb_slot_occupied_completes_and_says_so),
	sgx_test(ewb_child_leaves_epc),
	sgx_test(ewb_pcmd_has_what_the_epcm_had),
	sgx_test(ewb_child_is_sealed_under_enclave_and_address),
	sgx_test(ewb_secs_and_va_page_are_sealed_under_zeroes),
	sgx_test(ewb_output_in_epc_is_dropped),
	sgx_test(ewb_outside_64bit_mode_obeys_segment_limit),
};
const size_t ewb_test_count = ARRAY_SIZE(ewb_tests);
