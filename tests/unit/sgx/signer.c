// SPDX-License-Identifier: GPL-2.0-or-later
#include "signer.h"

#include "lib/crypto.h"
#include "sgx/measure.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define MESSAGE_SIZE 256

static EVP_PKEY *make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;

	assert_true(BN_set_word(exponent, SGX_SIGSTRUCT_EXPONENT));
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SGX_MODULUS_SIZE * 8), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *keys[NR_SIGNERS];

static EVP_PKEY *key_of(enum signer signer)
{
	if (!keys[signer])
		keys[signer] = make_key();
	return keys[signer];
}

__attribute__((destructor)) static void free_keys(void)
{
	for (unsigned int i = 0; i < NR_SIGNERS; i++)
		EVP_PKEY_free(keys[i]);
}

static BIGNUM *modulus_of(enum signer signer)
{
	BIGNUM *m = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key_of(signer), OSSL_PKEY_PARAM_RSA_N, &m), 1);
	return m;
}

static void store(const BIGNUM *n, uint8_t out[SGX_MODULUS_SIZE])
{
	assert_int_equal(BN_bn2lebinpad(n, out, SGX_MODULUS_SIZE), SGX_MODULUS_SIZE);
}

static void message_of(const struct sgx_sigstruct *sig, uint8_t message[MESSAGE_SIZE])
{
	memcpy(message, sig, 128);
	memcpy(message + 128, &sig->miscselect, 128);
}

/* S by the private key, with libcrypto's own PKCS#1 v1.5. */
static BIGNUM *signature_of(const struct sgx_sigstruct *sig, enum signer signer)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t message[MESSAGE_SIZE], signature[SGX_MODULUS_SIZE];
	size_t len = sizeof(signature);

	message_of(sig, message);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key_of(signer)), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len, message, sizeof(message)), 1);
	assert_int_equal(len, sizeof(signature));
	EVP_MD_CTX_free(ctx);
	return BN_bin2bn(signature, sizeof(signature), NULL);
}

/* Q1 and Q2 by division, then all numbers into @sig. */
static void store_signature(struct sgx_sigstruct *sig, const BIGNUM *m, const BIGNUM *s)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *product = BN_new(), *q = BN_new(), *r = BN_new();

	sig->exponent = SGX_SIGSTRUCT_EXPONENT;
	store(m, sig->modulus);
	store(s, sig->signature);
	assert_true(BN_sqr(product, s, ctx) && BN_div(q, r, product, m, ctx));
	/* An S above M may have quotients of one bit too many. */
	BN_bn2lebinpad(q, sig->q1, SGX_MODULUS_SIZE);
	assert_true(BN_mul(product, s, r, ctx) && BN_div(q, NULL, product, m, ctx));
	BN_bn2lebinpad(q, sig->q2, SGX_MODULUS_SIZE);
	BN_free(product);
	BN_free(q);
	BN_free(r);
	BN_CTX_free(ctx);
}

void sign(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = modulus_of(signer), *s = signature_of(sig, signer);

	store_signature(sig, m, s);
	BN_free(m);
	BN_free(s);
}

static bool fits(const BIGNUM *n)
{
	return BN_num_bytes(n) <= SGX_MODULUS_SIZE;
}

void sign_unreduced(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = modulus_of(signer), *s;
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *q = BN_new();
	bool found;

	/* S + M and floor((S + M)^2 / M) must both fit. */
	do {
		sig->date++;
		s = signature_of(sig, signer);
		assert_true(BN_add(s, s, m) && BN_sqr(q, s, ctx) && BN_div(q, NULL, q, m, ctx));
		found = fits(s) && fits(q);
		if (found)
			store_signature(sig, m, s);
		BN_free(s);
	} while (!found);
	BN_free(q);
	BN_free(m);
	BN_CTX_free(ctx);
}

void sign_with_loose_quotients(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = modulus_of(signer), *s, *q = BN_new();
	bool found;

	/* r1 = S^2 - (Q1 - 1) * M is r1 + M, and S * M more is taken off by Q2 + S. */
	do {
		sig->date++;
		s = signature_of(sig, signer);
		store_signature(sig, m, s);
		assert_true(BN_lebin2bn(sig->q2, SGX_MODULUS_SIZE, q) && BN_add(q, q, s));
		found = fits(q);
		BN_free(s);
	} while (!found);
	store(q, sig->q2);
	assert_true(BN_lebin2bn(sig->q1, SGX_MODULUS_SIZE, q) && BN_sub_word(q, 1));
	store(q, sig->q1);
	BN_free(q);
	BN_free(m);
}

void sign_with_loose_padding(struct sgx_sigstruct *sig, enum signer signer, bool digest_last)
{
	static const uint8_t head[] = {0x00, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
				       0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key_of(signer), NULL);
	uint8_t message[MESSAGE_SIZE], encoding[SGX_MODULUS_SIZE], signature[SGX_MODULUS_SIZE];
	BIGNUM *m = modulus_of(signer), *s;
	size_t len = sizeof(signature);

	message_of(sig, message);
	memset(encoding, 0xa5, sizeof(encoding));
	memcpy(encoding, head, sizeof(head));
	crypto_sha256(message, sizeof(message),
		      digest_last ? encoding + sizeof(encoding) - SGX_HASH_SIZE
				  : encoding + sizeof(head));
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, signature, &len, encoding, sizeof(encoding)), 1);
	s = BN_bin2bn(signature, (int)len, NULL);
	store_signature(sig, m, s);
	BN_free(s);
	BN_free(m);
	EVP_PKEY_CTX_free(ctx);
}

void signer_hash(enum signer signer, uint8_t mrsigner[SGX_HASH_SIZE])
{
	uint8_t modulus[SGX_MODULUS_SIZE];
	BIGNUM *m = modulus_of(signer);

	store(m, modulus);
	crypto_sha256(modulus, sizeof(modulus), mrsigner);
	BN_free(m);
}

struct sgx_sigstruct *sigstruct(struct fixture *f)
{
	return ram_ptr(f, SIGSTRUCT_GVA);
}

struct sgx_einittoken *einittoken(struct fixture *f)
{
	return ram_ptr(f, EINITTOKEN_GVA);
}

void describe_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig)
{
	struct sgx_secs *secs = epc_ptr(f, secs_page);

	*sig = (struct sgx_sigstruct){
		.header = SGX_SIGSTRUCT_HEADER,
		.date = 0x20240229,
		.header2 = SGX_SIGSTRUCT_HEADER2,
		.swdefined = 0x12345678,
		.exponent = SGX_SIGSTRUCT_EXPONENT,
		.miscselect = secs->miscselect,
		.miscmask = UINT32_MAX,
		.attributes = secs->attributes,
		.xfrm = secs->xfrm,
		.attributes_mask = UINT64_MAX,
		.xfrm_mask = UINT64_MAX,
		.isv_prod_id = 5,
		.isv_svn = 7,
	};
	measure_final(secs, sig->enclave_hash);
}

void sign_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig)
{
	describe_enclave(f, secs_page, sig);
	sign(sig, SIGNER_A);
}

void trust_signer(struct fixture *f, enum signer signer)
{
	uint8_t hash[SGX_HASH_SIZE];

	signer_hash(signer, hash);
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++)
		memcpy(f->cpus[i].cpu.lepubkeyhash, hash, sizeof(hash));
}

struct leaf_result einit(struct fixture *f, unsigned int secs_page)
{
	return encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(secs_page), EINITTOKEN_GVA);
}

void make_unsigned_enclave(struct fixture *f, uint64_t attributes)
{
	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE)->attributes = attributes;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0), 0));
	memset(ram_ptr(f, SRC_GVA), 0, SGX_PAGE_SIZE);
	add_reg(f, 0, 1, ENCLAVE_BASE, EPCM_R | EPCM_W);
}

struct sgx_sigstruct *legal_einit(struct fixture *f)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, 0))))
		make_unsigned_enclave(f, SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG);
	trust_signer(f, SIGNER_A);
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	sign_enclave(f, 0, sigstruct(f));
	return sigstruct(f);
}

void init_enclave(struct fixture *f, unsigned int secs_page)
{
	sign_enclave(f, secs_page, sigstruct(f));
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	trust_signer(f, SIGNER_A);
	expect_code(einit(f, secs_page), SGX_SUCCESS);
}
