// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EGETKEY": what each key depends on, and who gets the same one. */
#include "tests.h"
#include "inside.h"

#include "lib/crypto.h"

#include <stdio.h>

static void egetkey_legal_gives_five_different_keys(void **state)
{
	struct fixture *f = *state;
	uint8_t key[NR_KEYNAMES][SGX_KEY_SIZE], again[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	for (uint16_t i = 0; i < NR_KEYNAMES; i++) {
		struct sgx_keyrequest request = key_request(i);

		expect_key(f, &request, key[i]);
		expect_key(f, &request, again);
		assert_memory_equal(key[i], again, SGX_KEY_SIZE);
		assert_false(is_zero(key[i], SGX_KEY_SIZE));
		for (uint16_t j = 0; j < i; j++)
			assert_memory_not_equal(key[i], key[j], SGX_KEY_SIZE);
	}
}

/*
 * The serialisation of all dependencies, by another program and `openssl mac`:
 * whoever changes it takes all sealed data away.
 */
static void egetkey_known_dependencies_known_keys(void **state)
{
	static const char *const known[NR_KEYNAMES] = {
		[SGX_KEYNAME_EINITTOKEN] = "58df850c1202a4a4dc826e446aac80ad",
		[SGX_KEYNAME_PROVISION] = "6aa5b9dd75e2fcbfebc030badf2ff8b2",
		[SGX_KEYNAME_PROVISION_SEAL] = "cb1e0c7b674a280053965e6cd5c4ff25",
		[SGX_KEYNAME_REPORT] = "bb3050228432d675a07686eecbd8750f",
		[SGX_KEYNAME_SEAL] = "77cbe38f858f65cb99d4ffcc44c9d1d9",
	};
	struct fixture *f = *state;
	struct sgx_secs *secs;

	enter_new_enclave(f, &recipe_all);
	secs = epc_ptr(f, 0);
	memset(secs->mrenclave, 0xa3, sizeof(secs->mrenclave));
	memset(secs->mrsigner, 0xa4, sizeof(secs->mrsigner));
	for (uint16_t name = 0; name < NR_KEYNAMES; name++) {
		struct sgx_keyrequest request = key_request(name);
		uint8_t key[SGX_KEY_SIZE];
		char hex[2 * SGX_KEY_SIZE + 1];

		request.keypolicy = 0x3f;
		request.config_svn = 3;
		expect_key(f, &request, key);
		for (unsigned int i = 0; i < sizeof(key); i++)
			snprintf(hex + 2 * i, 3, "%02x", key[i]);
		assert_string_equal(hex, known[name]);
	}
}

/* What a key is made of; the fields that one column of the table of keys may name. */
enum part {
	SECS,
	HIDDEN, /* of the SECS */
	REQUEST,
	IDENTITY,
};

#define IN_SECS(field)     SECS, offsetof(struct sgx_secs, field)
#define IN_HIDDEN(field)   HIDDEN, offsetof(struct secs_hidden, field)
#define IN_REQUEST(field)  REQUEST, offsetof(struct sgx_keyrequest, field)
#define IN_IDENTITY(field) IDENTITY, offsetof(struct sgx_identity, field)

/*
 * The table of EGETKEY's keys by the bits of a byte that are flipped: for
 * EINITTOKEN, PROVISION, PROVISION_SEAL, REPORT and SEAL, '*' depends on it, '-'
 * does not, a digit does if that bit of KEYPOLICY is set, '!' unless
 * NOISVPRODID is. The processor has AEXNOTIFY and YMM, the enclave has not.
 */
static const struct dependency {
	const char *name;
	enum part part;
	size_t at;
	uint8_t flip;
	char keys[NR_KEYNAMES + 1];
} dependencies[] = {
	{"isv_family_id", IN_HIDDEN(isv_family_id), 1, "--4-4"},
	{"isv_family_id end", IN_HIDDEN(isv_family_id) + 15, 1, "--4-4"},
	{"isv_ext_prod_id", IN_HIDDEN(isv_ext_prod_id), 1, "--5-5"},
	{"isv_ext_prod_id end", IN_HIDDEN(isv_ext_prod_id) + 15, 1, "--5-5"},
	{"isv_prod_id", IN_SECS(isv_prod_id), 1, "**!-!"},
	{"isv_svn", IN_SECS(isv_svn), 8, "-----"},
	{"requested isv_svn", IN_REQUEST(isv_svn), 1, "***-*"},
	{"owner epoch", IN_IDENTITY(owner_epoch), 1, "*--**"},
	{"owner epoch end", IN_IDENTITY(owner_epoch) + 15, 1, "*--**"},
	{"DEBUG", IN_SECS(attributes), SGX_ATTR_DEBUG, "*****"},
	{"INIT", IN_SECS(attributes), SGX_ATTR_INIT, "*****"},
	{"attribute in mask", IN_SECS(attributes), SGX_ATTR_MODE64BIT, "*****"},
	{"attribute outside", IN_SECS(attributes) + 1, SGX_ATTR_AEXNOTIFY >> 8, "---*-"},
	{"xfrm in mask", IN_SECS(xfrm), XFEATURE_MASK_SSE, "*****"},
	{"xfrm outside", IN_SECS(xfrm), XFEATURE_MASK_YMM, "---*-"},
	{"mask of attribute set", IN_REQUEST(attributes_mask), SGX_ATTR_MODE64BIT, "***-*"},
	{"mask of attribute clear", IN_REQUEST(attributes_mask) + 1, SGX_ATTR_AEXNOTIFY >> 8,
	 "-**-*"},
	{"mask of DEBUG", IN_REQUEST(attributes_mask), SGX_ATTR_DEBUG, "-**-*"},
	{"mask of xfrm set", IN_REQUEST(xfrm_mask), XFEATURE_MASK_SSE, "***-*"},
	{"mask of xfrm clear", IN_REQUEST(xfrm_mask), XFEATURE_MASK_YMM, "-**-*"},
	{"mrenclave", IN_SECS(mrenclave), 1, "---*0"},
	{"mrenclave end", IN_SECS(mrenclave) + 31, 1, "---*0"},
	{"mrsigner", IN_SECS(mrsigner), 1, "***-1"},
	{"mrsigner end", IN_SECS(mrsigner) + 31, 1, "***-1"},
	{"keyid", IN_REQUEST(keyid), 1, "*--**"},
	{"keyid end", IN_REQUEST(keyid) + 31, 1, "*--**"},
	{"fuses", IN_IDENTITY(seal_fuses), 1, "*-***"},
	{"fuses end", IN_IDENTITY(seal_fuses) + 15, 1, "*-***"},
	{"requested cpusvn", IN_REQUEST(cpusvn), 1, "***-*"},
	{"requested cpusvn end", IN_REQUEST(cpusvn) + 15, 1, "***-*"},
	{"current cpusvn", IN_IDENTITY(cpusvn), 1, "---*-"},
	{"current cpusvn end", IN_IDENTITY(cpusvn) + 15, 1, "---*-"},
	{"padding", IN_HIDDEN(padding), 1, "***-*"},
	{"padding end", IN_HIDDEN(padding) + 351, 1, "***-*"},
	{"miscselect in mask", IN_SECS(miscselect), SGX_MISC_EXINFO, "*****"},
	{"miscselect outside", IN_SECS(miscselect), SGX_MISC_CPINFO, "---*-"},
	{"mask of miscselect set", IN_REQUEST(miscmask), SGX_MISC_EXINFO, "***-*"},
	{"mask of miscselect clear", IN_REQUEST(miscmask), SGX_MISC_CPINFO, "-**-*"},
	{"policy MRENCLAVE", IN_REQUEST(keypolicy), 1 << 0, "--*-*"},
	{"policy MRSIGNER", IN_REQUEST(keypolicy), 1 << 1, "--*-*"},
	{"policy NOISVPRODID", IN_REQUEST(keypolicy), 1 << 2, "--*-*"},
	{"policy CONFIGID", IN_REQUEST(keypolicy), 1 << 3, "--*-*"},
	{"policy ISVFAMILYID", IN_REQUEST(keypolicy), 1 << 4, "--*-*"},
	{"policy ISVEXTPRODID", IN_REQUEST(keypolicy), 1 << 5, "--*-*"},
	{"config_id", IN_SECS(config_id), 1, "--3*3"},
	{"config_id end", IN_SECS(config_id) + 63, 1, "--3*3"},
	{"config_svn", IN_SECS(config_svn), 8, "---*-"},
	{"requested config_svn", IN_REQUEST(config_svn), 1, "--3-3"},
	{"root key", IN_IDENTITY(root_key), 1, "*--**"},
	{"provisioning root key", IN_IDENTITY(provisioning_root_key), 1, "-**--"},
	{"size", IN_SECS(size), 1, "-----"},
	{"base", IN_SECS(base), 1, "-----"},
	{"ssa_frame_size", IN_SECS(ssa_frame_size), 1, "-----"},
};

static bool depends(char how, uint16_t policy)
{
	switch (how) {
	case '*':
		return true;
	case '-':
		return false;
	case '!':
		return !(policy & SGX_KEYPOLICY_NOISVPRODID);
	default:
		return policy & (1 << (how - '0'));
	}
}

static uint8_t *part_of(struct fixture *f, struct sgx_keyrequest *request, enum part part)
{
	switch (part) {
	case SECS:
		return epc_ptr(f, 0);
	case HIDDEN:
		return (uint8_t *)secs_hidden(epc_ptr(f, 0));
	case REQUEST:
		return (uint8_t *)request;
	case IDENTITY:
		return (uint8_t *)&f->platform->identity;
	}
	return NULL;
}

static void check_dependencies(struct fixture *f, uint16_t keyname, uint16_t policy)
{
	struct sgx_keyrequest request = key_request(keyname);
	uint8_t before[SGX_KEY_SIZE], after[SGX_KEY_SIZE];

	request.keypolicy = policy;
	request.config_svn = 3;
	expect_key(f, &request, before);
	for (unsigned int i = 0; i < ARRAY_SIZE(dependencies); i++) {
		const struct dependency *d = &dependencies[i];
		uint8_t *byte = part_of(f, &request, d->part) + d->at;
		bool differs;

		*byte ^= d->flip;
		expect_key(f, &request, after);
		*byte ^= d->flip;
		differs = memcmp(before, after, SGX_KEY_SIZE) != 0;
		if (differs != depends(d->keys[keyname], policy))
			fail_msg("key %u, policy %#x: %s", keyname, policy, d->name);
	}
}

static void egetkey_keys_depend_on_what_the_table_says(void **state)
{
	static const uint16_t policies[] = {0, 1, 2, 4, 8, 16, 32, 63};
	struct fixture *f = *state;

	enter_new_enclave(f, &recipe_all);
	for (uint16_t name = 0; name < NR_KEYNAMES; name++)
		for (unsigned int i = 0; i < ARRAY_SIZE(policies); i++)
			check_dependencies(f, name, policies[i]);
}

/* Gives @out the SEAL_KEY of recipe_all with @policy on a platform of its own. */
static void seal_key_elsewhere(const struct fixture *f, const struct recipe *recipe,
			       uint16_t policy, void (*change)(struct sgx_identity *identity),
			       uint8_t key[SGX_KEY_SIZE])
{
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_SEAL);
	void *state;
	struct fixture *other;

	assert_int_equal(fixture_setup(&state), 0);
	other = state;
	other->platform->identity = f->platform->identity;
	if (change)
		change(&other->platform->identity);
	enter_new_enclave(other, recipe);
	request.keypolicy = policy;
	expect_key(other, &request, key);
	fixture_teardown(&state);
}

static void other_root(struct sgx_identity *identity)
{
	identity->root_key[15] ^= 1;
}

static void other_owner(struct sgx_identity *identity)
{
	identity->owner_epoch[15] ^= 1;
}

static void newer_cpusvn(struct sgx_identity *identity)
{
	identity->cpusvn[0]++;
}

/* Sealed data survives a reboot and an update, but no change of platform or owner. */
static void egetkey_seal_key_is_the_platforms(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_SEAL);
	uint8_t here[SGX_KEY_SIZE], there[SGX_KEY_SIZE];

	enter_new_enclave(f, &recipe_all);
	request.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
	expect_key(f, &request, here);
	seal_key_elsewhere(f, &recipe_all, SGX_KEYPOLICY_MRENCLAVE, NULL, there);
	assert_memory_equal(here, there, SGX_KEY_SIZE);
	seal_key_elsewhere(f, &recipe_all, SGX_KEYPOLICY_MRENCLAVE, newer_cpusvn, there);
	assert_memory_equal(here, there, SGX_KEY_SIZE);
	seal_key_elsewhere(f, &recipe_all, SGX_KEYPOLICY_MRENCLAVE, other_root, there);
	assert_memory_not_equal(here, there, SGX_KEY_SIZE);
	seal_key_elsewhere(f, &recipe_all, SGX_KEYPOLICY_MRENCLAVE, other_owner, there);
	assert_memory_not_equal(here, there, SGX_KEY_SIZE);
}

/* Two enclaves of one signer share a key by MRSIGNER and none by MRENCLAVE. */
static void egetkey_seal_key_by_policy_shared(void **state)
{
	struct fixture *f = *state;
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_SEAL);
	struct recipe other = recipe_all;
	uint8_t here[SGX_KEY_SIZE], there[SGX_KEY_SIZE];

	other.fill ^= 1;
	enter_new_enclave(f, &recipe_all);
	request.keypolicy = SGX_KEYPOLICY_MRSIGNER;
	expect_key(f, &request, here);
	seal_key_elsewhere(f, &other, SGX_KEYPOLICY_MRSIGNER, NULL, there);
	assert_memory_equal(here, there, SGX_KEY_SIZE);
	other.signer = SIGNER_B;
	seal_key_elsewhere(f, &other, SGX_KEYPOLICY_MRSIGNER, NULL, there);
	assert_memory_not_equal(here, there, SGX_KEY_SIZE);
	request.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
	expect_key(f, &request, here);
	other.signer = SIGNER_A;
	seal_key_elsewhere(f, &other, SGX_KEYPOLICY_MRENCLAVE, NULL, there);
	assert_memory_not_equal(here, there, SGX_KEY_SIZE);
}

/* What a launch enclave does: a token for the enclave that @sig signs. */
static void make_token(struct fixture *f, const struct sgx_sigstruct *sig, enum signer signer,
		       struct sgx_einittoken *token)
{
	struct sgx_keyrequest request = key_request(SGX_KEYNAME_EINITTOKEN);
	const struct sgx_secs *launcher = epc_ptr(f, 0);
	uint8_t key[SGX_KEY_SIZE];

	*token = (struct sgx_einittoken){
		.valid = SGX_EINITTOKEN_VALID,
		.attributes = sig->attributes,
		.xfrm = sig->xfrm,
		.isv_prod_id_le = launcher->isv_prod_id,
		.isv_svn_le = request.isv_svn,
		.masked_miscselect_le = launcher->miscselect & request.miscmask,
		.masked_attributes_le = launcher->attributes & (request.attributes_mask | 3),
		.masked_xfrm_le = launcher->xfrm & request.xfrm_mask,
	};
	memcpy(token->mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	signer_hash(signer, token->mrsigner);
	memcpy(token->cpusvn_le, request.cpusvn, SGX_CPUSVN_SIZE);
	memcpy(token->keyid, request.keyid, SGX_KEYID_SIZE);
	expect_key(f, &request, key);
	assert_true(crypto_cmac(f->cpu->cmac, key, token, 192, token->mac));
}

/* SIGNER_B's enclave in EPC page 20, and a token for it by the launch enclave. */
static void make_client_with_token(struct fixture *f)
{
	enter_new_enclave(f, &recipe_all);
	make_secs(f, 20, ENCLAVE2_BASE);
	describe_enclave(f, 20, sigstruct(f));
	sign(sigstruct(f), SIGNER_B);
	make_token(f, sigstruct(f), SIGNER_B, einittoken(f));
	go_outside(f);
}

/* SDM "EINIT Token Structure": the two sides of the launch key agree. */
static void egetkey_launch_enclave_token_accepted_by_einit(void **state)
{
	struct fixture *f = *state;

	make_client_with_token(f);
	expect_code(einit(f, 20), SGX_SUCCESS);
}

/* The launch key is the trusted signer's: under another hash the token is worthless. */
static void egetkey_token_of_untrusted_launch_enclave_refused(void **state)
{
	struct fixture *f = *state;

	make_client_with_token(f);
	trust_signer(f, SIGNER_B);
	expect_code(einit(f, 20), SGX_INVALID_EINITTOKEN);
}

const struct CMUnitTest key_tests[] = {
	sgx_test(egetkey_legal_gives_five_different_keys),
	sgx_test(egetkey_known_dependencies_known_keys),
	sgx_test(egetkey_keys_depend_on_what_the_table_says),
	sgx_test(egetkey_seal_key_is_the_platforms),
	sgx_test(egetkey_seal_key_by_policy_shared),
	sgx_test(egetkey_launch_enclave_token_accepted_by_einit),
	sgx_test(egetkey_token_of_untrusted_launch_enclave_refused),
};
const size_t key_test_count = ARRAY_SIZE(key_tests);
