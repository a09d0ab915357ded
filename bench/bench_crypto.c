// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench_crypto.h"
#include "harness.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t page[4096];
static uint8_t sealed[4096];
static uint8_t aad[128];
static uint8_t key[16] = {1, 2, 3};
static uint8_t tag[16];

/* A peer that does not work would flatter the subject. */
static void must(int ok, const char *what)
{
	if (ok > 0)
		return;
	fprintf(stderr, "libcrypto failed: %s\n", what);
	exit(EXIT_FAILURE);
}

/* One EADD block, then 16 times a header of one block and a chunk of four. */
uint64_t peer_sha256_page(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t header[64] = {0};

	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		must(EVP_DigestInit_ex(md, EVP_sha256(), NULL), "SHA-256");
		must(EVP_DigestUpdate(md, header, sizeof(header)), "SHA-256");
		for (unsigned int chunk = 0; chunk < sizeof(page); chunk += 256) {
			must(EVP_DigestUpdate(md, header, sizeof(header)), "SHA-256");
			must(EVP_DigestUpdate(md, page + chunk, 256), "SHA-256");
		}
	}
	elapsed = bench_now_ns() - start;
	EVP_MD_CTX_free(md);
	return elapsed;
}

uint64_t peer_gcm_seal(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	uint64_t iv[2] = {0};
	int n;

	must(EVP_EncryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, NULL), "GCM key");
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		iv[0] = i;
		must(EVP_EncryptInit_ex(gcm, NULL, NULL, NULL, (uint8_t *)iv), "GCM IV");
		must(EVP_EncryptUpdate(gcm, NULL, &n, aad, sizeof(aad)), "GCM AAD");
		must(EVP_EncryptUpdate(gcm, sealed, &n, page, sizeof(page)), "GCM");
		must(EVP_EncryptFinal_ex(gcm, sealed + n, &n), "GCM");
		must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag), "tag");
	}
	elapsed = bench_now_ns() - start;
	EVP_CIPHER_CTX_free(gcm);
	return elapsed;
}

uint64_t peer_gcm_open(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	uint64_t iv[2] = {0};
	int n;

	peer_gcm_seal(ctx, 1);
	must(EVP_DecryptInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, NULL), "GCM key");
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		must(EVP_DecryptInit_ex(gcm, NULL, NULL, NULL, (uint8_t *)iv), "GCM IV");
		must(EVP_DecryptUpdate(gcm, NULL, &n, aad, sizeof(aad)), "GCM AAD");
		must(EVP_DecryptUpdate(gcm, page, &n, sealed, sizeof(sealed)), "GCM");
		must(EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag), "tag");
		must(EVP_DecryptFinal_ex(gcm, page + n, &n), "GCM tag");
	}
	elapsed = bench_now_ns() - start;
	EVP_CIPHER_CTX_free(gcm);
	return elapsed;
}

static EVP_PKEY *key_from_modulus(const uint8_t modulus[384])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_lebin2bn(modulus, 384, NULL);
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;

	must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), "RSA modulus");
	must(OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, 3), "RSA exponent");
	params = OSSL_PARAM_BLD_to_param(build);
	must(EVP_PKEY_fromdata_init(ctx), "RSA key");
	must(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), "RSA key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

struct rsa_sample {
	uint8_t modulus[384]; /* little-endian */
	uint8_t signature[384];
	uint8_t digest[32];
};

static void make_rsa_sample(struct rsa_sample *sample)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	BIGNUM *e = BN_new();
	BIGNUM *n = NULL;
	EVP_PKEY_CTX *sign;
	size_t len = sizeof(sample->signature);

	memset(sample, 0, sizeof(*sample));
	must(BN_set_word(e, 3), "RSA exponent");
	must(EVP_PKEY_keygen_init(ctx), "RSA key generation");
	must(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072), "RSA key generation");
	must(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e), "RSA key generation");
	must(EVP_PKEY_generate(ctx, &pkey), "RSA key generation");
	must(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n), "RSA modulus");
	must(BN_bn2lebinpad(n, sample->modulus, sizeof(sample->modulus)), "RSA modulus");
	sign = EVP_PKEY_CTX_new(pkey, NULL);
	must(EVP_PKEY_sign_init(sign), "RSA sign");
	must(EVP_PKEY_CTX_set_signature_md(sign, EVP_sha256()), "RSA sign");
	must(EVP_PKEY_sign(sign, sample->signature, &len, sample->digest, sizeof(sample->digest)),
	     "RSA sign");
	EVP_PKEY_CTX_free(sign);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
}

uint64_t peer_rsa_verify(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	static struct rsa_sample sample;
	static int made;

	if (!made)
		make_rsa_sample(&sample);
	made = 1;
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		EVP_PKEY *pkey = key_from_modulus(sample.modulus);
		EVP_PKEY_CTX *verify = EVP_PKEY_CTX_new(pkey, NULL);

		must(EVP_PKEY_verify_init(verify), "RSA verify");
		must(EVP_PKEY_CTX_set_signature_md(verify, EVP_sha256()), "RSA verify");
		must(EVP_PKEY_verify(verify, sample.signature, sizeof(sample.signature),
				     sample.digest, sizeof(sample.digest)),
		     "RSA verify");
		EVP_PKEY_CTX_free(verify);
		EVP_PKEY_free(pkey);
	}
	elapsed = bench_now_ns() - start;
	return elapsed;
}

static EVP_MAC_CTX *new_cmac(EVP_MAC **mac)
{
	char cipher[] = "AES-128-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *cmac;

	*mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	cmac = EVP_MAC_CTX_new(*mac);
	must(EVP_MAC_CTX_set_params(cmac, params), "CMAC");
	return cmac;
}

static void cmac_once(EVP_MAC_CTX *cmac, size_t len)
{
	size_t n;

	must(EVP_MAC_init(cmac, key, sizeof(key), NULL), "CMAC key");
	must(EVP_MAC_update(cmac, page, len), "CMAC");
	must(EVP_MAC_final(cmac, tag, &n, sizeof(tag)), "CMAC");
}

uint64_t peer_cmac_report(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	EVP_MAC *mac;
	EVP_MAC_CTX *cmac = new_cmac(&mac);

	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++) {
		cmac_once(cmac, 642);
		cmac_once(cmac, 384);
	}
	elapsed = bench_now_ns() - start;
	EVP_MAC_CTX_free(cmac);
	EVP_MAC_free(mac);
	return elapsed;
}

uint64_t peer_cmac_key(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	EVP_MAC *mac;
	EVP_MAC_CTX *cmac = new_cmac(&mac);

	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++)
		cmac_once(cmac, 642);
	elapsed = bench_now_ns() - start;
	EVP_MAC_CTX_free(cmac);
	EVP_MAC_free(mac);
	return elapsed;
}

uint64_t peer_getppid(void *ctx, unsigned int iterations)
{
	uint64_t start, elapsed;
	start = bench_now_ns();
	for (unsigned int i = 0; i < iterations; i++)
		getppid();
	elapsed = bench_now_ns() - start;
	return elapsed;
}
