// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/crypto.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AES_BLOCK 16

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
 * CMAC is CBC with two twists, and libcrypto's CBC takes a whole message in one
 * call where its CMAC takes a block, besides the cheaper key set-up.
 */
struct crypto_cmac {
	EVP_CIPHER_CTX *cbc;
};

struct crypto_cmac *crypto_cmac_new(void)
{
	struct crypto_cmac *cmac = calloc(1, sizeof(*cmac));

	if (!cmac)
		return NULL;
	cmac->cbc = EVP_CIPHER_CTX_new();
	if (!cmac->cbc || !EVP_EncryptInit_ex(cmac->cbc, EVP_aes_128_cbc(), NULL, NULL, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(cmac->cbc, 0)) {
		crypto_cmac_free(cmac);
		return NULL;
	}
	return cmac;
}

void crypto_cmac_free(struct crypto_cmac *cmac)
{
	if (!cmac)
		return;
	EVP_CIPHER_CTX_free(cmac->cbc);
	free(cmac);
}

static void block_xor(uint8_t block[AES_BLOCK], const uint8_t other[AES_BLOCK])
{
	for (unsigned int i = 0; i < AES_BLOCK; i++)
		block[i] ^= other[i];
}

/* Times x in GF(2^128), as RFC 4493 makes the subkeys. */
static void block_double(uint8_t block[AES_BLOCK])
{
	uint8_t carry = block[0] >> 7;

	for (unsigned int i = 0; i < AES_BLOCK - 1; i++)
		block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
	block[AES_BLOCK - 1] = (uint8_t)(block[AES_BLOCK - 1] << 1 ^ carry * 0x87);
}

/* Whole blocks, of which only their effect on the chain is wanted. */
static bool cbc_absorb(EVP_CIPHER_CTX *cbc, const uint8_t *blocks, size_t len)
{
	uint8_t sink[1024];
	int n;

	for (; len; blocks += n, len -= (size_t)n) {
		size_t piece = len < sizeof(sink) ? len : sizeof(sink);

		if (!EVP_EncryptUpdate(cbc, sink, &n, blocks, (int)piece))
			return false;
	}
	return true;
}

bool crypto_cmac(struct crypto_cmac *cmac, const uint8_t key[CRYPTO_KEY_SIZE], const void *data,
		 size_t len, uint8_t mac[CRYPTO_MAC_SIZE])
{
	static const uint8_t zero[AES_BLOCK];
	uint8_t encrypted_zero[AES_BLOCK], subkey[AES_BLOCK], first[AES_BLOCK];
	uint8_t last[AES_BLOCK] = {0};
	size_t head = len ? (len - 1) / AES_BLOCK * AES_BLOCK : 0;
	const uint8_t *in = data;
	int n;

	if (!EVP_EncryptInit_ex(cmac->cbc, NULL, NULL, key, zero) ||
	    !EVP_EncryptUpdate(cmac->cbc, encrypted_zero, &n, zero, AES_BLOCK))
		return false;
	memcpy(subkey, encrypted_zero, sizeof(subkey));
	block_double(subkey);
	if (len)
		memcpy(last, in + head, len - head);
	if (len - head < AES_BLOCK) {
		last[len - head] = 0x80;
		block_double(subkey);
	}
	block_xor(last, subkey);
	/* The chain stands at the encrypted zero block; the message's first block takes it out. */
	if (!head) {
		block_xor(last, encrypted_zero);
	} else {
		memcpy(first, in, sizeof(first));
		block_xor(first, encrypted_zero);
		if (!cbc_absorb(cmac->cbc, first, sizeof(first)) ||
		    !cbc_absorb(cmac->cbc, in + AES_BLOCK, head - AES_BLOCK))
			return false;
	}
	return EVP_EncryptUpdate(cmac->cbc, mac, &n, last, AES_BLOCK);
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
