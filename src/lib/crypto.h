/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few primitives that SGX is made of, over OpenSSL's libcrypto. A context
 * belongs to one thread at a time. Only allocation and the host's random source
 * can fail for other reasons than a wrong MAC.
 */
#ifndef EXCLAVE_LIB_CRYPTO_H
#define EXCLAVE_LIB_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_SHA256_SIZE  32
#define CRYPTO_SHA256_BLOCK 64
#define CRYPTO_KEY_SIZE     16
#define CRYPTO_MAC_SIZE     16
#define CRYPTO_IV_SIZE      12
#define CRYPTO_RSA3_SIZE    384

/* Return: false when the host has no random numbers to give. */
bool crypto_random(void *out, size_t len);

/* Overwrites @p so that the compiler cannot leave it out. */
void crypto_wipe(void *p, size_t len);

/* In time that does not depend on the contents. */
bool crypto_equal(const void *a, const void *b, size_t len);

void crypto_sha256(const void *data, size_t len, uint8_t digest[CRYPTO_SHA256_SIZE]);

/*
 * SHA-256 whose state the caller keeps as plain memory, for messages that come
 * in pieces over a long time: it may be copied, stored and loaded again.
 */
struct crypto_sha256 {
	uint64_t state[14];
};

void crypto_sha256_start(struct crypto_sha256 *sha);
void crypto_sha256_update(struct crypto_sha256 *sha, const void *data, size_t len);
/* The digest of what came so far; @sha is not changed. */
void crypto_sha256_finish(const struct crypto_sha256 *sha, uint8_t digest[CRYPTO_SHA256_SIZE]);

/*
 * AES-128-CMAC. A context serves any number of keys, one after the other; using
 * one again is cheaper than another. Return of the first: NULL when out of memory.
 */
struct crypto_cmac *crypto_cmac_new(void);
void crypto_cmac_free(struct crypto_cmac *cmac);
/* Return: false when libcrypto is out of memory. */
bool crypto_cmac(struct crypto_cmac *cmac, const uint8_t key[CRYPTO_KEY_SIZE], const void *data,
		 size_t len, uint8_t mac[CRYPTO_MAC_SIZE]);
/* Leaves nothing of the last key in the context. */
void crypto_cmac_forget(struct crypto_cmac *cmac);

/* AES-128-GCM with one key for the life of the context. */
struct crypto_gcm *crypto_gcm_new(const uint8_t key[CRYPTO_KEY_SIZE]);
void crypto_gcm_free(struct crypto_gcm *gcm);
/* Return: false when libcrypto fails. */
bool crypto_gcm_seal(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_IV_SIZE], const void *aad,
		     size_t aad_len, const void *plain, size_t len, void *cipher,
		     uint8_t mac[CRYPTO_MAC_SIZE]);
/* Return: false when the MAC does not match; @plain then holds nothing useful. */
bool crypto_gcm_open(struct crypto_gcm *gcm, const uint8_t iv[CRYPTO_IV_SIZE], const void *aad,
		     size_t aad_len, const void *cipher, size_t len, void *plain,
		     const uint8_t mac[CRYPTO_MAC_SIZE]);

/*
 * What an RSA-3072 signature S with public exponent 3 and modulus M was made
 * of: S^3 mod M, found without a division by the quotients that come with it,
 *
 *	Q1 = floor(S^2 / M)	Q2 = floor(S * (S^2 mod M) / M)
 *
 * The four are little-endian, @encoding is big-endian.
 * Return: 0; -EBADMSG unless S < M and the quotients are exactly these; -ENOMEM.
 */
int crypto_rsa3_recover(const uint8_t modulus[CRYPTO_RSA3_SIZE],
			const uint8_t signature[CRYPTO_RSA3_SIZE],
			const uint8_t q1[CRYPTO_RSA3_SIZE], const uint8_t q2[CRYPTO_RSA3_SIZE],
			uint8_t encoding[CRYPTO_RSA3_SIZE]);

#endif
