// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EADD", one test for each line of its checks. */
#include "tests.h"

#include <errno.h>

#define SECS_PAGE   0
#define TARGET_PAGE 1
#define LINADDR     (ENCLAVE_BASE + PAGES(1))
#define TARGET_GVA  epc_gva(TARGET_PAGE)
#define SECS_GVA    epc_gva(SECS_PAGE)

#define REG (EPCM_PT(SGX_PAGE_TYPE_REG) | EPCM_R | EPCM_W)
#define TCS EPCM_PT(SGX_PAGE_TYPE_TCS)

static struct leaf_result eadd(struct fixture *f)
{
	return encls(f, EADD, PAGEINFO_GVA, TARGET_GVA, 0);
}

/* Everything EADD wants, for a regular page; each test then spoils one thing. */
static void legal(struct fixture *f)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, SECS_PAGE))))
		make_secs(f, SECS_PAGE, ENCLAVE_BASE);
	memset(ram_ptr(f, SRC_GVA), 0x5c, SGX_PAGE_SIZE);
	set_pageinfo(f, LINADDR, SECS_GVA, REG);
}

static struct sgx_tcs *legal_tcs(struct fixture *f)
{
	legal(f);
	secinfo(f)->flags = TCS;
	return source_tcs(f, 0x1000, 1);
}

static void eadd_legal_regular_page_becomes_child(void **state)
{
	struct fixture *f = *state;

	legal(f);
	secinfo(f)->flags |= EPCM_X;
	expect_ok(eadd(f));
	assert_int_equal(epcm_of(f, TARGET_PAGE)->state, EPCM_VALID | REG | EPCM_X);
	assert_int_equal(epcm_linaddr(epcm_of(f, TARGET_PAGE)), LINADDR);
	assert_ptr_equal(epcm_secs(epcm_of(f, TARGET_PAGE)), epcm_of(f, SECS_PAGE));
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 1);
	assert_memory_equal(epc_ptr(f, TARGET_PAGE), ram_ptr(f, SRC_GVA), SGX_PAGE_SIZE);
	assert_int_equal(secs_hidden(epc_ptr(f, SECS_PAGE))->measured_blocks, 2);
}

/* The processor's own fields are cleared, and a TCS has no rights at all. */
static void eadd_legal_tcs_gets_hardware_fields(void **state)
{
	struct fixture *f = *state;
	struct sgx_tcs *source = legal_tcs(f);
	const struct sgx_tcs *tcs;

	secinfo(f)->flags |= EPCM_R | EPCM_W;
	source->state = 1;
	source->flags = SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY;
	source->cssa = 1;
	source->aep = 0x1000;
	expect_ok(eadd(f));
	tcs = epc_ptr(f, TARGET_PAGE);
	assert_int_equal(epcm_of(f, TARGET_PAGE)->state, EPCM_VALID | TCS);
	assert_int_equal(tcs->state, SGX_TCS_INACTIVE);
	assert_int_equal(tcs->flags, SGX_TCS_AEXNOTIFY);
	assert_int_equal(tcs->cssa, 0);
	assert_int_equal(tcs->aep, 0);
	assert_int_equal(tcs->nssa, 1);
	assert_int_equal(tcs->ossa, 0x1000);
}

static void eadd_watched_target_gives_notice(void **state)
{
	struct fixture *f = *state;

	legal(f);
	sgx_watch_page(f->platform, EPC_HPA + PAGES(TARGET_PAGE));
	expect_ok(eadd(f));
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(TARGET_PAGE));
}

static void eadd_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, EADD, PAGEINFO_GVA + 16, TARGET_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EADD, PAGEINFO_GVA, TARGET_GVA + 2048, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void eadd_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, EADD, NON_CANONICAL, TARGET_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(encls(f, EADD, PAGEINFO_GVA, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
	pageinfo(f)->secs = NON_CANONICAL;
	expect_gp(eadd(f));
	expect_refused_by(f, "x86_is_canonical");
}

static void eadd_operand_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, TARGET_GVA);
	expect_pfo(eadd(f), TARGET_GVA, PFERR_WRITE_MASK);
	map_epc(f, TARGET_GVA, TARGET_PAGE, PTE_P | PTE_U);
	expect_pfo(eadd(f), TARGET_GVA, PFERR_WRITE_MASK | PFERR_PRESENT_MASK);
	map_epc(f, TARGET_GVA, TARGET_PAGE, PTE_ALL);
	unmap(f, SECS_GVA);
	expect_pfo(eadd(f), SECS_GVA, PFERR_WRITE_MASK);
	map_epc(f, SECS_GVA, SECS_PAGE, PTE_ALL);
	unmap(f, SRC_GVA);
	expect_pfo(eadd(f), SRC_GVA, 0);
	unmap(f, ram_gva(0));
	expect_pfo(eadd(f), PAGEINFO_GVA, 0);
}

static void eadd_secinfo_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->secinfo = ram_gva(7);
	unmap(f, ram_gva(7));
	expect_pfo(eadd(f), ram_gva(7), 0);
}

static void eadd_target_or_secs_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EADD, PAGEINFO_GVA, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
	pageinfo(f)->secs = ram_gva(5);
	expect_pfx(eadd(f), ram_gva(5), ENCLS_WRITE);
	expect_refused_by(f, "*e");
}

static void eadd_pageinfo_fields_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->srcpge += 8;
	expect_gp(eadd(f));
	expect_refused_by(f, "pageinfo->srcpge");
	legal(f);
	pageinfo(f)->secs += 8;
	expect_gp(eadd(f));
	expect_refused_by(f, "pageinfo->secs");
	legal(f);
	pageinfo(f)->secinfo += 32;
	expect_gp(eadd(f));
	expect_refused_by(f, "pageinfo->secinfo");
	legal(f);
	pageinfo(f)->linaddr += 8;
	expect_gp(eadd(f));
	expect_refused_by(f, "pageinfo->linaddr");
}

static void eadd_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(3), BIT64(4),  BIT64(5), BIT64(6),
					    BIT64(7), BIT64(16), BIT64(63)};

	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		legal(f);
		secinfo(f)->flags |= reserved[i];
		expect_gp(eadd(f));
		expect_refused_by(f, "secinfo_has_only");
	}
	legal(f);
	secinfo(f)->reserved[0] = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "secinfo_has_only");
	legal(f);
	secinfo(f)->reserved[55] = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "secinfo_has_only");
}

/* Without CET there are no shadow-stack pages to add. */
static void eadd_page_type_not_reg_or_tcs_gp(void **state)
{
	struct fixture *f = *state;

	for (unsigned int pt = 0; pt < 256; pt++) {
		if (pt == SGX_PAGE_TYPE_REG || pt == SGX_PAGE_TYPE_TCS)
			continue;
		legal(f);
		secinfo(f)->flags = EPCM_PT(pt) | EPCM_R | EPCM_W;
		expect_gp(eadd(f));
		expect_refused_by(f, "SGX_PAGE_TYPE_REG");
	}
}

static void eadd_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, TARGET_PAGE, 1);
	expect_gp(eadd(f));
	expect_refused_by(f, "CLAIM_TARGET");
	let_go(f, TARGET_PAGE, 1);
	hold_page(f, TARGET_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eadd(f));
	expect_refused_by(f, "CLAIM_TARGET");
	let_go(f, TARGET_PAGE, EPCM_LOCK_EXCL);
}

static void eadd_target_valid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_ok(eadd(f));
	expect_pfx(eadd(f), TARGET_GVA, ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

static void eadd_target_is_its_secs_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, EADD, PAGEINFO_GVA, SECS_GVA, 0), SECS_GVA, ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

static void eadd_secs_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eadd(f));
	expect_refused_by(f, "CLAIM_SECS");
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, SECS_PAGE, 1);
	expect_ok(eadd(f));
	let_go(f, SECS_PAGE, 1);
}

static void eadd_target_valid_and_secs_in_use_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_ok(eadd(f));
	hold_page(f, SECS_PAGE, EPCM_LOCK_EXCL);
	expect_pfx(eadd(f), TARGET_GVA, ENCLS_WRITE);
	let_go(f, SECS_PAGE, EPCM_LOCK_EXCL);
}

static void eadd_secs_invalid_or_other_type_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->secs = epc_gva(9);
	expect_pfx(eadd(f), epc_gva(9), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(9), 0));
	/* The source would fault: the SECS is tested before. */
	unmap(f, SRC_GVA);
	expect_pfx(eadd(f), epc_gva(9), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
}

static void eadd_source_memory_gone_host_error(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	legal(f);
	f->embedder->host_error = -EFAULT;
	res = eadd(f);
	assert_int_equal(res.kind, LEAF_HOST_ERROR);
	assert_int_equal(res.value, -EFAULT);
}

static void eadd_illegal_tcs_gp(void **state)
{
	struct fixture *f = *state;

	legal_tcs(f)->ocetssa = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs_reserved_is_zero");
	legal_tcs(f)->prevssp = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs_reserved_is_zero");
	legal_tcs(f)->reserved[0] = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs_reserved_is_zero");
	legal_tcs(f)->reserved[4007] = 1;
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs_reserved_is_zero");
	legal_tcs(f)->flags = BIT64(2);
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs->flags");
	legal_tcs(f)->flags = BIT64(63);
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs->flags");
	f->cpuid->attributes &= ~SGX_ATTR_AEXNOTIFY;
	legal_tcs(f)->flags = SGX_TCS_AEXNOTIFY;
	expect_gp(eadd(f));
	expect_refused_by(f, "tcs->flags");
}

/* A 64-bit enclave's limits do not count, a 32-bit one's must cover whole pages. */
static void eadd_tcs_limits_of_32bit_enclave_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs;
	struct sgx_tcs *tcs = legal_tcs(f);

	tcs->fs_limit = 0;
	tcs->gs_limit = 0;
	expect_ok(eadd(f));
	secs = source_secs(f, ENCLAVE2_BASE, ENCLAVE_SIZE);
	secs->attributes &= ~SGX_ATTR_MODE64BIT;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(2), 0));
	set_pageinfo(f, ENCLAVE2_BASE, epc_gva(2), TCS);
	tcs = source_tcs(f, 0x1000, 1);
	tcs->fs_limit = 0xfff;
	tcs->gs_limit = 0xffe;
	expect_gp(encls(f, EADD, PAGEINFO_GVA, epc_gva(3), 0));
	expect_refused_by(f, "tcs_limits_are_legal");
	tcs->fs_limit = 0x7ff;
	tcs->gs_limit = 0xfff;
	expect_gp(encls(f, EADD, PAGEINFO_GVA, epc_gva(3), 0));
	expect_refused_by(f, "tcs_limits_are_legal");
	tcs->fs_limit = 0xffffffff;
	expect_ok(encls(f, EADD, PAGEINFO_GVA, epc_gva(3), 0));
}

static void eadd_write_without_read_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	secinfo(f)->flags &= ~EPCM_R;
	expect_gp(eadd(f));
	expect_refused_by(f, "rw != SGX_SECINFO_W");
	secinfo(f)->flags |= EPCM_X;
	/* The source is read before. */
	unmap(f, SRC_GVA);
	expect_pfo(eadd(f), SRC_GVA, 0);
}

/* A TCS has no rights in the end, so those asked for do not matter. */
static void eadd_tcs_write_without_read_ok(void **state)
{
	struct fixture *f = *state;

	legal_tcs(f);
	secinfo(f)->flags |= EPCM_W;
	expect_ok(eadd(f));
}

static void eadd_linaddr_outside_elrange_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->linaddr = ENCLAVE_BASE - SGX_PAGE_SIZE;
	expect_gp(eadd(f));
	expect_refused_by(f, "secs_in_elrange");
	pageinfo(f)->linaddr = ENCLAVE_BASE + ENCLAVE_SIZE;
	expect_gp(eadd(f));
	expect_refused_by(f, "secs_in_elrange");
	pageinfo(f)->linaddr = ENCLAVE_BASE + ENCLAVE_SIZE - SGX_PAGE_SIZE;
	expect_ok(eadd(f));
}

static void eadd_measurement_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, SECS_PAGE, EPCM_LOCK_MEASURE);
	expect_gp(eadd(f));
	expect_refused_by(f, "EPCM_LOCK_MEASURE");
	let_go(f, SECS_PAGE, EPCM_LOCK_MEASURE);
}

static void eadd_enclave_initialised_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	force_init(f, SECS_PAGE);
	expect_gp(eadd(f));
	expect_refused_by(f, "!secs_is_initialised");
}

static void take_target(struct fixture *f)
{
	if (f->cpus[0].reads == 3)
		epcm_make_valid(epcm_of(f, TARGET_PAGE), EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_VA), 0,
				NULL);
}

/* No lock is held while the source is read, so the page is tested again. */
static void eadd_target_taken_during_copy_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	f->cpus[0].reads = 0;
	f->on_read = take_target;
	f->expect_change = true;
	expect_pfx(eadd(f), TARGET_GVA, ENCLS_WRITE);
	assert_int_equal(epcm_of(f, SECS_PAGE)->children, 0);
}

static void spoil_after_copy(struct fixture *f)
{
	if (f->cpus[0].reads == 4)
		memset(f->embedder->ram, 0xff, SGX_PAGE_SIZE);
}

static void eadd_reads_each_operand_once(void **state)
{
	struct fixture *f = *state;

	legal(f);
	f->cpus[0].reads = 0;
	f->on_read = spoil_after_copy;
	expect_ok(eadd(f));
	assert_int_equal(f->cpus[0].reads, 3);
}

const struct CMUnitTest eadd_tests[] = {
	sgx_test(eadd_legal_regular_page_becomes_child),
	sgx_test(eadd_legal_tcs_gets_hardware_fields),
	sgx_test(eadd_watched_target_gives_notice),
	sgx_test(eadd_misaligned_operands_gp),
	sgx_test(eadd_non_canonical_operands_gp),
	sgx_test(eadd_operand_not_mapped_ordinary_pf),
	sgx_test(eadd_secinfo_not_mapped_ordinary_pf),
	sgx_test(eadd_target_or_secs_not_epc_sgx_pf),
	sgx_test(eadd_pageinfo_fields_misaligned_gp),
	sgx_test(eadd_secinfo_reserved_gp),
	sgx_test(eadd_page_type_not_reg_or_tcs_gp),
	sgx_test(eadd_target_in_use_gp),
	sgx_test(eadd_target_valid_sgx_pf),
	sgx_test(eadd_target_is_its_secs_sgx_pf),
	sgx_test(eadd_secs_in_use_gp),
	sgx_test(eadd_target_valid_and_secs_in_use_sgx_pf),
	sgx_test(eadd_secs_invalid_or_other_type_sgx_pf),
	sgx_test(eadd_source_memory_gone_host_error),
	sgx_test(eadd_illegal_tcs_gp),
	sgx_test(eadd_tcs_limits_of_32bit_enclave_gp),
	sgx_test(eadd_write_without_read_gp),
	sgx_test(eadd_tcs_write_without_read_ok),
	sgx_test(eadd_linaddr_outside_elrange_gp),
	sgx_test(eadd_measurement_in_use_gp),
	sgx_test(eadd_enclave_initialised_gp),
	sgx_test(eadd_target_taken_during_copy_sgx_pf),
	sgx_test(eadd_reads_each_operand_once),
};
const size_t eadd_test_count = ARRAY_SIZE(eadd_tests);
