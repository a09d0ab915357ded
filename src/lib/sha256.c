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

void crypto_sha256_start(uint32_t h[8])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	memcpy(h, ctx.h, sizeof(ctx.h));
}

/* A context that has consumed @total blocks and has no partial one. */
static void resume(SHA256_CTX *ctx, const uint32_t h[8], uint64_t total)
{
	uint64_t bits = total * CRYPTO_SHA256_BLOCK * 8;

	memcpy(ctx->h, h, sizeof(ctx->h));
	ctx->Nl = (uint32_t)bits;
	ctx->Nh = (uint32_t)(bits >> 32);
	ctx->num = 0;
	ctx->md_len = SHA256_DIGEST_LENGTH;
}

void crypto_sha256_blocks(uint32_t h[8], const void *blocks, size_t count)
{
	SHA256_CTX ctx;

	resume(&ctx, h, 0);
	SHA256_Update(&ctx, blocks, count * CRYPTO_SHA256_BLOCK);
	memcpy(h, ctx.h, sizeof(ctx.h));
}

void crypto_sha256_finish(const uint32_t h[8], uint64_t total, uint8_t digest[CRYPTO_SHA256_SIZE])
{
	SHA256_CTX ctx;

	resume(&ctx, h, total);
	SHA256_Final(digest, &ctx);
}
