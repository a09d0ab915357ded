// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EINIT", one test for each line about who may launch an enclave:
 * IA32_SGXLEPUBKEYHASHn and EINITTOKEN, and their order.
 */
#include "tests.h"
#include "signing.h"

#include "lib/crypto.h"
#include "sgx/key.h"

#define ATTRIBUTES (SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG)

/* The MAC that a launch enclave of the trusted signer would make. */
static void mac_token(struct fixture *f)
{
	struct sgx_einittoken *token = einittoken(f);
	uint8_t key[SGX_KEY_SIZE];

	assert_true(key_for_token(f->cpu, token, key));
	assert_true(crypto_cmac(f->cpu->cmac, key, token, 192, token->mac));
}

/* Everything that EINIT wants, signed by B and with a token of A's launch enclave. */
static struct sgx_einittoken *legal_token(struct fixture *f)
{
	struct sgx_sigstruct *sig = legal_einit(f);
	struct sgx_einittoken *token = einittoken(f);

	sign(sig, SIGNER_B);
	token->valid = SGX_EINITTOKEN_VALID;
	token->attributes = sig->attributes;
	token->xfrm = sig->xfrm;
	memcpy(token->mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	signer_hash(SIGNER_B, token->mrsigner);
	memset(token->cpusvn_le, 0x01, sizeof(token->cpusvn_le));
	token->isv_prod_id_le = 1;
	token->isv_svn_le = 2;
	token->masked_miscselect_le = 0;
	token->masked_attributes_le = SGX_ATTR_INIT | SGX_ATTR_EINITTOKENKEY;
	token->masked_xfrm_le = 3;
	memset(token->keyid, 0x77, sizeof(token->keyid));
	mac_token(f);
	return token;
}

/* The right to EINITTOKEN_KEY is the trusted signer's alone, token or not. */
static void einit_launch_enclave_of_other_signer_invalid_attribute(void **state)
{
	struct fixture *f = *state;

	make_unsigned_enclave(f, ATTRIBUTES | SGX_ATTR_EINITTOKENKEY);
	sign(legal_einit(f), SIGNER_B);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "SGX_ATTR_EINITTOKENKEY");
	legal_token(f);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "SGX_ATTR_EINITTOKENKEY");
	/* The measurement ranks before it. */
	sigstruct(f)->enclave_hash[0] ^= 1;
	sign(sigstruct(f), SIGNER_B);
	expect_code(einit(f, 0), SGX_INVALID_MEASUREMENT);
	legal_einit(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

/* It is the enclave's attribute that counts, whatever the signer says of it. */
static void einit_launch_enclave_hidden_by_mask_invalid_attribute(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig;

	make_unsigned_enclave(f, ATTRIBUTES | SGX_ATTR_EINITTOKENKEY);
	sig = legal_einit(f);
	sig->attributes &= ~SGX_ATTR_EINITTOKENKEY;
	sig->attributes_mask = ~SGX_ATTR_EINITTOKENKEY;
	sign(sig, SIGNER_B);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "SGX_ATTR_EINITTOKENKEY");
}

static void einit_no_token_and_other_signer_invalid_token(void **state)
{
	struct fixture *f = *state;

	sign(legal_einit(f), SIGNER_B);
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	expect_refused_by(f, "signed_by_launch_signer");
	/* The attributes rank before it. */
	sigstruct(f)->attributes ^= SGX_ATTR_DEBUG;
	sign(sigstruct(f), SIGNER_B);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
}

/* Every one of the four MSRs counts, each least significant byte first. */
static void einit_launch_hash_differs_invalid_token(void **state)
{
	struct fixture *f = *state;
	uint8_t hash[SGX_HASH_SIZE];

	legal_einit(f);
	signer_hash(SIGNER_A, hash);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(f->cpu->lepubkeyhash[i] & 0xff, hash[8 * i]);
		f->cpu->lepubkeyhash[i] ^= BIT64(63);
		expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
		f->cpu->lepubkeyhash[i] ^= BIT64(63);
	}
	expect_code(einit(f, 0), SGX_SUCCESS);
}

/* Without launch control the MSRs cannot be read or written, and hold Intel's hash all the same. */
static void einit_intel_launch_hash_refuses_other_signers(void **state)
{
	struct fixture *f = *state;
	static const uint64_t intel[] = {SGX_INTEL_LEPUBKEYHASH0, SGX_INTEL_LEPUBKEYHASH1,
					 SGX_INTEL_LEPUBKEYHASH2, SGX_INTEL_LEPUBKEYHASH3};

	legal_einit(f);
	memcpy(f->cpu->lepubkeyhash, intel, sizeof(intel));
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	expect_refused_by(f, "signed_by_launch_signer");
}

/* Bytes of a token that is not valid mean nothing. */
static void einit_invalid_token_ignored(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	memset(einittoken(f), 0xff, sizeof(struct sgx_einittoken));
	einittoken(f)->valid = ~SGX_EINITTOKEN_VALID;
	expect_code(einit(f, 0), SGX_SUCCESS);
}

static void einit_token_lets_other_signer_in(void **state)
{
	struct fixture *f = *state;
	uint8_t mrsigner[SGX_HASH_SIZE];

	legal_token(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
	signer_hash(SIGNER_B, mrsigner);
	assert_memory_equal(((struct sgx_secs *)epc_ptr(f, 0))->mrsigner, mrsigner, SGX_HASH_SIZE);
}

/* A token is for what the launch enclave saw, also of the trusted signer. */
static void einit_token_checked_for_trusted_signer_too(void **state)
{
	struct fixture *f = *state;

	legal_token(f)->mac[0] ^= 1;
	sign(sigstruct(f), SIGNER_A);
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	expect_refused_by(f, "token_mac_ok");
}

static void einit_debug_launch_enclave_and_no_debug_invalid_token(void **state)
{
	struct fixture *f = *state;

	make_unsigned_enclave(f, SGX_ATTR_MODE64BIT);
	legal_token(f)->masked_attributes_le |= SGX_ATTR_DEBUG;
	mac_token(f);
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	expect_refused_by(f, "SGX_ATTR_DEBUG");
	/* Before the reserved bytes. */
	einittoken(f)->reserved1[0] = 1;
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	expect_refused_by(f, "SGX_ATTR_DEBUG");
}

static void einit_debug_launch_enclave_and_debug_ok(void **state)
{
	struct fixture *f = *state;

	legal_token(f)->masked_attributes_le |= SGX_ATTR_DEBUG;
	mac_token(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

static void einit_token_reserved_invalid_token(void **state)
{
	struct fixture *f = *state;
	struct sgx_einittoken *token;

/* The CPUSVN is spoiled as well: the reserved bytes come first. */
#define SPOILED(rule, ...)                                        \
	do {                                                      \
		token = legal_token(f);                           \
		token->cpusvn_le[0] = 0xff;                       \
		__VA_ARGS__;                                      \
		mac_token(f);                                     \
		expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN); \
		expect_refused_by(f, rule);                       \
	} while (0)

	SPOILED("reserved1", token->reserved1[0] = 1);
	SPOILED("reserved1", token->reserved1[43] = 1);
	SPOILED("reserved2", token->reserved2[0] = 1);
	SPOILED("reserved2", token->reserved2[31] = 1);
	SPOILED("reserved3", token->reserved3[0] = 1);
	SPOILED("reserved3", token->reserved3[31] = 1);
	SPOILED("cet_masked", token->cet_masked_attributes_le = 1);
	SPOILED("reserved4", token->reserved4[0] = 1);
	SPOILED("reserved4", token->reserved4[22] = 1);
	SPOILED("~SGX_EINITTOKEN_VALID", token->valid |= BIT32(1));
	SPOILED("~SGX_EINITTOKEN_VALID", token->valid |= BIT32(31));
#undef SPOILED
}

/* One component above the current one is enough; before the MAC. */
static void einit_token_of_future_cpusvn_invalid_cpusvn(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < SGX_CPUSVN_SIZE; i++) {
		legal_token(f)->cpusvn_le[i] = 3;
		expect_code(einit(f, 0), SGX_INVALID_CPUSVN);
		expect_refused_by(f, "key_has_cpusvn");
	}
	memset(legal_token(f)->cpusvn_le, 0x02, SGX_CPUSVN_SIZE);
	mac_token(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

/* The MAC covers the first 192 bytes; the fields behind feed the key. */
static void einit_token_changed_invalid_token(void **state)
{
	static const size_t at[] = {48,  56,  64,  95,  128, 159, 192, 208,
				    210, 236, 240, 248, 256, 287, 288, 303};
	struct fixture *f = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		uint8_t *token = (uint8_t *)legal_token(f);

		token[at[i]] ^= at[i] == 240 ? 0x80 : 1;
		expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
		expect_refused_by(f, "token_mac_ok");
	}
}

static void einit_token_for_other_enclave_invalid_measurement(void **state)
{
	struct fixture *f = *state;

	legal_token(f)->mrenclave[0] ^= 1;
	mac_token(f);
	expect_code(einit(f, 0), SGX_INVALID_MEASUREMENT);
	expect_refused_by(f, "token->mrenclave");
	legal_token(f)->mrsigner[31] ^= 1;
	einittoken(f)->attributes ^= SGX_ATTR_DEBUG;
	mac_token(f);
	expect_code(einit(f, 0), SGX_INVALID_MEASUREMENT);
	expect_refused_by(f, "token->mrsigner");
}

/* Exactly those attributes, mask or not. */
static void einit_token_for_other_attributes_invalid_attribute(void **state)
{
	struct fixture *f = *state;

	legal_token(f)->attributes ^= SGX_ATTR_DEBUG;
	mac_token(f);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "token->attributes");
	legal_token(f)->xfrm |= XFEATURE_MASK_YMM;
	mac_token(f);
	expect_code(einit(f, 0), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "token->xfrm");
}

/* A token of another platform, or from before the owner changed, is worth nothing. */
static void einit_token_of_other_platform_invalid_token(void **state)
{
	struct fixture *f = *state;
	struct sgx_identity *identity = &f->platform->identity;

	legal_token(f);
	identity->root_key[0] ^= 1;
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	identity->root_key[0] ^= 1;
	identity->owner_epoch[0] ^= 1;
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	identity->owner_epoch[0] ^= 1;
	identity->seal_fuses[0] ^= 1;
	expect_code(einit(f, 0), SGX_INVALID_EINITTOKEN);
	identity->seal_fuses[0] ^= 1;
	expect_code(einit(f, 0), SGX_SUCCESS);
}

const struct CMUnitTest launch_tests[] = {
	sgx_test(einit_launch_enclave_of_other_signer_invalid_attribute),
	sgx_test(einit_launch_enclave_hidden_by_mask_invalid_attribute),
	sgx_test(einit_no_token_and_other_signer_invalid_token),
	sgx_test(einit_launch_hash_differs_invalid_token),
	sgx_test(einit_intel_launch_hash_refuses_other_signers),
	sgx_test(einit_invalid_token_ignored),
	sgx_test(einit_token_lets_other_signer_in),
	sgx_test(einit_token_checked_for_trusted_signer_too),
	sgx_test(einit_debug_launch_enclave_and_no_debug_invalid_token),
	sgx_test(einit_debug_launch_enclave_and_debug_ok),
	sgx_test(einit_token_reserved_invalid_token),
	sgx_test(einit_token_of_future_cpusvn_invalid_cpusvn),
	sgx_test(einit_token_changed_invalid_token),
	sgx_test(einit_token_for_other_enclave_invalid_measurement),
	sgx_test(einit_token_for_other_attributes_invalid_attribute),
	sgx_test(einit_token_of_other_platform_invalid_token),
};
const size_t launch_test_count = ARRAY_SIZE(launch_tests);
