// SPDX-License-Identifier: GPL-2.0-or-later
#include "signer.h"

#include "lib/crypto.h"
#include "sgx/measure.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A signer that cannot sign has nothing to offer its caller. */
#define must(ok)                                                                \
	do {                                                                    \
		if (!(ok)) {                                                    \
			fprintf(stderr, "signer: libcrypto failed: %s\n", #ok); \
			abort();                                                \
		}                                                               \
	} while (0)
#define must_equal(value, wanted) must((value) == (wanted))

static EVP_PKEY *make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;

	must(BN_set_word(exponent, SGX_SIGSTRUCT_EXPONENT));
	must_equal(EVP_PKEY_keygen_init(ctx), 1);
	must_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, SGX_MODULUS_SIZE * 8), 1);
	must_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent), 1);
	must_equal(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *keys[NR_SIGNERS];

EVP_PKEY *signer_key(enum signer signer)
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

BIGNUM *signer_modulus(enum signer signer)
{
	BIGNUM *m = NULL;

	must_equal(EVP_PKEY_get_bn_param(signer_key(signer), OSSL_PKEY_PARAM_RSA_N, &m), 1);
	return m;
}

void signer_store(const BIGNUM *n, uint8_t out[SGX_MODULUS_SIZE])
{
	must_equal(BN_bn2lebinpad(n, out, SGX_MODULUS_SIZE), SGX_MODULUS_SIZE);
}

void signer_message(const struct sgx_sigstruct *sig, uint8_t message[SIGNER_MESSAGE_SIZE])
{
	memcpy(message, sig, 128);
	memcpy(message + 128, &sig->miscselect, 128);
}

/* S by the private key, with libcrypto's own PKCS#1 v1.5. */
BIGNUM *signer_signature(const struct sgx_sigstruct *sig, enum signer signer)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t message[SIGNER_MESSAGE_SIZE], signature[SGX_MODULUS_SIZE];
	size_t len = sizeof(signature);

	signer_message(sig, message);
	must_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, signer_key(signer)), 1);
	must_equal(EVP_DigestSign(ctx, signature, &len, message, sizeof(message)), 1);
	must_equal(len, sizeof(signature));
	EVP_MD_CTX_free(ctx);
	return BN_bin2bn(signature, sizeof(signature), NULL);
}

/* Q1 and Q2 by division, then all numbers into @sig. */
void signer_store_signature(struct sgx_sigstruct *sig, const BIGNUM *m, const BIGNUM *s)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *product = BN_new(), *q = BN_new(), *r = BN_new();

	sig->exponent = SGX_SIGSTRUCT_EXPONENT;
	signer_store(m, sig->modulus);
	signer_store(s, sig->signature);
	must(BN_sqr(product, s, ctx) && BN_div(q, r, product, m, ctx));
	/* An S above M may have quotients of one bit too many. */
	BN_bn2lebinpad(q, sig->q1, SGX_MODULUS_SIZE);
	must(BN_mul(product, s, r, ctx) && BN_div(q, NULL, product, m, ctx));
	BN_bn2lebinpad(q, sig->q2, SGX_MODULUS_SIZE);
	BN_free(product);
	BN_free(q);
	BN_free(r);
	BN_CTX_free(ctx);
}

void sign(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = signer_modulus(signer), *s = signer_signature(sig, signer);

	signer_store_signature(sig, m, s);
	BN_free(m);
	BN_free(s);
}

void signer_hash(enum signer signer, uint8_t mrsigner[SGX_HASH_SIZE])
{
	uint8_t modulus[SGX_MODULUS_SIZE];
	BIGNUM *m = signer_modulus(signer);

	signer_store(m, modulus);
	crypto_sha256(modulus, sizeof(modulus), mrsigner);
	BN_free(m);
}

void signer_describe(struct sgx_secs *secs, struct sgx_sigstruct *sig)
{
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
