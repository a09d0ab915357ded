// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench_crypto.h"

#include "harness.h"
#include "lib/crypto.h"
#include "signer.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Bytes that a leaf's message has. */
#define KEY_DEPENDENCIES 642
#define REPORT_BODY      384
#define SEALED_AAD       128
#define MEASURED_BLOCK   64

/* As many as one round of EADDs takes, so that both find their pages in the same cache. */
#define HASHED_PAGES 200

static uint8_t hashed[HASHED_PAGES][SGX_PAGE_SIZE];
static uint8_t page[SGX_PAGE_SIZE];
static uint8_t sealed[SGX_PAGE_SIZE];
static uint8_t aad[SEALED_AAD];
static const uint8_t key[16] = {1, 2, 3};
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
static void hash_pages(void *ctx, unsigned int iterations)
{
	const uint8_t header[MEASURED_BLOCK] = {0};

	for (unsigned int i = 0; i < iterations; i++) {
		const uint8_t *from = hashed[i % HASHED_PAGES];

		must(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL), "SHA-256");
		must(EVP_DigestUpdate(ctx, header, sizeof(header)), "SHA-256");
		for (unsigned int at = 0; at < SGX_PAGE_SIZE; at += SGX_CHUNK_SIZE) {
			must(EVP_DigestUpdate(ctx, header, sizeof(header)), "SHA-256");
			must(EVP_DigestUpdate(ctx, from + at, SGX_CHUNK_SIZE), "SHA-256");
		}
	}
}

uint64_t peer_sha256_page(void *ctx, unsigned int iterations)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint64_t ns = bench_time(hash_pages, md, iterations);

	EVP_MD_CTX_free(md);
	return ns;
}

/* What sealing and opening have in common, and the IV of one page. */
static void start_gcm(EVP_CIPHER_CTX *gcm, unsigned int number)
{
	const uint64_t iv[2] = {number};
	int n;

	must(EVP_CipherInit_ex(gcm, NULL, NULL, NULL, (const uint8_t *)iv, -1), "GCM IV");
	must(EVP_CipherUpdate(gcm, NULL, &n, aad, sizeof(aad)), "GCM AAD");
}

static void seal_pages(void *ctx, unsigned int iterations)
{
	int n;

	for (unsigned int i = 0; i < iterations; i++) {
		start_gcm(ctx, i);
		must(EVP_EncryptUpdate(ctx, sealed, &n, page, sizeof(page)), "GCM");
		must(EVP_EncryptFinal_ex(ctx, sealed + n, &n), "GCM");
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag), "tag");
	}
}

/* Again and again what seal_pages() made first. */
static void open_pages(void *ctx, unsigned int iterations)
{
	int n;

	for (unsigned int i = 0; i < iterations; i++) {
		start_gcm(ctx, 0);
		must(EVP_DecryptUpdate(ctx, page, &n, sealed, sizeof(sealed)), "GCM");
		must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag), "tag");
		must(EVP_DecryptFinal_ex(ctx, page + n, &n), "GCM tag");
	}
}

static uint64_t time_gcm(void (*work)(void *ctx, unsigned int iterations), bool encrypt,
			 unsigned int iterations)
{
	EVP_CIPHER_CTX *gcm = EVP_CIPHER_CTX_new();
	uint64_t ns;

	must(EVP_CipherInit_ex(gcm, EVP_aes_128_gcm(), NULL, key, NULL, encrypt), "GCM key");
	ns = bench_time(work, gcm, iterations);
	EVP_CIPHER_CTX_free(gcm);
	return ns;
}

uint64_t peer_gcm_seal(void *ctx, unsigned int iterations)
{
	return time_gcm(seal_pages, true, iterations);
}

uint64_t peer_gcm_open(void *ctx, unsigned int iterations)
{
	peer_gcm_seal(ctx, 1);
	return time_gcm(open_pages, false, iterations);
}

/* What EINIT finds in a SIGSTRUCT, in libcrypto's order of bytes where it is one. */
struct rsa_sample {
	uint8_t modulus[SGX_MODULUS_SIZE]; /* little-endian */
	uint8_t signature[SGX_MODULUS_SIZE];
	uint8_t digest[SGX_HASH_SIZE];
};

static void make_rsa_sample(struct rsa_sample *sample)
{
	const struct sgx_sigstruct sig = {0};
	BIGNUM *m = signer_modulus(SIGNER_A), *s = signer_signature(&sig, SIGNER_A);
	uint8_t message[SIGNER_MESSAGE_SIZE];

	signer_store(m, sample->modulus);
	must(BN_bn2binpad(s, sample->signature, SGX_MODULUS_SIZE), "RSA signature");
	signer_message(&sig, message);
	crypto_sha256(message, sizeof(message), sample->digest);
	BN_free(m);
	BN_free(s);
}

static EVP_PKEY *key_from_modulus(const uint8_t modulus[SGX_MODULUS_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_lebin2bn(modulus, SGX_MODULUS_SIZE, NULL);
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params;

	must(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), "RSA modulus");
	must(OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, SGX_SIGSTRUCT_EXPONENT),
	     "RSA exponent");
	params = OSSL_PARAM_BLD_to_param(build);
	must(EVP_PKEY_fromdata_init(ctx), "RSA key");
	must(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), "RSA key");
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static void verify_signatures(void *ctx, unsigned int iterations)
{
	const struct rsa_sample *sample = ctx;

	for (unsigned int i = 0; i < iterations; i++) {
		EVP_PKEY *pkey = key_from_modulus(sample->modulus);
		EVP_PKEY_CTX *verify = EVP_PKEY_CTX_new(pkey, NULL);

		must(EVP_PKEY_verify_init(verify), "RSA verify");
		must(EVP_PKEY_CTX_set_signature_md(verify, EVP_sha256()), "RSA verify");
		must(EVP_PKEY_verify(verify, sample->signature, sizeof(sample->signature),
				     sample->digest, sizeof(sample->digest)),
		     "RSA verify");
		EVP_PKEY_CTX_free(verify);
		EVP_PKEY_free(pkey);
	}
}

uint64_t peer_rsa_verify(void *ctx, unsigned int iterations)
{
	struct rsa_sample sample;

	make_rsa_sample(&sample);
	return bench_time(verify_signatures, &sample, iterations);
}

static void cmac_once(EVP_MAC_CTX *cmac, size_t len)
{
	size_t n;

	must(EVP_MAC_init(cmac, key, sizeof(key), NULL), "CMAC key");
	must(EVP_MAC_update(cmac, page, len), "CMAC");
	must(EVP_MAC_final(cmac, tag, &n, sizeof(tag)), "CMAC");
}

static void derive_keys(void *ctx, unsigned int iterations)
{
	for (unsigned int i = 0; i < iterations; i++)
		cmac_once(ctx, KEY_DEPENDENCIES);
}

static void make_reports(void *ctx, unsigned int iterations)
{
	for (unsigned int i = 0; i < iterations; i++) {
		cmac_once(ctx, KEY_DEPENDENCIES);
		cmac_once(ctx, REPORT_BODY);
	}
}

static uint64_t time_cmac(void (*work)(void *ctx, unsigned int iterations), unsigned int iterations)
{
	char cipher[] = "AES-128-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	EVP_MAC_CTX *cmac = EVP_MAC_CTX_new(mac);
	uint64_t ns;

	must(EVP_MAC_CTX_set_params(cmac, params), "CMAC");
	ns = bench_time(work, cmac, iterations);
	EVP_MAC_CTX_free(cmac);
	EVP_MAC_free(mac);
	return ns;
}

uint64_t peer_cmac_report(void *ctx, unsigned int iterations)
{
	return time_cmac(make_reports, iterations);
}

uint64_t peer_cmac_key(void *ctx, unsigned int iterations)
{
	return time_cmac(derive_keys, iterations);
}

static void call_getppid(void *ctx, unsigned int iterations)
{
	for (unsigned int i = 0; i < iterations; i++)
		getppid();
}

uint64_t peer_getppid(void *ctx, unsigned int iterations)
{
	return bench_time(call_getppid, ctx, iterations);
}
