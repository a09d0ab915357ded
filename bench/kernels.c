// SPDX-License-Identifier: GPL-2.0-or-later
/* What a kernel does must be in it, not in the C library, and integer work in integer registers. */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns", "no-tree-vectorize")
#endif

#include "kernels.h"

#include <immintrin.h>
#include <stddef.h>

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A linked list in random order: nothing but dependent loads. */
static uint64_t list(uint8_t *memory, uint32_t scale)
{
	uint32_t *next = (uint32_t *)memory, state = 1, at = 0;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 4096; i++)
		next[i] = i;
	for (uint32_t i = 4095; i > 0; i--) {
		uint32_t j = next_random(&state) % i, t = next[i];

		next[i] = next[j];
		next[j] = t;
	}
	for (uint32_t i = 0; i < scale * 4096; i++) {
		at = next[at];
		sum += at;
	}
	return sum;
}

/* Nodes of one cache line, 1 MiB in random order: each load has the address of the next. */
static uint64_t chase(uint8_t *memory, uint32_t scale)
{
	const uint32_t count = 16384;
	uint64_t *node = (uint64_t *)memory, at = 0, sum = 0;
	uint32_t state = 11;

	for (uint32_t i = 0; i < count; i++)
		node[i * 8] = (uint64_t)&node[i * 8];
	for (uint32_t i = count - 1; i > 0; i--) {
		uint32_t j = next_random(&state) % i;
		uint64_t t = node[i * 8];

		node[i * 8] = node[j * 8];
		node[j * 8] = t;
	}
	at = node[0];
	for (uint32_t i = 0; i < scale * count; i++) {
		at = *(uint64_t *)at;
		sum += at & 0xfff;
	}
	return sum;
}

/* Open addressing, of a table that gets six keys for each ten @slots at most. */
static inline __attribute__((always_inline)) uint64_t hash_of(uint8_t *memory, uint32_t slots,
							      uint32_t count)
{
	uint64_t *table = (uint64_t *)memory, found = 0;
	uint32_t state = 7;

	for (uint32_t i = 0; i < slots; i++)
		table[i] = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = next_random(&state) % (slots / 10 * 6) + 1;
		uint32_t at = (uint32_t)(key * 2654435761u) % slots;

		while (table[at] && table[at] != key)
			at = (at + 1) % slots;
		found += table[at] == key;
		table[at] = key;
	}
	return found;
}

static uint64_t hash(uint8_t *memory, uint32_t scale)
{
	return hash_of(memory, 32768, scale * 1000);
}

static uint64_t hash_2m(uint8_t *memory, uint32_t scale)
{
	return hash_of(memory, (2u << 20) / 8, scale * 1000);
}

static uint64_t hash_28m(uint8_t *memory, uint32_t scale)
{
	return hash_of(memory, (28u << 20) / 8, scale * 1000);
}

/* Greedy matching against a window, as LZ77 compressors do. */
static uint64_t lz(uint8_t *memory, uint32_t scale)
{
	uint8_t *text = memory, *out = memory + 262144;
	uint32_t *head = (uint32_t *)(memory + 1048576), state = 3, n = 0;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 65536; i++)
		text[i] = (uint8_t)("abcdefgh"[next_random(&state) % (i % 7 + 1)]);
	for (uint32_t round = 0; round < scale; round++) {
		for (uint32_t i = 0; i < 4096; i++)
			head[i] = 0;
		n = 0;
		for (uint32_t i = 0; i + 16 < 65536;) {
			uint32_t h = (text[i] * 31u + text[i + 1] * 7u + text[i + 2]) % 4096;
			uint32_t from = head[h], len = 0;

			head[h] = i;
			while (from < i && len < 16 && text[from + len] == text[i + len])
				len++;
			if (len > 3) {
				out[n++] = (uint8_t)len;
				i += len;
			} else {
				out[n++] = text[i++];
			}
		}
		sum += n;
	}
	return sum;
}

static uint32_t ror(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/* SHA-256's message schedule and rounds, without its constants. */
static uint64_t sha(uint8_t *memory, uint32_t scale)
{
	uint32_t *w = (uint32_t *)memory, s[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	for (uint32_t i = 0; i < 16; i++)
		w[i] = i * 0x9e3779b9u;
	for (uint32_t round = 0; round < scale * 16; round++) {
		for (uint32_t i = 16; i < 64; i++)
			w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18)) +
			       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19));
		for (uint32_t i = 0; i < 64; i++) {
			uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
				      ((s[4] & s[5]) ^ (~s[4] & s[6])) + w[i];
			uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
				      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

			for (unsigned int j = 7; j > 0; j--)
				s[j] = s[j - 1];
			s[4] += t1;
			s[0] = t1 + t2;
		}
		w[round % 16] ^= s[0];
	}
	return s[0] ^ (uint64_t)s[4] << 32;
}

/* A bytecode interpreter with a switch. */
static uint64_t interp(uint8_t *memory, uint32_t scale)
{
	uint8_t *code = memory;
	uint64_t acc = 1, r[4] = {1, 2, 3, 4};
	uint32_t state = 5;

	for (uint32_t i = 0; i < 1024; i++)
		code[i] = (uint8_t)(next_random(&state) % 8);
	for (uint32_t i = 0; i < scale * 1024; i++) {
		switch (code[i % 1024]) {
		case 0:
			acc += r[i % 4];
			break;
		case 1:
			acc ^= acc << 7;
			break;
		case 2:
			r[acc % 4] = acc;
			break;
		case 3:
			acc = acc * 3 + 1;
			break;
		case 4:
			acc -= r[(i >> 2) % 4];
			break;
		case 5:
			acc = acc >> 3 | acc << 61;
			break;
		case 6:
			r[i % 4]++;
			break;
		default:
			acc ^= r[3];
			break;
		}
	}
	return acc + r[0];
}

__attribute__((noinline)) static uint64_t fib_step(uint32_t n)
{
	return n < 2 ? n : fib_step(n - 1) + fib_step(n - 2);
}

static uint64_t fib(uint8_t *memory, uint32_t scale)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < scale; i++)
		sum += fib_step(18);
	return sum;
}

static uint64_t copy(uint8_t *memory, uint32_t scale)
{
	uint64_t *to = (uint64_t *)(memory + 65536), *from = (uint64_t *)memory, sum = 0;

	for (uint32_t i = 0; i < 1024; i++)
		from[i] = i;
	for (uint32_t round = 0; round < scale; round++) {
		for (uint32_t i = 0; i < 1024; i++)
			to[i] = from[i] + round;
		sum += to[round % 1024];
	}
	return sum;
}

static uint64_t mm_sse(uint8_t *memory, uint32_t scale)
{
	float *a = (float *)memory, *b = a + 64 * 64, *c = b + 64 * 64;

	for (uint32_t i = 0; i < 64 * 64; i++) {
		a[i] = (float)(i % 17);
		b[i] = (float)(i % 13);
	}
	for (uint32_t round = 0; round < scale; round++)
		for (uint32_t i = 0; i < 64; i++)
			for (uint32_t j = 0; j < 64; j += 4) {
				__m128 sum = _mm_setzero_ps();

				for (uint32_t k = 0; k < 64; k++)
					sum = _mm_add_ps(sum,
							 _mm_mul_ps(_mm_set1_ps(a[i * 64 + k]),
								    _mm_load_ps(b + k * 64 + j)));
				_mm_store_ps(c + i * 64 + j, sum);
			}
	return (uint64_t)c[5 * 64 + 7];
}

__attribute__((target("avx2,fma"))) static uint64_t mm_avx(uint8_t *memory, uint32_t scale)
{
	float *a = (float *)memory, *b = a + 64 * 64, *c = b + 64 * 64;

	for (uint32_t i = 0; i < 64 * 64; i++) {
		a[i] = (float)(i % 17);
		b[i] = (float)(i % 13);
	}
	for (uint32_t round = 0; round < scale; round++)
		for (uint32_t i = 0; i < 64; i++)
			for (uint32_t j = 0; j < 64; j += 8) {
				__m256 sum = _mm256_setzero_ps();

				for (uint32_t k = 0; k < 64; k++)
					sum = _mm256_fmadd_ps(_mm256_set1_ps(a[i * 64 + k]),
							      _mm256_load_ps(b + k * 64 + j), sum);
				_mm256_store_ps(c + i * 64 + j, sum);
			}
	return (uint64_t)c[5 * 64 + 7];
}

__attribute__((target("aes,sse2"))) static uint64_t aesni(uint8_t *memory, uint32_t scale)
{
	__m128i *block = (__m128i *)memory, key = _mm_set1_epi32(0x1234567);

	for (uint32_t i = 0; i < 256; i++)
		block[i] = _mm_set1_epi32((int)i);
	for (uint32_t round = 0; round < scale; round++)
		for (uint32_t i = 0; i < 256; i++) {
			__m128i x = _mm_load_si128(block + i);

			for (unsigned int r = 0; r < 10; r++)
				x = _mm_aesenc_si128(x, key);
			_mm_store_si128(block + i, x);
		}
	return (uint64_t)_mm_cvtsi128_si64(block[7]);
}

const struct kernel kernels[] = {
	{"list", list, 40, KERNEL_INTEGER},         {"chase", chase, 10, KERNEL_APART},
	{"hash", hash, 100, KERNEL_INTEGER},        {"hash 2M", hash_2m, 400, KERNEL_APART},
	{"hash 28M", hash_28m, 1000, KERNEL_APART}, {"lz", lz, 5, KERNEL_INTEGER},
	{"sha", sha, 40, KERNEL_INTEGER},           {"interp", interp, 200, KERNEL_INTEGER},
	{"fib", fib, 40, KERNEL_INTEGER},           {"copy", copy, 500, KERNEL_INTEGER},
	{"mm_sse", mm_sse, 4, KERNEL_SIMD},         {"mm_avx", mm_avx, 8, KERNEL_SIMD},
	{"aesni", aesni, 100, KERNEL_SIMD},
};
const unsigned int kernel_count = sizeof(kernels) / sizeof(kernels[0]);
