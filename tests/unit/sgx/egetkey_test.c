// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EGETKEY", one test for each line of its checks, and their order. */
#include "tests.h"
#include "inside.h"

static const struct recipe recipe_plain = {
	.attributes = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG,
	.isv_svn = 7,
};

static void egetkey_legal_changes_key_only(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_SEAL);
	uint8_t key[SGX_KEY_SIZE];
	uint8_t *out;

	enter_new_enclave(f, &recipe_all);
	out = inside_ptr(f, align_down(KEY_GVA(f), SGX_PAGE_SIZE));
	memset(out, 0x99, SGX_PAGE_SIZE);
	expect_key(f, &request, key);
	memset(out + KEY_GVA(f) % SGX_PAGE_SIZE, 0x99, sizeof(key));
	for (unsigned int i = 0; i < SGX_PAGE_SIZE; i++)
		assert_int_equal(out[i], 0x99);
	assert_memory_equal(inside_ptr(f, KEYREQUEST_GVA(f)), &request, sizeof(request));
}

static void egetkey_operands_checked(void **state)
{
	struct fixture *f = *state;
	uint64_t op[3] = {0};

	enter_new_enclave(f, &recipe_all);
	op[0] = KEYREQUEST_GVA(f);
	op[1] = KEY_GVA(f);
	expect_operand_checked(f, EGETKEY, op, 0, 512, ENCLU_READ);
	expect_operand_checked(f, EGETKEY, op, 1, 16, ENCLU_WRITE);
}

/* The request's page, then the key's, then what the request says. */
static void egetkey_operands_in_order(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = {.keyname = 5, .reserved1 = 1};
	gva_t in, out;

	enter_new_enclave(f, &recipe_all);
	in = KEYREQUEST_GVA(f);
	out = KEY_GVA(f);
	memcpy(inside_ptr(f, in), &request, sizeof(request));
	epcm_of(f, 4)->state |= EPCM_BLOCKED;
	expect_pfx(enclu(f, EGETKEY, in, out, 0), out, ENCLU_WRITE);
	epcm_of(f, 2)->state |= EPCM_PENDING;
	expect_pfx(enclu(f, EGETKEY, in, out + 8, 0), in, ENCLU_READ);
}

/* SDM "Concurrency Restrictions": other leaves on the operands' pages do not count. */
static void egetkey_operands_in_use_ok(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_SEAL);
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	for (unsigned int i = 0; i < INSIDE_PAGES; i++)
		hold_page(f, i, EPCM_LOCK_EXCL);
	expect_key(f, &request, key);
}

/* Everything else is wrong with the requests, too: reserved bits come first. */
static void egetkey_reserved_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_plain);
#define SPOILED(rule, ...)                            \
	do {                                          \
		request = key_request(5);             \
		__VA_ARGS__;                          \
		expect_gp(get_key(f, &request, key)); \
		expect_refused_by(f, rule);           \
	} while (0)

	SPOILED("reserved1", request.reserved1 = 1);
	SPOILED("reserved2", request.reserved2[0] = 1);
	SPOILED("reserved2", request.reserved2[433] = 0x80);
	SPOILED("cet_attributes_mask", request.cet_attributes_mask = 1);
	SPOILED("KEYPOLICY_RESERVED", request.keypolicy = 0x40);
	SPOILED("KEYPOLICY_RESERVED", request.keypolicy = 0x8000);
#undef SPOILED
}

static void egetkey_kss_fields_without_kss_gp(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_plain);
	for (unsigned int bit = 2; bit < 6; bit++) {
		request = key_request(5);
		request.keypolicy = (uint16_t)(1 << bit);
		expect_gp(get_key(f, &request, key));
		expect_refused_by(f, "SGX_KEYPOLICY_KSS");
	}
	request = key_request(5);
	request.config_svn = 1;
	expect_gp(get_key(f, &request, key));
	expect_refused_by(f, "!request->config_svn");
	request = key_request(SGX_KEYNAME_SEAL);
	request.keypolicy = SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER;
	expect_key(f, &request, key);
}

static void egetkey_unknown_name_invalid_keyname(void **state)
{
	struct fixture *f = *state;
	static const uint16_t names[] = {5, 6, 0x100, 0xffff};
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_plain);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		request = key_request(names[i]);
		request.cpusvn[0] = 0xff;
		expect_code(get_key(f, &request, key), SGX_INVALID_KEYNAME);
	}
}

/* The right to a key comes before its versions. */
static void egetkey_key_not_granted_invalid_attribute(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_plain);
	for (uint16_t name = 0; name < SGX_KEYNAME_REPORT; name++) {
		request = key_request(name);
		request.cpusvn[0] = 0xff;
		request.isv_svn = 0xffff;
		expect_code(get_key(f, &request, key), SGX_INVALID_ATTRIBUTE);
		expect_refused_by(f, name ? "SGX_ATTR_PROVISIONKEY" : "SGX_ATTR_EINITTOKENKEY");
	}
}

/* Each key with each attribute alone: no other right helps. */
static void egetkey_attribute_grants_its_keys_only(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];
	struct sgx_secs *secs;

	enter_new_enclave(f, &recipe_all);
	secs = epc_ptr(f, 0);
	secs->attributes &= ~SGX_ATTR_PROVISIONKEY;
	request = key_request(SGX_KEYNAME_EINITTOKEN);
	expect_key(f, &request, key);
	request = key_request(SGX_KEYNAME_PROVISION);
	expect_code(get_key(f, &request, key), SGX_INVALID_ATTRIBUTE);
	request = key_request(SGX_KEYNAME_PROVISION_SEAL);
	expect_code(get_key(f, &request, key), SGX_INVALID_ATTRIBUTE);
	secs->attributes ^= SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY;
	expect_key(f, &request, key);
	request = key_request(SGX_KEYNAME_PROVISION);
	expect_key(f, &request, key);
	request = key_request(SGX_KEYNAME_EINITTOKEN);
	expect_code(get_key(f, &request, key), SGX_INVALID_ATTRIBUTE);
}

/* One component above the current one is enough, however low the others; before ISVSVN. */
static void egetkey_future_cpusvn_invalid_cpusvn(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	for (uint16_t name = 0; name < NR_KEYNAMES; name++) {
		struct sgx_keyrequest request = key_request(name);

		request.isv_svn = 8;
		request.config_svn = 8;
		for (unsigned int i = 0; i < SGX_CPUSVN_SIZE; i++) {
			memset(request.cpusvn, 0, sizeof(request.cpusvn));
			request.cpusvn[i] = 3;
			if (name == SGX_KEYNAME_REPORT)
				expect_key(f, &request, key);
			else
				expect_code(get_key(f, &request, key), SGX_INVALID_CPUSVN);
		}
		request = key_request(name);
		memset(request.cpusvn, 0x02, sizeof(request.cpusvn));
		expect_key(f, &request, key);
	}
}

/* ISVSVN before CONFIGSVN; the enclave's own versions are the last that are legal. */
static void egetkey_future_isvsvn_or_configsvn_invalid_isvsvn(void **state)
{
	struct fixture *f = *state;
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	for (uint16_t name = 0; name < NR_KEYNAMES; name++) {
		struct sgx_keyrequest request = key_request(name);
		bool config = name == SGX_KEYNAME_PROVISION_SEAL || name == SGX_KEYNAME_SEAL;

		request.isv_svn = 8;
		request.config_svn = 8;
		if (name == SGX_KEYNAME_REPORT) {
			expect_key(f, &request, key);
			continue;
		}
		expect_code(get_key(f, &request, key), SGX_INVALID_ISVSVN);
		expect_refused_by(f, "secs->isv_svn");
		request.isv_svn = 7;
		if (config) {
			expect_code(get_key(f, &request, key), SGX_INVALID_ISVSVN);
			expect_refused_by(f, "secs->config_svn");
			request.config_svn = 7;
		}
		expect_key(f, &request, key);
	}
}

static void egetkey_outside_enclave_gp(void **state)
{
	struct fixture *f = *state;
	gva_t in, out;

	enter_new_enclave(f, &recipe_all);
	in = KEYREQUEST_GVA(f);
	out = KEY_GVA(f);
	go_outside(f);
	expect_gp(enclu(f, EGETKEY, in, out, 0));
}

static void egetkey_watched_output_notifies(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_REPORT);
	uint8_t key[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	f->embedder->notices = 0;
	for (unsigned int i = 0; i < INSIDE_PAGES; i++)
		sgx_watch_page(f->platform, EPC_HPA + PAGES(i));
	expect_key(f, &request, key);
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA + PAGES(4));
}

const struct CMUnitTest egetkey_tests[] = {
	sgx_test(egetkey_legal_changes_key_only),
	sgx_test(egetkey_operands_checked),
	sgx_test(egetkey_operands_in_order),
	sgx_test(egetkey_operands_in_use_ok),
	sgx_test(egetkey_reserved_gp),
	sgx_test(egetkey_kss_fields_without_kss_gp),
	sgx_test(egetkey_unknown_name_invalid_keyname),
	sgx_test(egetkey_key_not_granted_invalid_attribute),
	sgx_test(egetkey_attribute_grants_its_keys_only),
	sgx_test(egetkey_future_cpusvn_invalid_cpusvn),
	sgx_test(egetkey_future_isvsvn_or_configsvn_invalid_isvsvn),
	sgx_test(egetkey_outside_enclave_gp),
	sgx_test(egetkey_watched_output_notifies),
};
const size_t egetkey_test_count = ARRAY_SIZE(egetkey_tests);
