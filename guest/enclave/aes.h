/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AES-128 by the processor's own instructions: what sealing and verifying need, no more. */
#ifndef EXCLAVE_GUEST_AES_H
#define EXCLAVE_GUEST_AES_H

#include <stdbool.h>
#include <stdint.h>

#define AES_BLOCK  16
#define AES_ROUNDS 10

struct aes {
	uint8_t round_keys[AES_ROUNDS + 1][AES_BLOCK] __attribute__((aligned(16)));
};

void aes_init(struct aes *aes, const uint8_t key[AES_BLOCK]);
void aes_block(const struct aes *aes, const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK]);

/* Counter mode, big-endian, in place; the same call encrypts and decrypts. */
void aes_ctr(const struct aes *aes, const uint8_t counter[AES_BLOCK], uint8_t *data, uint64_t size);

/* RFC 4493. @size is not 0 and a multiple of a block: there is no padding here. */
void aes_cmac(const struct aes *aes, const void *data, uint64_t size, uint8_t mac[AES_BLOCK]);

/* In a time that does not depend on where they differ. */
bool mac_equal(const uint8_t a[AES_BLOCK], const uint8_t b[AES_BLOCK]);

#endif
