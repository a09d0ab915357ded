// SPDX-License-Identifier: GPL-2.0-or-later
#include "aes.h"

#include <wmmintrin.h>

static __m128i load(const uint8_t *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}

static void store(uint8_t *p, __m128i value)
{
	_mm_storeu_si128((__m128i *)p, value);
}

/* FIPS 197 "Key Expansion": four words, of which each is added to the next. */
static __m128i expand(__m128i key, __m128i assist)
{
	assist = _mm_shuffle_epi32(assist, 0xff);
	key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
	key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
	return _mm_xor_si128(key, assist);
}

/* The round constant is part of the instruction. */
#define EXPAND(n, constant)                                            \
	do {                                                           \
		k = expand(k, _mm_aeskeygenassist_si128(k, constant)); \
		store(aes->round_keys[n], k);                          \
	} while (0)

void aes_init(struct aes *aes, const uint8_t key[AES_BLOCK])
{
	__m128i k = load(key);

	store(aes->round_keys[0], k);
	EXPAND(1, 0x01);
	EXPAND(2, 0x02);
	EXPAND(3, 0x04);
	EXPAND(4, 0x08);
	EXPAND(5, 0x10);
	EXPAND(6, 0x20);
	EXPAND(7, 0x40);
	EXPAND(8, 0x80);
	EXPAND(9, 0x1b);
	EXPAND(10, 0x36);
}

void aes_block(const struct aes *aes, const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK])
{
	__m128i block = _mm_xor_si128(load(in), load(aes->round_keys[0]));

	for (int i = 1; i < AES_ROUNDS; i++)
		block = _mm_aesenc_si128(block, load(aes->round_keys[i]));
	store(out, _mm_aesenclast_si128(block, load(aes->round_keys[AES_ROUNDS])));
}

static void count_up(uint8_t counter[AES_BLOCK])
{
	for (int i = AES_BLOCK - 1; i >= 0 && ++counter[i] == 0; i--)
		;
}

void aes_ctr(const struct aes *aes, const uint8_t counter[AES_BLOCK], uint8_t *data, uint64_t size)
{
	uint8_t current[AES_BLOCK], stream[AES_BLOCK];

	store(current, load(counter));
	for (uint64_t i = 0; i < size; i++) {
		if (i % AES_BLOCK == 0) {
			aes_block(aes, current, stream);
			count_up(current);
		}
		data[i] ^= stream[i % AES_BLOCK];
	}
}

/* In the field of CMAC, most significant bit first. */
static void double_block(uint8_t block[AES_BLOCK])
{
	uint8_t carry = block[0] >> 7;

	for (int i = 0; i < AES_BLOCK - 1; i++)
		block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
	block[AES_BLOCK - 1] = (uint8_t)(block[AES_BLOCK - 1] << 1 ^ (carry ? 0x87 : 0));
}

void aes_cmac(const struct aes *aes, const void *data, uint64_t size, uint8_t mac[AES_BLOCK])
{
	const uint8_t *next = data;
	uint8_t subkey[AES_BLOCK] = {0};
	__m128i block;

	aes_block(aes, subkey, subkey);
	double_block(subkey);
	store(mac, _mm_setzero_si128());
	for (uint64_t left = size; left; left -= AES_BLOCK, next += AES_BLOCK) {
		block = _mm_xor_si128(load(mac), load(next));
		if (left == AES_BLOCK)
			block = _mm_xor_si128(block, load(subkey));
		store(mac, block);
		aes_block(aes, mac, mac);
	}
}

bool mac_equal(const uint8_t a[AES_BLOCK], const uint8_t b[AES_BLOCK])
{
	uint8_t difference = 0;

	for (int i = 0; i < AES_BLOCK; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}
