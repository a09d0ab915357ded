// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "ECREATE", one test for each line of its checks. */
#include "tests.h"

#include <errno.h>

static struct leaf_result ecreate(struct fixture *f)
{
	return encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0), 0);
}

/* Everything ECREATE wants; each test then spoils one thing. */
static struct sgx_secs *legal(struct fixture *f)
{
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	return source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE);
}

static void ecreate_legal_makes_valid_secs(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs;

	memset(legal(f)->mrsigner, 0xee, SGX_HASH_SIZE);
	expect_ok(ecreate(f));
	secs = epc_ptr(f, 0);
	assert_int_equal(epcm_of(f, 0)->state, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS));
	assert_int_equal(epcm_linaddr(epcm_of(f, 0)), 0);
	assert_int_equal(epcm_of(f, 0)->children, 0);
	assert_int_equal(epcm_of(f, 0)->context, EPC_HPA);
	assert_true(is_zero(secs->mrsigner, sizeof(secs->mrsigner)));
	assert_int_equal(secs_hidden(secs)->eid, 1);
	assert_int_equal(secs_hidden(secs)->measured_blocks, 1);
}

static void ecreate_second_enclave_gets_another_eid(void **state)
{
	struct fixture *f = *state;

	make_secs(f, 0, ENCLAVE_BASE);
	make_secs(f, 1, ENCLAVE2_BASE);
	assert_int_not_equal(secs_hidden(epc_ptr(f, 0))->eid, secs_hidden(epc_ptr(f, 1))->eid);
}

static void ecreate_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, ECREATE, PAGEINFO_GVA + 16, epc_gva(0), 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0) + 2048, 0));
	expect_refused_by(f, "is_aligned(rcx");
}

static void ecreate_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(encls(f, ECREATE, NON_CANONICAL, epc_gva(0), 0));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(encls(f, ECREATE, PAGEINFO_GVA, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void ecreate_target_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, epc_gva(0));
	expect_pfo(ecreate(f), epc_gva(0), PFERR_WRITE_MASK);
}

static void ecreate_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_pfx(encls(f, ECREATE, PAGEINFO_GVA, ram_gva(5), 0), ram_gva(5), ENCLS_WRITE);
}

static void ecreate_pageinfo_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, ram_gva(0));
	expect_pfo(ecreate(f), PAGEINFO_GVA, 0);
}

static void ecreate_pageinfo_pointers_misaligned_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->srcpge += 8;
	expect_gp(ecreate(f));
	expect_refused_by(f, "pageinfo.srcpge");
	legal(f);
	pageinfo(f)->secinfo += 32;
	expect_gp(ecreate(f));
	expect_refused_by(f, "pageinfo.secinfo");
}

/* SDM ECREATE: PAGEINFO.LINADDR and PAGEINFO.SECS must be 0. */
static void ecreate_linaddr_or_secs_given_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	pageinfo(f)->linaddr = ENCLAVE_BASE;
	expect_gp(ecreate(f));
	expect_refused_by(f, "pageinfo.linaddr");
	legal(f);
	pageinfo(f)->secs = epc_gva(1);
	expect_gp(ecreate(f));
	expect_refused_by(f, "pageinfo.secs");
}

static void ecreate_secinfo_reserved_or_not_secs_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(3), BIT64(4),  BIT64(5),
					    BIT64(6), BIT64(16), BIT64(63)};

	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		legal(f);
		secinfo(f)->flags |= reserved[i];
		expect_gp(ecreate(f));
		expect_refused_by(f, "secinfo_has_only");
	}
	legal(f);
	secinfo(f)->reserved[55] = 1;
	expect_gp(ecreate(f));
	expect_refused_by(f, "secinfo_has_only");
	legal(f);
	secinfo(f)->flags = EPCM_PT(SGX_PAGE_TYPE_REG);
	expect_gp(ecreate(f));
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
}

static void ecreate_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, 0, 1);
	expect_gp(ecreate(f));
	expect_refused_by(f, "epcm_lock");
}

static void ecreate_target_valid_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_secs(f, 0, ENCLAVE_BASE);
	legal(f);
	expect_pfx(ecreate(f), epc_gva(0), ENCLS_WRITE);
	expect_refused_by(f, "!epcm_is_valid");
}

/* The page is tested before the source is read. */
static void ecreate_target_valid_and_source_absent_sgx_pf(void **state)
{
	struct fixture *f = *state;

	make_secs(f, 0, ENCLAVE_BASE);
	legal(f);
	unmap(f, SRC_GVA);
	expect_pfx(ecreate(f), epc_gva(0), ENCLS_WRITE);
}

static void ecreate_source_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, SRC_GVA);
	expect_pfo(ecreate(f), SRC_GVA, 0);
}

static void ecreate_source_memory_gone_host_error(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	legal(f);
	f->embedder->host_error = -EFAULT;
	res = ecreate(f);
	assert_int_equal(res.kind, LEAF_HOST_ERROR);
	assert_int_equal(res.value, -EFAULT);
}

/* Each row spoils one field of a legal SECS. */
static void ecreate_illegal_secs_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs;

#define SPOILED(rule, ...)                  \
	do {                                \
		secs = legal(f);            \
		__VA_ARGS__;                \
		expect_gp(ecreate(f));      \
		expect_refused_by(f, rule); \
	} while (0)

	SPOILED("xfrm_base", secs->xfrm = XFEATURE_MASK_FP);
	SPOILED("~cpuid->xfrm", secs->xfrm |= XFEATURE_MASK_PKRU);
	SPOILED("xfrm_is_legal", secs->xfrm |= XFEATURE_MASK_OPMASK | XFEATURE_MASK_YMM);
	SPOILED("miscselect", secs->miscselect = SGX_MISC_CPINFO);
	SPOILED("ssa_frame_size", secs->ssa_frame_size = 0);
	SPOILED("!mode64 || x86_is_canonical", secs->base = NON_CANONICAL);
	SPOILED("secs->base >> 32", secs->attributes &= ~SGX_ATTR_MODE64BIT;
		secs->base = UINT64_C(1) << 32);
	SPOILED("secs->size >> limit", secs->size = UINT64_C(1) << 56; secs->base = 0);
	SPOILED("secs->size >> limit", secs->attributes &= ~SGX_ATTR_MODE64BIT;
		secs->size = UINT64_C(1) << 31; secs->base = 0);
	SPOILED("2 * SGX_PAGE_SIZE", secs->size = SGX_PAGE_SIZE);
	SPOILED("is_power_of_2", secs->size = 3 * SGX_PAGE_SIZE);
	SPOILED("is_aligned(secs->base, secs->size)", secs->base += SGX_PAGE_SIZE);
	SPOILED("secs->attributes & ~attributes", secs->attributes |= SGX_ATTR_INIT);
	SPOILED("secs->attributes & ~attributes", secs->attributes |= SGX_ATTR_CET);
	SPOILED("secs->attributes & ~attributes", secs->attributes |= BIT64(63));
	SPOILED("reserved1", secs->reserved1[14] = 1);
	SPOILED("reserved2", secs->reserved2[0] = 1);
	SPOILED("reserved3", secs->reserved3[31] = 1);
	SPOILED("reserved4", secs->reserved4[0] = 1);
	SPOILED("reserved4", secs->reserved4[3833] = 1);
	SPOILED("config_id", secs->config_id[63] = 1);
	SPOILED("config_svn", secs->config_svn = 1);
	SPOILED("cet", secs->cet_leg_bitmap_offset = 1);
	SPOILED("cet", secs->cet_attributes = 1);
#undef SPOILED
}

/* SIZE must be below 2^n: the largest legal one passes. */
static void ecreate_largest_size_ok(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs = legal(f);

	secs->size = UINT64_C(1) << 55;
	secs->base = 0;
	expect_ok(ecreate(f));
}

static void ecreate_kss_with_config_ok(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs *secs = legal(f);

	secs->attributes |= SGX_ATTR_KSS;
	secs->config_id[0] = 1;
	secs->config_svn = 7;
	expect_ok(ecreate(f));
}

/* An AVX-512 frame with EXINFO takes 2688 + 16 + 184 bytes: one page is enough, AVX needs less. */
static void ecreate_frame_size_follows_xfrm(void **state)
{
	struct fixture *f = *state;

	f->cpuid->xsave[7].size = 2400; /* 1664 + 2400 + 184 + 16 > 4096 */
	legal(f)->xfrm = f->cpuid->xfrm;
	expect_gp(ecreate(f));
	expect_refused_by(f, "ssa_frame_size");
	legal(f)->xfrm = f->cpuid->xfrm;
	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE)->ssa_frame_size = 2;
	expect_ok(ecreate(f));
}

static void spoil_source_after_copy(struct fixture *f)
{
	struct sgx_secs *secs = ram_ptr(f, SRC_GVA);

	/* PAGEINFO, SECINFO, source: a fourth read would see this. */
	if (f->cpus[0].reads == 4)
		secs->size = SGX_PAGE_SIZE;
}

/* Copied once: what was checked is what the page gets. */
static void ecreate_reads_each_operand_once(void **state)
{
	struct fixture *f = *state;

	legal(f);
	f->on_read = spoil_source_after_copy;
	expect_ok(ecreate(f));
	assert_int_equal(f->cpus[0].reads, 3);
	assert_int_equal(((struct sgx_secs *)epc_ptr(f, 0))->size, ENCLAVE_SIZE);
}

const struct CMUnitTest ecreate_tests[] = {
	sgx_test(ecreate_legal_makes_valid_secs),
	sgx_test(ecreate_second_enclave_gets_another_eid),
	sgx_test(ecreate_misaligned_operands_gp),
	sgx_test(ecreate_non_canonical_operands_gp),
	sgx_test(ecreate_target_not_mapped_ordinary_pf),
	sgx_test(ecreate_target_not_epc_sgx_pf),
	sgx_test(ecreate_pageinfo_not_mapped_ordinary_pf),
	sgx_test(ecreate_pageinfo_pointers_misaligned_gp),
	sgx_test(ecreate_linaddr_or_secs_given_gp),
	sgx_test(ecreate_secinfo_reserved_or_not_secs_gp),
	sgx_test(ecreate_target_in_use_gp),
	sgx_test(ecreate_target_valid_sgx_pf),
	sgx_test(ecreate_target_valid_and_source_absent_sgx_pf),
	sgx_test(ecreate_source_not_mapped_ordinary_pf),
	sgx_test(ecreate_source_memory_gone_host_error),
	sgx_test(ecreate_illegal_secs_gp),
	sgx_test(ecreate_largest_size_ok),
	sgx_test(ecreate_kss_with_config_ok),
	sgx_test(ecreate_frame_size_follows_xfrm),
	sgx_test(ecreate_reads_each_operand_once),
};
const size_t ecreate_test_count = ARRAY_SIZE(ecreate_tests);
