// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EREPORT": its operands, the report, and who can verify it. */
#include "tests.h"
#include "inside.h"

#define FIRST_B 10 /* EPC page of the second enclave's SECS */

static const struct recipe recipe_a = {
	.attributes = INSIDE_ATTRIBUTES,
	.fill = 0xa1,
	.config_id = 0xc1,
	.config_svn = 11,
	.isv_svn = 7,
	.isv_family_id = 0xf1,
	.isv_ext_prod_id = 0xe1,
};

static const struct recipe recipe_b = {
	.attributes = INSIDE_ATTRIBUTES,
	.signer = SIGNER_B,
	.fill = 0xb2,
	.config_id = 0xc2,
	.config_svn = 12,
	.isv_svn = 8,
};

static const uint8_t data[SGX_REPORTDATA_SIZE] = "what the reporter says";

/* Inside enclave A, B exists. */
static void two_enclaves(struct fixture *f)
{
	make_signed_enclave(f, 0, ENCLAVE_BASE, &recipe_a);
	make_signed_enclave(f, FIRST_B, ENCLAVE2_BASE, &recipe_b);
	go_inside(f, 0);
}

static void ereport_legal_tells_identity(void **state)
{
	struct fixture *f = *state;
	uint8_t family[16], ext_prod[16], config[SGX_CONFIGID_SIZE];
	const struct sgx_secs *secs;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	secs = epc_ptr(f, 0);
	target = target_of(f, FIRST_B);
	expect_ok(get_report(f, &target, data, &report));
	assert_memory_equal(report.cpusvn, f->platform->identity.cpusvn, SGX_CPUSVN_SIZE);
	assert_int_equal(report.miscselect, SGX_MISC_EXINFO);
	assert_int_equal(report.attributes, INSIDE_ATTRIBUTES | SGX_ATTR_INIT);
	assert_int_equal(report.xfrm, 3);
	assert_memory_equal(report.mrenclave, secs->mrenclave, SGX_HASH_SIZE);
	assert_memory_equal(report.mrsigner, secs->mrsigner, SGX_HASH_SIZE);
	memset(config, 0xc1, sizeof(config));
	assert_memory_equal(report.config_id, config, sizeof(config));
	assert_int_equal(report.isv_prod_id, 5);
	assert_int_equal(report.isv_svn, 7);
	assert_int_equal(report.config_svn, 11);
	memset(family, 0xf1, sizeof(family));
	memset(ext_prod, 0xe1, sizeof(ext_prod));
	assert_memory_equal(report.isv_family_id, family, sizeof(family));
	assert_memory_equal(report.isv_ext_prod_id, ext_prod, sizeof(ext_prod));
	assert_memory_equal(report.reportdata, data, sizeof(data));
	assert_memory_equal(report.keyid, f->platform->report_keyid, SGX_KEYID_SIZE);
	assert_int_equal(report.cet_attributes, 0);
	assert_true(is_zero(report.reserved1, sizeof(report.reserved1)));
	assert_true(is_zero(report.reserved2, sizeof(report.reserved2)));
	assert_true(is_zero(report.reserved3, sizeof(report.reserved3)));
	assert_true(is_zero(report.reserved4, sizeof(report.reserved4)));
}

/* SDM EREPORT: RAX, the flags and all but the 432 bytes of the report stay. */
static void ereport_legal_changes_report_only(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;
	uint64_t flags;
	uint8_t *out;

	two_enclaves(f);
	target = target_of(f, FIRST_B);
	f->state->rflags |= X86_EFLAGS_CF | X86_EFLAGS_ZF | X86_EFLAGS_OF;
	flags = f->state->rflags;
	out = inside_ptr(f, REPORT_GVA(f));
	memset(out, 0x99, SGX_PAGE_SIZE);
	expect_ok(get_report(f, &target, data, &report));
	assert_int_equal(f->state->rflags, flags);
	assert_int_equal(f->state->gpr[X86_RAX], UINT64_C(0xabcdef0000000000) | EREPORT);
	for (unsigned int i = sizeof(report); i < SGX_PAGE_SIZE; i++)
		assert_int_equal(out[i], 0x99);
}

static void ereport_operands_checked(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;
	uint64_t op[3];

	two_enclaves(f);
	op[0] = TARGETINFO_GVA(f);
	op[1] = REPORTDATA_GVA(f);
	op[2] = REPORT_GVA(f);
	expect_operand_checked(f, EREPORT, op, 0, 512, ENCLU_READ);
	expect_operand_checked(f, EREPORT, op, 1, 128, ENCLU_READ);
	expect_operand_checked(f, EREPORT, op, 2, 512, ENCLU_WRITE);
	target = target_of(f, FIRST_B);
	expect_ok(get_report(f, &target, data, &report));
}

/* All of one operand before anything of the next. */
static void ereport_operands_in_order(void **state)
{
	struct fixture *f = *state;
	gva_t target, text, out;

	two_enclaves(f);
	target = TARGETINFO_GVA(f);
	text = REPORTDATA_GVA(f);
	out = REPORT_GVA(f);
	epcm_of(f, 2)->state |= EPCM_BLOCKED;
	expect_pfx(enclu(f, EREPORT, target, text + 64, out + 256), target, ENCLU_READ);
	epcm_of(f, 2)->state &= ~EPCM_BLOCKED;
	unmap(f, align_down(text, SGX_PAGE_SIZE));
	expect_pfo(enclu(f, EREPORT, target, text, out + 256), text, ENCLU_READ);
}

/* SDM "Concurrency Restrictions": other leaves on the operands' pages do not count. */
static void ereport_operands_in_use_ok(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	target = target_of(f, FIRST_B);
	for (unsigned int i = 0; i < INSIDE_PAGES; i++)
		hold_page(f, i, EPCM_LOCK_EXCL);
	expect_ok(get_report(f, &target, data, &report));
}

static void ereport_verified_by_target_only(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	target = target_of(f, FIRST_B);
	expect_ok(get_report(f, &target, data, &report));
	assert_false(report_is_mine(f, &report));
	go_inside(f, FIRST_B);
	assert_true(report_is_mine(f, &report));
}

/* Each MACed byte of the report, and KEYID by way of the key. */
static void ereport_changed_report_not_verified(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	target = target_of(f, FIRST_B);
	expect_ok(get_report(f, &target, data, &report));
	go_inside(f, FIRST_B);
	for (unsigned int i = 0; i < sizeof(report); i += 7) {
		((uint8_t *)&report)[i] ^= 0x10;
		assert_false(report_is_mine(f, &report));
		((uint8_t *)&report)[i] ^= 0x10;
	}
	assert_true(report_is_mine(f, &report));
}

/* Every field of TARGETINFO names the target; its reserved bytes are nothing. */
static void ereport_target_fields_change_mac(void **state)
{
	static const struct {
		size_t at;
		bool counts;
	} bytes[] = {{0, true},   {31, true},   {32, true},  {39, true},  {40, true},
		     {47, true},  {50, true},   {51, true},  {52, true},  {55, true},
		     {64, true},  {127, true},  {48, false}, {49, false}, {56, false},
		     {63, false}, {128, false}, {511, false}};
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	for (unsigned int i = 0; i < ARRAY_SIZE(bytes); i++) {
		go_inside(f, 0);
		target = target_of(f, FIRST_B);
		((uint8_t *)&target)[bytes[i].at] ^= 0x04;
		expect_ok(get_report(f, &target, data, &report));
		go_inside(f, FIRST_B);
		assert_int_equal(report_is_mine(f, &report), !bytes[i].counts);
	}
}

/* An enclave may report to itself, even over its own operands. */
static void ereport_to_itself_in_place_verified(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	target = target_of(f, 0);
	memcpy(inside_ptr(f, TARGETINFO_GVA(f)), &target, sizeof(target));
	memcpy(inside_ptr(f, REPORTDATA_GVA(f)), data, sizeof(data));
	expect_ok(enclu(f, EREPORT, TARGETINFO_GVA(f), REPORTDATA_GVA(f), TARGETINFO_GVA(f)));
	memcpy(&report, inside_ptr(f, TARGETINFO_GVA(f)), sizeof(report));
	assert_true(report_is_mine(f, &report));
	assert_memory_equal(report.reportdata, data, sizeof(data));
}

/* Reports are of one boot: KEYID is another one after the next. */
static void ereport_keyid_differs_between_boots(void **state)
{
	struct fixture *f = *state;
	void *other;

	fixture_setup(&other);
	assert_memory_not_equal(f->platform->report_keyid,
				((struct fixture *)other)->platform->report_keyid, SGX_KEYID_SIZE);
	fixture_teardown(&other);
}

static void ereport_outside_enclave_gp(void **state)
{
	struct fixture *f = *state;
	gva_t target, text, out;

	two_enclaves(f);
	target = TARGETINFO_GVA(f);
	text = REPORTDATA_GVA(f);
	out = REPORT_GVA(f);
	go_outside(f);
	expect_gp(enclu(f, EREPORT, target, text, out));
}

static void ereport_watched_output_notifies(void **state)
{
	struct fixture *f = *state;
	struct sgx_targetinfo target;
	struct sgx_report report;

	two_enclaves(f);
	target = target_of(f, 0);
	f->embedder->notices = 0;
	for (unsigned int i = 0; i < INSIDE_PAGES; i++)
		sgx_watch_page(f->platform, EPC_HPA + PAGES(i));
	expect_ok(get_report(f, &target, data, &report));
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(4));
}

const struct CMUnitTest ereport_tests[] = {
	sgx_test(ereport_legal_tells_identity),
	sgx_test(ereport_legal_changes_report_only),
	sgx_test(ereport_operands_checked),
	sgx_test(ereport_operands_in_order),
	sgx_test(ereport_operands_in_use_ok),
	sgx_test(ereport_verified_by_target_only),
	sgx_test(ereport_changed_report_not_verified),
	sgx_test(ereport_target_fields_change_mac),
	sgx_test(ereport_to_itself_in_place_verified),
	sgx_test(ereport_keyid_differs_between_boots),
	sgx_test(ereport_outside_enclave_gp),
	sgx_test(ereport_watched_output_notifies),
};
const size_t ereport_test_count = ARRAY_SIZE(ereport_tests);
