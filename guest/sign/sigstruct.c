// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "Enclave Signature Structure (SIGSTRUCT)". */
#include "sign.h"

#include "lib/x86.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <string.h>

#define MESSAGE_HALF 128

/* Numbers of SIGSTRUCT are little-endian. */
static void store(const BIGNUM *number, uint8_t out[SGX_MODULUS_SIZE])
{
	if (BN_bn2lebinpad(number, out, SGX_MODULUS_SIZE) != SGX_MODULUS_SIZE)
		fail("a number of the signature has more than %d bytes", SGX_MODULUS_SIZE);
}

static void describe(struct sgx_sigstruct *sig, const uint8_t mrenclave[SGX_HASH_SIZE])
{
	*sig = (struct sgx_sigstruct){
		.header = SGX_SIGSTRUCT_HEADER,
		.date = 0x20240101,
		.header2 = SGX_SIGSTRUCT_HEADER2,
		.exponent = SGX_SIGSTRUCT_EXPONENT,
		.miscmask = UINT32_MAX,
		.attributes = SGX_ATTR_MODE64BIT,
		.xfrm = XFEATURE_MASK_FP | XFEATURE_MASK_SSE,
		/* With provision key or without, and for a debugger: the same enclave shows all. */
		.attributes_mask = ~(SGX_ATTR_PROVISIONKEY | SGX_ATTR_DEBUG),
		.xfrm_mask = UINT64_MAX,
		.isv_prod_id = 1,
		.isv_svn = 1,
	};
	memcpy(sig->enclave_hash, mrenclave, SGX_HASH_SIZE);
}

/* What is signed: the first 128 bytes and those from MISCSELECT to ISVSVN. */
static BIGNUM *signature_of(const struct sgx_sigstruct *sig, EVP_PKEY *key)
{
	uint8_t message[2 * MESSAGE_HALF], signature[SGX_MODULUS_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = sizeof(signature);

	memcpy(message, sig, MESSAGE_HALF);
	memcpy(message + MESSAGE_HALF, &sig->miscselect, MESSAGE_HALF);
	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature, &size, message, sizeof(message)) != 1 ||
	    size != sizeof(signature))
		fail("the key does not sign");
	EVP_MD_CTX_free(ctx);
	return BN_bin2bn(signature, sizeof(signature), NULL);
}

/* Q1 = S^2 / M and Q2 = (S^3 - Q1 S M) / M, which spare the processor the divisions. */
static void store_quotients(struct sgx_sigstruct *sig, const BIGNUM *s, const BIGNUM *m)
{
	BIGNUM *product = BN_new(), *quotient = BN_new(), *rest = BN_new();
	BN_CTX *ctx = BN_CTX_new();

	if (!ctx || !BN_sqr(product, s, ctx) || !BN_div(quotient, rest, product, m, ctx))
		fail("division failed");
	store(quotient, sig->q1);
	if (!BN_mul(product, s, rest, ctx) || !BN_div(quotient, NULL, product, m, ctx))
		fail("division failed");
	store(quotient, sig->q2);
	BN_CTX_free(ctx);
	BN_free(product);
	BN_free(quotient);
	BN_free(rest);
}

void image_sign(struct image *image, const uint8_t mrenclave[SGX_HASH_SIZE], EVP_PKEY *key)
{
	struct sgx_sigstruct *sig = &image->header.sigstruct;
	BIGNUM *modulus = NULL, *signature;

	describe(sig, mrenclave);
	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus))
		fail("not an RSA key");
	signature = signature_of(sig, key);
	store(modulus, sig->modulus);
	store(signature, sig->signature);
	store_quotients(sig, signature, modulus);
	BN_free(modulus);
	BN_free(signature);
}
