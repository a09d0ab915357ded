// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool crypto_random(void *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1;
}

void crypto_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

/*
 * The key that is set stays set, because setting it costs as much as half a
 * kilobyte of message.
 */
struct crypto_cmac {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx;
	bool has_key;
	uint8_t key[CRYPTO_KEY_SIZE];
};

struct crypto_cmac *crypto_cmac_new(void)
{
	struct crypto_cmac *cmac = calloc(1, sizeof(*cmac));
	char cipher[] = "AES-128-CBC";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_construct_end(),
	};

	if (!cmac)
		return NULL;
	cmac->mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	if (cmac->mac)
		cmac->ctx = EVP_MAC_CTX_new(cmac->mac);
	if (!cmac->ctx || !EVP_MAC_CTX_set_params(cmac->ctx, params)) {
		crypto_cmac_free(cmac);
		return NULL;
	}
	return cmac;
}

void crypto_cmac_free(struct crypto_cmac *cmac)
{
	if (!cmac)
		return;
	EVP_MAC_CTX_free(cmac->ctx);
	EVP_MAC_free(cmac->mac);
	crypto_wipe(cmac, sizeof(*cmac));
	free(cmac);
}

static bool cmac_start(struct crypto_cmac *cmac, const uint8_t key[CRYPTO_KEY_SIZE])
{
	if (cmac->has_key && crypto_equal(cmac->key, key, CRYPTO_KEY_SIZE))
		return EVP_MAC_init(cmac->ctx, NULL, 0, NULL);
	cmac->has_key = EVP_MAC_init(cmac->ctx, key, CRYPTO_KEY_SIZE, NULL);
	memcpy(cmac->key, key, CRYPTO_KEY_SIZE);
	return cmac->has_key;
}

bool crypto_cmac(struct crypto_cmac *cmac, const uint8_t key[CRYPTO_KEY_SIZE], const void *data,
		 size_t len, uint8_t mac[CRYPTO_MAC_SIZE])
{
	return cmac_start(cmac, key) && EVP_MAC_update(cmac->ctx, data, len) &&
	       EVP_MAC_final(cmac->ctx, mac, NULL, CRYPTO_MAC_SIZE);
}

void crypto_cmac_forget(struct crypto_cmac *cmac)
{
	static const uint8_t none[CRYPTO_KEY_SIZE];

	/* It cannot fail where setting the key before has not. */
	if (cmac->has_key)
		EVP_MAC_init(cmac->ctx, none, sizeof(none), NULL);
	crypto_wipe(cmac->key, sizeof(cmac->key));
	cmac->has_key = false;
}

/* Two contexts: a direction change of one would cost a new key schedule. */
struct crypto_gcm {
	EVP_CIPHER_CTX *seal;
	EVP_CIPHER_CTX *open;
};

struct crypto_gcm *crypto_gcm_new(const uint8_t key[CRYPTO_KEY_SIZE])
{
	struct crypto_gcm *gcm = calloc(1, sizeof(*gcm));

	if (!gcm)
		return NULL;
	gcm->seal = EVP_CIPHER_CTX_new();
	gcm->open = EVP_CIPHER_CTX_new();
	if (!gcm->seal || !gcm->open ||
	    !EVP_EncryptInit_ex(gcm->seal, EVP_aes_128_gcm(), NULL, key, NULL) ||
	    !EVP_DecryptInit_ex(gcm->open, EVP_aes_128_gcm(), NULL, key, NULL)) {
		crypto_gcm_free(gcm);
		return NULL;
	}
	return gcm;
}

void crypto_gcm_free(struct crypto_gcm *gcm)
{
	if (!gcm)
		return;
	EVP_CIPHER_CTX_free(gcm->seal);
	EVP_CIPHER_CTX_free(gcm->open);
	free(gcm);
}

bool crypto_gcm_seal(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_IV_SIZE], const void *aad,
		     size_t aad_len, const void *plain, size_t len, void *cipher,
		     uint8_t mac[CRYPTO_MAC_SIZE])
{
	EVP_CIPHER_CTX *ctx = gcm->seal;
	int n;

	return EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, iv) &&
	       EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	       EVP_EncryptUpdate(ctx, cipher, &n, plain, (int)len) &&
	       EVP_EncryptFinal_ex(ctx, (uint8_t *)cipher + n, &n) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_MAC_SIZE, mac);
}

bool crypto_gcm_open(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_IV_SIZE], const void *aad,
		     size_t aad_len, const void *cipher, size_t len, void *plain,
		     const uint8_t mac[CRYPTO_MAC_SIZE])
{
	EVP_CIPHER_CTX *ctx = gcm->open;
	uint8_t tag[CRYPTO_MAC_SIZE];
	int n;

	memcpy(tag, mac, sizeof(tag));
	return EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, iv) &&
	       EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) &&
	       EVP_DecryptUpdate(ctx, plain, &n, cipher, (int)len) &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_MAC_SIZE, tag) &&
	       EVP_DecryptFinal_ex(ctx, (uint8_t *)plain + n, &n) > 0;
}

/* The numbers of one signature check. */
struct rsa3 {
	BIGNUM *m, *s, *q1, *q2, *r, *t;
};

static bool is_remainder(const BIGNUM *r, const BIGNUM *m)
{
	return !BN_is_negative(r) && BN_cmp(r, m) < 0;
}

/* r := a * b - q * m, and whether that is the remainder and q so the quotient. */
static int reduce(struct rsa3 *n, const BIGNUM *a, const BIGNUM *b, const BIGNUM *q, BN_CTX *ctx)
{
	if (!BN_mul(n->r, a, b, ctx) || !BN_mul(n->t, q, n->m, ctx) || !BN_sub(n->r, n->r, n->t))
		return -ENOMEM;
	return is_remainder(n->r, n->m) ? 0 : -EBADMSG;
}

static int recover(struct rsa3 *n, BN_CTX *ctx, uint8_t encoding[CRYPTO_RSA3_SIZE])
{
	int ret;

	if (BN_cmp(n->s, n->m) >= 0)
		return -EBADMSG;
	ret = reduce(n, n->s, n->s, n->q1, ctx);
	if (!ret)
		ret = reduce(n, n->s, n->r, n->q2, ctx);
	if (ret)
		return ret;
	return BN_bn2binpad(n->r, encoding, CRYPTO_RSA3_SIZE) < 0 ? -EBADMSG : 0;
}

int crypto_rsa3_recover(const uint8_t modulus[CRYPTO_RSA3_SIZE],
			const uint8_t signature[CRYPTO_RSA3_SIZE],
			const uint8_t q1[CRYPTO_RSA3_SIZE], const uint8_t q2[CRYPTO_RSA3_SIZE],
			uint8_t encoding[CRYPTO_RSA3_SIZE])
{
	BN_CTX *ctx = BN_CTX_new();
	struct rsa3 n;
	int ret = -ENOMEM;

	if (!ctx)
		return ret;
	BN_CTX_start(ctx);
	n.m = BN_CTX_get(ctx);
	n.s = BN_CTX_get(ctx);
	n.q1 = BN_CTX_get(ctx);
	n.q2 = BN_CTX_get(ctx);
	n.r = BN_CTX_get(ctx);
	n.t = BN_CTX_get(ctx); /* NULL when any of them is */
	if (n.t && BN_lebin2bn(modulus, CRYPTO_RSA3_SIZE, n.m) &&
	    BN_lebin2bn(signature, CRYPTO_RSA3_SIZE, n.s) &&
	    BN_lebin2bn(q1, CRYPTO_RSA3_SIZE, n.q1) && BN_lebin2bn(q2, CRYPTO_RSA3_SIZE, n.q2))
		ret = recover(&n, ctx, encoding);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return ret;
}
