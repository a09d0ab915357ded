/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peers: what libcrypto takes for the work that a leaf cannot avoid, called
 * as libcrypto's documentation has it. Each is a bench_function; the context is
 * not used.
 */
#ifndef EXCLAVE_BENCH_CRYPTO_H
#define EXCLAVE_BENCH_CRYPTO_H

#include <stdint.h>

uint64_t peer_sha256_page(void *ctx, unsigned int iterations); /* 81 blocks */
uint64_t peer_gcm_seal(void *ctx, unsigned int iterations);    /* 4 KiB + 128 bytes of AAD */
uint64_t peer_gcm_open(void *ctx, unsigned int iterations);    /* likewise, with the tag */
uint64_t peer_rsa_verify(void *ctx, unsigned int iterations);  /* e = 3, key from its modulus */
uint64_t peer_cmac_report(void *ctx, unsigned int iterations); /* 642 and 384 bytes, two keys */
uint64_t peer_cmac_key(void *ctx, unsigned int iterations);    /* 642 bytes */
uint64_t peer_getppid(void *ctx, unsigned int iterations);

#endif
