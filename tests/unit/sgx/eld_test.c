// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "ELDB/ELDU", one test for each line of its checks, which spoils one thing
 * of a load that would succeed; then what it loads.
 */
#include "tests.h"

#include "paging_steps.h"

#include <errno.h>

static void eld_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;
	const gva_t target = epc_gva(FREE_PAGE), slot = slot_gva(VA_PAGE, SLOT);

	make_evicted_child(f);
	expect_gp(eldu_at(f, PAGEINFO_GVA + 8, target, slot));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(eldu_at(f, PAGEINFO_GVA, target + 256, slot));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(eldu_at(f, PAGEINFO_GVA, target, slot + 1));
	expect_refused_by(f, "is_aligned(rdx");
	/* ELDB is the same leaf up to its end. */
	expect_gp(encls(f, ELDB, PAGEINFO_GVA, target, slot + 1));
	expect_refused_by(f, "is_aligned(rdx");
}

static void eld_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, epc_gva(FREE_PAGE));
	expect_pfo(reload_child(f), epc_gva(FREE_PAGE), PFERR_WRITE_MASK);
}

static void eld_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	expect_pfx(eldu_at(f, PAGEINFO_GVA, ram_gva(5), slot_gva(VA_PAGE, SLOT) + 1), ram_gva(5),
		   ENCLS_WRITE);
}

static void eld_slot_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, epc_gva(VA_PAGE));
	expect_pfo(reload_child(f), slot_gva(VA_PAGE, SLOT), PFERR_WRITE_MASK);
}

static void eld_slot_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	expect_pfx(eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), ram_gva(5)), ram_gva(5),
		   ENCLS_WRITE);
}

static void eld_pageinfo_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, ram_gva(0));
	expect_pfo(reload_child(f), PAGEINFO_GVA, 0);
}

/* Before the pages are asked: the target is in use here. */
static void eld_pageinfo_pointers_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	hold_page(f, FREE_PAGE, 1);
	pageinfo(f)->secinfo += 64;
	expect_gp(reload_child(f));
	expect_refused_by(f, "pageinfo->secinfo");
	pageinfo(f)->secinfo -= 64;
	pageinfo(f)->srcpge += 2048;
	expect_gp(reload_child(f));
	expect_refused_by(f, "pageinfo->srcpge");
}

static void eld_target_or_va_page_in_use_gp(void **state)
{
	struct fixture *f = *state;
	static const uint32_t holders[] = {1, EPCM_LOCK_EXCL, EPCM_LOCK_SGX2 + 1};

	make_evicted_child(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(holders); i++) {
		hold_page(f, FREE_PAGE, holders[i]);
		expect_gp(reload_child(f));
		expect_refused_by(f, "CLAIM_TARGET");
		let_go(f, FREE_PAGE, holders[i]);
	}
	hold_page(f, VA_PAGE, EPCM_LOCK_EXCL);
	expect_gp(reload_child(f));
	expect_refused_by(f, "CLAIM_VA");
	let_go(f, VA_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, VA_PAGE, 2);
	expect_code(reload_child(f), SGX_SUCCESS);
}

static void eld_valid_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	hold_page(f, SECS_PAGE, 1);
	expect_gp(eldu_at(f, PAGEINFO_GVA, SECS_GVA, slot_gva(VA_PAGE, SLOT)));
	expect_refused_by(f, "CLAIM_TARGET");
}

/* Before the VA page, and before the SECS is asked for. */
static void eld_target_valid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_pfx(eldu_at(f, PAGEINFO_GVA, epc_gva(VA_PAGE), slot_gva(VA_PAGE, SLOT)),
		   epc_gva(VA_PAGE), ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
	make_va(f, FREE_PAGE);
	unmap(f, SRC_GVA);
	expect_pfx(eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot_gva(FREE_PAGE + 1, SLOT)),
		   epc_gva(FREE_PAGE), ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

static void eld_slot_not_in_va_page_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const unsigned int pages[] = {SECS_PAGE, FREE_PAGE, FREE_PAGE + 1};

	make_evicted_child(f);
	pageinfo(f)->secs += 8;
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		gva_t slot = slot_gva(pages[i], SLOT);

		expect_pfx(eldu_at(f, PAGEINFO_GVA, epc_gva(FREE_PAGE), slot), slot, ENCLS_WRITE);
		expect_refused_by(f, "SGX_PAGE_TYPE_VA");
	}
}

static void eld_pcmd_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pageinfo(f)->secinfo = ram_gva(2) + 256;
	unmap(f, ram_gva(2));
	expect_pfo(reload_child(f), ram_gva(2) + 256, 0);
}

static void eld_child_secs_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pageinfo(f)->secs += 64;
	for (unsigned int i = 0; i < NR_CHILD_TYPES; i++) {
		set_blob_type(f, child_types[i]);
		expect_gp(reload_child(f));
		expect_refused_by(f, "op->pageinfo.secs, SGX_PAGE_SIZE");
	}
}

static void eld_child_secs_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pageinfo(f)->secs = ram_gva(5);
	for (unsigned int i = 0; i < NR_CHILD_TYPES; i++) {
		set_blob_type(f, child_types[i]);
		expect_pfx(reload_child(f), ram_gva(5), ENCLS_WRITE);
	}
	unmap(f, ram_gva(5));
	expect_pfo(reload_child(f), ram_gva(5), PFERR_WRITE_MASK);
}

/* Before the source is read. */
static void eld_secs_being_modified_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, SRC_GVA);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(reload_child(f));
	expect_refused_by(f, "CLAIM_SECS");
}

static void eld_secs_held_shared_ok(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_TRACK + EPCM_LOCK_MEASURE + 3);
	expect_code(reload_child(f), SGX_SUCCESS);
}

/* The fault is at the SECS even when the source cannot be read or is no blob. */
static void eld_parent_not_secs_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const unsigned int pages[] = {VA_PAGE, 2, FREE_PAGE, FREE_PAGE + 1};

	make_evicted_child(f);
	add_reg(f, SECS_PAGE, 2, CHILD_GVA + PAGES(1), EPCM_R);
	unmap(f, SRC_GVA);
	*pageinfo(f) = (struct sgx_pageinfo){.srcpge = SRC_GVA, .secinfo = PCMD_GVA};
	set_blob_type(f, SGX_PAGE_TYPE_REG);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		pageinfo(f)->secs = epc_gva(pages[i]);
		expect_pfx(reload_child(f), epc_gva(pages[i]), ENCLS_WRITE);
		expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	}
}

static void eld_secs_or_va_page_with_secs_given_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, SRC_GVA);
	set_blob_type(f, SGX_PAGE_TYPE_SECS);
	expect_gp(reload_child(f));
	expect_refused_by(f, "!op->pageinfo.secs");
	set_blob_type(f, SGX_PAGE_TYPE_VA);
	expect_gp(reload_child(f));
	expect_refused_by(f, "!op->pageinfo.secs");
}

static void eld_illegal_page_type_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	unmap(f, SRC_GVA);
	for (unsigned int pt = SGX_PAGE_TYPE_SS_REST + 1; pt < 256; pt++) {
		set_blob_type(f, pt);
		expect_gp(reload_child(f));
		expect_refused_by(f, "is_orphan(pt)");
	}
}

static void eld_source_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pcmd(f)->mac[0] ^= 1;
	unmap(f, SRC_GVA);
	expect_pfo(reload_child(f), SRC_GVA, 0);
}

static void eld_source_non_canonical_gp(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	pageinfo(f)->srcpge = NON_CANONICAL;
	expect_gp(reload_child(f));
	expect_refused_by(f, "x86_is_canonical");
}

static unsigned int failing_read;

static void fail_read(struct fixture *f)
{
	f->embedder->host_error = f->cpus[0].reads == failing_read ? -EFAULT : 0;
}

static void eld_operand_memory_gone_host_error(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	f->on_read = fail_read;
	for (failing_read = 1; failing_read <= 3; failing_read++) {
		struct leaf_result res;

		f->cpus[0].reads = 0;
		res = reload_child(f);
		assert_int_equal(res.kind, LEAF_HOST_ERROR);
		assert_int_equal(res.value, -EFAULT);
		f->embedder->host_error = 0;
	}
	f->on_read = NULL;
	expect_code(reload_child(f), SGX_SUCCESS);
}

/* Any bit of what is authenticated. The refused load changes nothing and can be repeated. */
static void eld_blob_changed_mac_compare_fail(void **state)
{
	struct fixture *f = *state;
	uint8_t *cipher;

	make_evicted_child(f);
	cipher = ram_ptr(f, SRC_GVA);
#define CHANGED(byte)                                                   \
	do {                                                            \
		(byte) ^= 0x40;                                         \
		expect_code(reload_child(f), SGX_MAC_COMPARE_FAIL);     \
		expect_refused_by(f, "__open_once");                    \
		assert_int_equal(epcm_state(epcm_of(f, FREE_PAGE)), 0); \
		assert_int_equal(slot_value(f, VA_PAGE, SLOT), 1);      \
		(byte) ^= 0x40;                                         \
	} while (0)

	CHANGED(cipher[0]);
	CHANGED(cipher[4095]);
	CHANGED(pcmd(f)->mac[0]);
	CHANGED(pcmd(f)->mac[15]);
	CHANGED(pcmd(f)->reserved[0]);
	CHANGED(pcmd(f)->reserved[39]);
	CHANGED(pcmd(f)->secinfo.reserved[0]);
	CHANGED(pcmd(f)->secinfo.reserved[55]);
#undef CHANGED
	expect_code(reload_child(f), SGX_SUCCESS);
}

static void eldu_child_is_back_and_counts_as_tracked(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *e, *secs;

	make_evicted_child(f);
	e = epcm_of(f, FREE_PAGE);
	secs = epcm_of(f, SECS_PAGE);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(FREE_PAGE));
	expect_code(reload_child(f), SGX_SUCCESS);
	assert_int_equal(epcm_state(e) & EPCM_FLAGS_MASK, CHILD_STATE);
	assert_true(track_is_complete(secs, epcm_epoch(epcm_state(e))));
	assert_int_equal(epcm_linaddr(e), CHILD_GVA);
	assert_ptr_equal(epcm_secs(e), secs);
	assert_int_equal(secs->children, 1);
	assert_int_equal(e->lock | secs->lock | epcm_of(f, VA_PAGE)->lock, 0);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 0);
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(FREE_PAGE));
	/* What came back is what was there: the pattern of make_child(). */
	fill_page(f, 20, 1);
	assert_memory_equal(epc_ptr(f, FREE_PAGE), epc_ptr(f, 20), SGX_PAGE_SIZE);
}

/* Nobody has used the page, but the next EWB asks for an ETRACK all the same. */
static void eldb_child_is_blocked_and_needs_tracking(void **state)
{
	struct fixture *f = *state;
	struct epcm_entry *e;

	make_evicted_child(f);
	e = epcm_of(f, FREE_PAGE);
	expect_code(eldb(f, FREE_PAGE, SECS_GVA, SLOT), SGX_SUCCESS);
	assert_int_equal(epcm_state(e) & EPCM_FLAGS_MASK, CHILD_STATE | EPCM_BLOCKED);
	expect_info(encls(f, EBLOCK, 0, epc_gva(FREE_PAGE), 0), SGX_BLKSTATE);
	set_eviction(f);
	expect_code(ewb(f, FREE_PAGE, SLOT), SGX_NOT_TRACKED);
	expect_code(encls(f, ETRACK, 0, SECS_GVA, 0), SGX_SUCCESS);
	expect_code(ewb(f, FREE_PAGE, SLOT), SGX_SUCCESS);
	expect_code(eldu(f, FREE_PAGE, SECS_GVA, SLOT), SGX_SUCCESS);
	assert_int_equal(epcm_state(e) & EPCM_FLAGS_MASK, CHILD_STATE);
}

static void eldb_secs_and_va_page_are_not_blocked(void **state)
{
	struct fixture *f = *state;

	make_child(f);
	make_secs(f, 5, ENCLAVE2_BASE);
	evict(f, 5, SLOT);
	expect_code(eldb(f, 5, 0, SLOT), SGX_SUCCESS);
	assert_int_equal(epcm_state(epcm_of(f, 5)), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS));
	make_va(f, 41);
	evict(f, 41, SLOT);
	expect_code(eldb(f, 41, 0, SLOT), SGX_SUCCESS);
	assert_int_equal(epcm_state(epcm_of(f, 41)), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA));
}

static void spoil_operands(struct fixture *f)
{
	/* PAGEINFO, PCMD, source: none may be read a second time. */
	if (f->cpus[0].reads == 4)
		memset(ram_ptr(f, ram_gva(0)), 0xff, PAGES(2));
}

static void eld_reads_each_operand_once(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	f->cpus[0].reads = 0;
	f->on_read = spoil_operands;
	expect_code(reload_child(f), SGX_SUCCESS);
	assert_int_equal(f->cpus[0].reads, 3);
}

static void take_target(struct fixture *f)
{
	if (f->cpus[0].reads == 3)
		expect_ok(other_encls(f, 1, EPA, SGX_PAGE_TYPE_VA, epc_gva(FREE_PAGE), 0));
}

static void eld_target_taken_meanwhile_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_evicted_child(f);
	f->cpus[0].reads = 0;
	f->on_read = take_target;
	f->expect_change = true;
	expect_pfx(reload_child(f), epc_gva(FREE_PAGE), ENCLS_WRITE);
	assert_int_equal(slot_value(f, VA_PAGE, SLOT), 1);
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 0);
}

const struct CMUnitTest eld_tests[] = {
	sgx_test(eld_misaligned_operands_gp),
	sgx_test(eld_target_not_mapped_ordinary_pf),
	sgx_test(eld_target_not_epc_sgx_pf),
	sgx_test(eld_slot_not_mapped_ordinary_pf),
	sgx_test(eld_slot_not_epc_sgx_pf),
	sgx_test(eld_pageinfo_not_mapped_ordinary_pf),
	sgx_test(eld_pageinfo_pointers_misaligned_gp),
	sgx_test(eld_target_or_va_page_in_use_gp),
	sgx_test(eld_valid_target_in_use_gp),
	sgx_test(eld_target_valid_sgx_pf),
	sgx_test(eld_slot_not_in_va_page_sgx_pf),
	sgx_test(eld_pcmd_not_mapped_ordinary_pf),
	sgx_test(eld_child_secs_misaligned_gp),
	sgx_test(eld_child_secs_not_epc_sgx_pf),
	sgx_test(eld_secs_being_modified_gp),
	sgx_test(eld_secs_held_shared_ok),
	sgx_test(eld_parent_not_secs_sgx_pf),
	sgx_test(eld_secs_or_va_page_with_secs_given_gp),
	sgx_test(eld_illegal_page_type_gp),
	sgx_test(eld_source_not_mapped_ordinary_pf),
	sgx_test(eld_source_non_canonical_gp),
	sgx_test(eld_operand_memory_gone_host_error),
	sgx_test(eld_blob_changed_mac_compare_fail),
	sgx_test(eldu_child_is_back_and_counts_as_tracked),
	sgx_test(eldb_child_is_blocked_and_needs_tracking),
	sgx_test(eldb_secs_and_va_page_are_not_blocked),
	sgx_test(eld_reads_each_operand_once),
	sgx_test(eld_target_taken_meanwhile_sgx_pf),
};
const size_t eld_test_count = ARRAY_SIZE(eld_tests);
