// SPDX-License-Identifier: GPL-2.0-or-later
/* libc's functions of the same names without vector registers (live.h). */
#include <stddef.h>
#include <stdint.h>

void *live_memcpy(void *dst, const void *src, size_t len);
void *live_memmove(void *dst, const void *src, size_t len);
void *live_memset(void *dst, int value, size_t len);
int live_memcmp(const void *a, const void *b, size_t len);

typedef uint64_t word __attribute__((may_alias, aligned(1)));

void *live_memcpy(void *dst, const void *src, size_t len)
{
	void *d = dst;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(len) : : "memory");
	return dst;
}

void *live_memmove(void *dst, const void *src, size_t len)
{
	if ((uintptr_t)dst - (uintptr_t)src >= len)
		return live_memcpy(dst, src, len);
	while (len--)
		((volatile uint8_t *)dst)[len] = ((const uint8_t *)src)[len];
	return dst;
}

void *live_memset(void *dst, int value, size_t len)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(len) : "a"(value) : "memory");
	return dst;
}

int live_memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;
	size_t i = 0;

	while (i + sizeof(word) <= len && *(const word *)(x + i) == *(const word *)(y + i))
		i += sizeof(word);
	for (; i < len; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}
