// SPDX-License-Identifier: GPL-2.0-or-later
/* What the compiler calls without being asked. Plain loops: no test depends on REP here. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *dst, int c, size_t n);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);
int strcmp(const char *a, const char *b);

void *memset(void *dst, int c, size_t n)
{
	uint64_t word = (unsigned char)c * UINT64_C(0x0101010101010101);
	volatile char *d = dst;

	/* By words: engines that run one instruction at a time take a while for whole tables. */
	for (; n >= sizeof(word); n -= sizeof(word), d += sizeof(word))
		*(volatile uint64_t *)d = word;
	while (n--)
		*d++ = (char)c;
	return dst;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	volatile char *d = dst;
	const char *s = src;

	for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), d += sizeof(uint64_t)) {
		*(volatile uint64_t *)d = *(const uint64_t *)s;
		s += sizeof(uint64_t);
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a;
	const unsigned char *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}
