// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EACCEPT", one test for each line of its checks. Processor 0 is the
 * kernel, processor 1 the thread in the tiny enclave of EPC page 0.
 */
#include "tests.h"

#define TARGET_PAGE 8
#define TARGET_GVA  (ENCLAVE_BASE + PAGES(8))
#define SECINFO     ENCLAVE_SECINFO_GVA
#define REG         EPCM_PT(SGX_PAGE_TYPE_REG)
#define TCS         EPCM_PT(SGX_PAGE_TYPE_TCS)
#define TRIM        EPCM_PT(SGX_PAGE_TYPE_TRIM)
#define RW          (EPCM_R | EPCM_W)
#define PENDING_RW  (REG | RW | EPCM_PENDING)

static struct leaf_result eaccept(struct fixture *f, uint64_t flags)
{
	set_enclave_secinfo(f, flags);
	return enclu(f, EACCEPT, SECINFO, TARGET_GVA, 0);
}

/* A thread inside and a fresh page; EACCEPT of PENDING_RW is then legal. */
static void legal(struct fixture *f)
{
	make_tiny_enclave(f, 0, ENCLAVE_BASE);
	aug_page(f, 0, TARGET_PAGE, TARGET_GVA);
	use_cpu(f, 1);
	enter_by_hand(f, 0);
}

static uint64_t target_state(struct fixture *f)
{
	return epcm_state(epcm_of(f, TARGET_PAGE)) & EPCM_FLAGS_MASK;
}

/* The kernel's leaf on the target, with SECINFO in ordinary memory. */
static void modify(struct fixture *f, uint32_t leaf, uint64_t flags)
{
	use_cpu(f, 0);
	*secinfo(f) = (struct sgx_secinfo){.flags = flags};
	expect_code(encls(f, leaf, SECINFO_GVA, epc_gva(TARGET_PAGE), 0), 0);
	use_cpu(f, 1);
}

/* ETRACK, then an interrupt on every processor: nobody keeps a translation. */
static void track(struct fixture *f)
{
	assert_true(track_new_epoch(epcm_of(f, 0)));
	leave_by_hand(f);
	enter_by_hand(f, 0);
}

/* The page that is to become a TCS, with contents that EACCEPT likes. */
static struct sgx_tcs *legal_tcs(struct fixture *f)
{
	struct sgx_tcs *tcs = epc_ptr(f, TARGET_PAGE);

	memset(tcs, 0, sizeof(*tcs));
	tcs->nssa = 1;
	tcs->fs_limit = 0xfff;
	tcs->gs_limit = 0xfff;
	return tcs;
}

/* No tracking is needed: nobody could have had a translation. */
static void eaccept_pending_page_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	assert_int_equal(target_state(f), EPCM_VALID | REG | RW);
}

static void eaccept_reduced_rights_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODPR, EPCM_R);
	assert_int_equal(target_state(f), EPCM_VALID | REG | EPCM_R | EPCM_PR);
	track(f);
	expect_code(eaccept(f, REG | EPCM_R | EPCM_PR), 0);
	assert_int_equal(target_state(f), EPCM_VALID | REG | EPCM_R);
}

static void eaccept_trimmed_page_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODT, TRIM);
	track(f);
	expect_code(eaccept(f, TRIM | EPCM_MODIFIED), 0);
	assert_int_equal(target_state(f), EPCM_VALID | TRIM);
	/* Once is enough: now it is no page that waits. */
	expect_code(eaccept(f, TRIM | EPCM_MODIFIED), SGX_PAGE_ATTRIBUTES_MISMATCH);
}

static void eaccept_new_tcs_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	legal_tcs(f)->flags = SGX_TCS_AEXNOTIFY;
	modify(f, EMODT, TCS);
	track(f);
	expect_code(eaccept(f, TCS | EPCM_MODIFIED), 0);
	assert_int_equal(target_state(f), EPCM_VALID | TCS);
}

static void eaccept_secinfo_misaligned_or_outside_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_gp(enclu(f, EACCEPT, SECINFO + 32, TARGET_GVA, 0));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(enclu(f, EACCEPT, ram_gva(0), TARGET_GVA, 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPT, ENCLAVE_BASE - 64, TARGET_GVA, 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPT, ENCLAVE_BASE + ENCLAVE_SIZE, TARGET_GVA, 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPT, NON_CANONICAL, TARGET_GVA, 0));
	expect_refused_by(f, "x86_is_canonical");
}

static void eaccept_secinfo_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_epc(f, SECINFO, 5, PTE_P);
	expect_pfo(eaccept(f, PENDING_RW), SECINFO, PFERR_USER_MASK | PFERR_PRESENT_MASK);
	unmap(f, SECINFO);
	expect_pfo(eaccept(f, PENDING_RW), SECINFO, PFERR_USER_MASK);
}

static void eaccept_secinfo_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_ram(f, SECINFO, 3);
	expect_pfx(eaccept(f, PENDING_RW), SECINFO, ENCLU_READ);
	expect_refused_by(f, "*e");
}

static void eaccept_secinfo_page_not_readable_sgx_pf(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint64_t clear, set;
	} spoil[] = {
		{EPCM_VALID, 0},
		{EPCM_R, 0},
		{0, EPCM_PENDING},
		{0, EPCM_MODIFIED},
		{0, EPCM_BLOCKED},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TCS)},
		{EPCM_PT_MASK, EPCM_PT(SGX_PAGE_TYPE_TRIM)},
	};
	uint64_t good;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	good = epcm_state(epcm_of(f, 5));
	for (unsigned int i = 0; i < ARRAY_SIZE(spoil); i++) {
		change_state(f, 5, spoil[i].clear, spoil[i].set);
		expect_pfx(eaccept(f, PENDING_RW), SECINFO, ENCLU_READ);
		expect_refused_by(f, "epcm_allows");
		atomic_store(&epcm_of(f, 5)->state, good);
	}
	/* Another page of this enclave, then another enclave's at the same place. */
	map_epc(f, SECINFO, 4, PTE_ALL);
	expect_pfx(eaccept(f, PENDING_RW), SECINFO, ENCLU_READ);
	expect_refused_by(f, "epcm_allows");
	map_epc(f, SECINFO, 21, PTE_ALL);
	atomic_store(&epcm_of(f, 21)->linaddr, SECINFO);
	expect_pfx(eaccept(f, PENDING_RW), SECINFO, ENCLU_READ);
	expect_refused_by(f, "epcm_allows");
}

static void eaccept_secinfo_reserved_gp(void **state)
{
	struct fixture *f = *state;
	static const uint64_t reserved[] = {BIT64(6), BIT64(7), BIT64(16), BIT64(63)};

	legal(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(reserved); i++) {
		expect_gp(eaccept(f, PENDING_RW | reserved[i]));
		expect_refused_by(f, "secinfo_has_only");
	}
	set_enclave_secinfo(f, PENDING_RW)->reserved[0] = 1;
	expect_gp(enclu(f, EACCEPT, SECINFO, TARGET_GVA, 0));
	expect_refused_by(f, "secinfo_has_only");
	set_enclave_secinfo(f, PENDING_RW)->reserved[55] = 1;
	expect_gp(enclu(f, EACCEPT, SECINFO, TARGET_GVA, 0));
	expect_refused_by(f, "secinfo_has_only");
}

static void eaccept_target_misaligned_or_outside_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	set_enclave_secinfo(f, PENDING_RW);
	expect_gp(enclu(f, EACCEPT, SECINFO, TARGET_GVA + 8, 0));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(enclu(f, EACCEPT, SECINFO, ram_gva(3), 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPT, SECINFO, ENCLAVE_BASE + ENCLAVE_SIZE, 0));
	expect_refused_by(f, "sgx_in_elrange");
	expect_gp(enclu(f, EACCEPT, SECINFO, NON_CANONICAL, 0));
	expect_refused_by(f, "x86_is_canonical");
}

/* All of SECINFO ranks before all of the target. */
static void eaccept_secinfo_and_target_spoiled_secinfo_wins(void **state)
{
	struct fixture *f = *state;

	legal(f);
	set_enclave_secinfo(f, PENDING_RW);
	change_state(f, 5, 0, EPCM_BLOCKED);
	expect_pfx(enclu(f, EACCEPT, SECINFO, TARGET_GVA + 8, 0), SECINFO, ENCLU_READ);
	change_state(f, 5, EPCM_BLOCKED, 0);
	unmap(f, TARGET_GVA);
	expect_gp(eaccept(f, PENDING_RW | BIT64(63)));
	expect_refused_by(f, "secinfo_has_only");
}

/* Linux answers this fault with EAUG: a read from user mode, without bit 15. */
static void eaccept_target_not_mapped_ordinary_pf_4(void **state)
{
	struct fixture *f = *state;

	legal(f);
	unmap(f, TARGET_GVA);
	expect_pf(eaccept(f, PENDING_RW), TARGET_GVA, 4);
	/* The walk ranks before the request, and a read-only mapping will do. */
	expect_pf(eaccept(f, REG), TARGET_GVA, 4);
	map_epc(f, TARGET_GVA, TARGET_PAGE, PTE_P | PTE_U);
	expect_code(eaccept(f, PENDING_RW), 0);
}

static void eaccept_target_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	map_ram(f, TARGET_GVA, 3);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "*e");
	expect_pfx(eaccept(f, REG), TARGET_GVA, ENCLU_READ);
}

/* Every type and state that can be asked for, with a page that matches. */
static void eaccept_request_of_no_sgx2_leaf_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	legal_tcs(f);
	for (unsigned int pt = 0; pt < 256; pt++) {
		for (uint64_t bits = 0; bits < 8; bits++) {
			bool pending = bits & 1, modified = bits & 2, pr = bits & 4;
			bool wanted = (pt == 2 && !modified && (pr || pending)) ||
				      ((pt == 1 || pt == 4) && !pr && !pending && modified);
			uint64_t flags = (uint64_t)pt << 8 | bits << 3;

			atomic_store(&epcm_of(f, TARGET_PAGE)->state,
				     epcm_with_epoch(EPCM_VALID | flags, UINT32_MAX));
			if (wanted) {
				expect_code(eaccept(f, flags), 0);
				assert_int_equal(target_state(f), EPCM_VALID | (uint64_t)pt << 8);
			} else {
				expect_gp(eaccept(f, flags));
				expect_refused_by(f, "is_request");
			}
		}
	}
}

static void eaccept_target_not_own_sgx_pf(void **state)
{
	struct fixture *f = *state;
	uint64_t good;

	legal(f);
	good = epcm_state(epcm_of(f, TARGET_PAGE));
	change_state(f, TARGET_PAGE, EPCM_VALID, 0);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "is_own_page");
	atomic_store(&epcm_of(f, TARGET_PAGE)->state, good | EPCM_BLOCKED);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "is_own_page");
	atomic_store(&epcm_of(f, TARGET_PAGE)->state, good);
	map_epc(f, TARGET_GVA, 0, PTE_ALL);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "is_own_page");
	use_cpu(f, 0);
	expect_ok(encls(f, EPA, SGX_PAGE_TYPE_VA, epc_gva(30), 0));
	use_cpu(f, 1);
	map_epc(f, TARGET_GVA, 30, PTE_ALL);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "is_own_page");
}

/* A page of another enclave is a fault even while it is in use. */
static void eaccept_target_of_other_enclave_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal(f);
	make_tiny_enclave(f, 16, ENCLAVE2_BASE);
	aug_page(f, 16, 24, ENCLAVE2_BASE + PAGES(8));
	map_epc(f, TARGET_GVA, 24, PTE_ALL);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	expect_refused_by(f, "is_own_page");
	hold_page(f, 24, EPCM_LOCK_EXCL);
	expect_pfx(eaccept(f, PENDING_RW), TARGET_GVA, ENCLU_READ);
	let_go(f, 24, EPCM_LOCK_EXCL);
}

static void eaccept_target_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal(f);
	hold_page(f, TARGET_PAGE, EPCM_LOCK_EXCL);
	expect_gp(eaccept(f, PENDING_RW));
	expect_refused_by(f, "epcm_lock_sgx2");
	let_go(f, TARGET_PAGE, EPCM_LOCK_EXCL);
	hold_page(f, TARGET_PAGE, EPCM_LOCK_SGX2);
	expect_gp(eaccept(f, PENDING_RW));
	expect_refused_by(f, "epcm_lock_sgx2");
	/* Before the attributes are compared. */
	expect_gp(eaccept(f, PENDING_RW | EPCM_X));
	let_go(f, TARGET_PAGE, EPCM_LOCK_SGX2);
	hold_page(f, TARGET_PAGE, 1);
	expect_code(eaccept(f, PENDING_RW), 0);
	let_go(f, TARGET_PAGE, 1);
}

static void eaccept_attributes_differ_mismatch(void **state)
{
	struct fixture *f = *state;
	static const uint64_t requests[] = {
		PENDING_RW & ~EPCM_R,      PENDING_RW & ~EPCM_W,
		PENDING_RW | EPCM_X,       (PENDING_RW & ~EPCM_PENDING) | EPCM_PR,
		TRIM | EPCM_MODIFIED,      TCS | EPCM_MODIFIED,
		TRIM | RW | EPCM_MODIFIED,
	};

	legal(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
		expect_code(eaccept(f, requests[i]), SGX_PAGE_ATTRIBUTES_MISMATCH);
		expect_refused_by(f, "same");
	}
	atomic_store(&epcm_of(f, TARGET_PAGE)->linaddr, TARGET_GVA + SGX_PAGE_SIZE);
	expect_code(eaccept(f, PENDING_RW), SGX_PAGE_ATTRIBUTES_MISMATCH);
	expect_refused_by(f, "same");
}

/* PR only says what the enclave expects to have happened. */
static void eaccept_pr_differs_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW | EPCM_PR), 0);
	expect_code(eaccept(f, REG | RW | EPCM_PR), 0);
	assert_int_equal(target_state(f), EPCM_VALID | REG | RW);
}

/* The kernel may restrict what the enclave did not ask for: other rights, other code. */
static void eaccept_other_rights_than_emodpr_mismatch(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODPR, EPCM_R);
	expect_code(eaccept(f, REG | RW | EPCM_PR), SGX_PAGE_ATTRIBUTES_MISMATCH);
	/* Tracking would be missing too. */
	expect_code(eaccept(f, REG | EPCM_R | EPCM_PR), SGX_NOT_TRACKED);
}

/* ETRACK alone is not enough for threads that are inside, the caller among them. */
static void eaccept_without_tracking_not_tracked(void **state)
{
	struct fixture *f = *state;
	const uint64_t request = TRIM | EPCM_MODIFIED;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	use_cpu(f, 2);
	enter_by_hand(f, 0);
	modify(f, EMODT, TRIM);
	expect_code(eaccept(f, request), SGX_NOT_TRACKED);
	expect_refused_by(f, "is_tracked");
	track_new_epoch(epcm_of(f, 0));
	expect_code(eaccept(f, request), SGX_NOT_TRACKED);
	leave_by_hand(f);
	enter_by_hand(f, 0);
	expect_code(eaccept(f, request), SGX_NOT_TRACKED);
	use_cpu(f, 2);
	leave_by_hand(f);
	enter_by_hand(f, 0);
	use_cpu(f, 1);
	expect_code(eaccept(f, request), 0);
}

static void eaccept_restricted_without_tracking_not_tracked(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODPR, EPCM_R);
	expect_code(eaccept(f, REG | EPCM_R | EPCM_PR), SGX_NOT_TRACKED);
	leave_by_hand(f);
	enter_by_hand(f, 0);
	expect_code(eaccept(f, REG | EPCM_R | EPCM_PR), SGX_NOT_TRACKED);
	track(f);
	expect_code(eaccept(f, REG | EPCM_R | EPCM_PR), 0);
}

static void eaccept_illegal_tcs_gp(void **state)
{
	struct fixture *f = *state;
	const uint64_t request = TCS | EPCM_MODIFIED;
	struct sgx_tcs *tcs;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODT, TCS);
	/* What the page holds counts only once it cannot change any more. */
	legal_tcs(f)->aep = 1;
	expect_code(eaccept(f, request), SGX_NOT_TRACKED);
	track(f);

#define SPOILED(rule, ...)                      \
	do {                                    \
		tcs = legal_tcs(f);             \
		__VA_ARGS__;                    \
		expect_gp(eaccept(f, request)); \
		expect_refused_by(f, rule);     \
	} while (0)

	SPOILED("tcs_reserved_is_zero", tcs->ocetssa = 1);
	SPOILED("tcs_reserved_is_zero", tcs->prevssp = 1);
	SPOILED("tcs_reserved_is_zero", tcs->reserved[0] = 1);
	SPOILED("tcs_reserved_is_zero", tcs->reserved[4007] = 1);
	SPOILED("tcs->flags", tcs->flags = SGX_TCS_DBGOPTIN);
	SPOILED("tcs->flags", tcs->flags = BIT64(2));
	SPOILED("tcs->flags", tcs->flags = BIT64(63));
	SPOILED("tcs->cssa", tcs->cssa = 1);
	SPOILED("tcs->cssa", tcs->nssa = 0);
	SPOILED("tcs->aep", tcs->aep = 1);
	SPOILED("tcs->state", tcs->state = SGX_TCS_ACTIVE);
	f->cpuid->attributes &= ~SGX_ATTR_AEXNOTIFY;
	SPOILED("tcs->flags", tcs->flags = SGX_TCS_AEXNOTIFY);
#undef SPOILED
	tcs = legal_tcs(f);
	tcs->cssa = 1;
	tcs->nssa = 2;
	expect_code(eaccept(f, request), 0);
}

static void eaccept_tcs_limits_of_32bit_enclave_gp(void **state)
{
	struct fixture *f = *state;
	const uint64_t request = TCS | EPCM_MODIFIED;
	struct sgx_secs *secs;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	modify(f, EMODT, TCS);
	track(f);
	secs = epc_ptr(f, 0);
	secs->attributes &= ~SGX_ATTR_MODE64BIT;
	legal_tcs(f)->fs_limit = 0xffe;
	expect_gp(eaccept(f, request));
	expect_refused_by(f, "tcs_limits_are_legal");
	legal_tcs(f)->gs_limit = 0x7ff;
	expect_gp(eaccept(f, request));
	expect_refused_by(f, "tcs_limits_are_legal");
	secs->attributes |= SGX_ATTR_MODE64BIT;
	expect_code(eaccept(f, request), 0);
}

/* The bytes of a TCS do not matter to a page that is to go. */
static void eaccept_trim_with_tcs_garbage_ok(void **state)
{
	struct fixture *f = *state;

	legal(f);
	expect_code(eaccept(f, PENDING_RW), 0);
	memset(epc_ptr(f, TARGET_PAGE), 0xff, SGX_PAGE_SIZE);
	modify(f, EMODT, TRIM);
	track(f);
	expect_code(eaccept(f, TRIM | EPCM_MODIFIED), 0);
}

const struct CMUnitTest eaccept_tests[] = {
	sgx_test(eaccept_pending_page_ok),
	sgx_test(eaccept_reduced_rights_ok),
	sgx_test(eaccept_trimmed_page_ok),
	sgx_test(eaccept_new_tcs_ok),
	sgx_test(eaccept_secinfo_misaligned_or_outside_gp),
	sgx_test(eaccept_secinfo_not_mapped_ordinary_pf),
	sgx_test(eaccept_secinfo_not_epc_sgx_pf),
	sgx_test(eaccept_secinfo_page_not_readable_sgx_pf),
	sgx_test(eaccept_secinfo_reserved_gp),
	sgx_test(eaccept_target_misaligned_or_outside_gp),
	sgx_test(eaccept_secinfo_and_target_spoiled_secinfo_wins),
	sgx_test(eaccept_target_not_mapped_ordinary_pf_4),
	sgx_test(eaccept_target_not_epc_sgx_pf),
	sgx_test(eaccept_request_of_no_sgx2_leaf_gp),
	sgx_test(eaccept_target_not_own_sgx_pf),
	sgx_test(eaccept_target_of_other_enclave_sgx_pf),
	sgx_test(eaccept_target_in_use_gp),
	sgx_test(eaccept_attributes_differ_mismatch),
	sgx_test(eaccept_pr_differs_ok),
	sgx_test(eaccept_other_rights_than_emodpr_mismatch),
	sgx_test(eaccept_without_tracking_not_tracked),
	sgx_test(eaccept_restricted_without_tracking_not_tracked),
	sgx_test(eaccept_illegal_tcs_gp),
	sgx_test(eaccept_tcs_limits_of_32bit_enclave_gp),
	sgx_test(eaccept_trim_with_tcs_garbage_ok),
};
const size_t eaccept_test_count = ARRAY_SIZE(eaccept_tests);
