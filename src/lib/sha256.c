// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libcrypto's EVP interface can neither import nor export the chaining state of
 * a digest, and an enclave's measurement lives in its SECS page between leaves.
 * So this file alone speaks the interface of OpenSSL 1.1.1, which can, and which
 * allocates nothing and therefore cannot fail.
 */
#define OPENSSL_API_COMPAT 10101
#include <openssl/sha.h>

#include "lib/crypto.h"

#include <string.h>

void crypto_sha256(const void *data, size_t len, uint8_t digest[CRYPTO_SHA256_SIZE])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(digest, &ctx);
}

/* The caller keeps libcrypto's own context, so that nothing is copied between pieces. */
_Static_assert(sizeof(struct crypto_sha256) == sizeof(SHA256_CTX), "libcrypto's SHA256_CTX");

static SHA256_CTX *context(struct crypto_sha256 *sha)
{
	return (SHA256_CTX *)sha;
}

void crypto_sha256_start(struct crypto_sha256 *sha)
{
	SHA256_Init(context(sha));
}

void crypto_sha256_update(struct crypto_sha256 *sha, const void *data, size_t len)
{
	SHA256_Update(context(sha), data, len);
}

void crypto_sha256_finish(const struct crypto_sha256 *sha, uint8_t digest[CRYPTO_SHA256_SIZE])
{
	struct crypto_sha256 copy = *sha;

	SHA256_Final(digest, context(&copy));
}
