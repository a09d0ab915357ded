// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A memory test: fills a number of MiB with patterns and reads them back, forwards and backwards,
 * in every width, and moves them with the string instructions. Says how much of it the kernel has
 * placed above 4 GiB.
 *
 *   memory_walk MIB
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB  (1UL << 20)
#define PAGE 4096UL

static uint64_t *words;
static size_t count;

/* Differs in every word, and in every byte of most: a page in another's place shows. */
static uint64_t pattern(size_t index, uint64_t seed)
{
	uint64_t x = (index + 1) * 0x9e3779b97f4a7c15 ^ seed;

	return x ^ x >> 29;
}

static int differs(const char *what, size_t index, uint64_t got, uint64_t expected)
{
	printf("%s: word %zx is %016" PRIx64 ", not %016" PRIx64 "\n", what, index, got, expected);
	return 1;
}

static int fill_and_read(uint64_t seed)
{
	for (size_t i = 0; i < count; i++)
		words[i] = pattern(i, seed);
	for (size_t i = 0; i < count; i++) {
		if (words[i] != pattern(i, seed))
			return differs("forwards", i, words[i], pattern(i, seed));
	}
	return 0;
}

/* Each word is checked, then replaced by its complement, from the end. */
static int invert_backwards(uint64_t seed)
{
	for (size_t i = count; i-- > 0;) {
		if (words[i] != pattern(i, seed))
			return differs("backwards", i, words[i], pattern(i, seed));
		words[i] = ~words[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (words[i] != ~pattern(i, seed))
			return differs("inverted", i, words[i], ~pattern(i, seed));
	}
	return 0;
}

/* One word of each page, a byte, two and four at a time, and across the page's end. */
static int write_narrow(void)
{
	for (size_t offset = 0; offset + 2 * PAGE <= count * 8; offset += PAGE) {
		volatile uint8_t *bytes = (uint8_t *)words + offset;
		uint64_t across = pattern(offset, 7), got;

		bytes[0] = 0x11;
		*(volatile uint16_t *)(bytes + 1) = 0x3322;
		*(volatile uint32_t *)(bytes + 3) = 0x77665544;
		bytes[7] = 0x88;
		memcpy(&got, (const void *)bytes, sizeof(got));
		if (got != 0x8877665544332211)
			return differs("narrow", offset / 8, got, 0x8877665544332211);
		*(volatile uint64_t *)(bytes + PAGE - 3) = across;
		got = *(volatile uint64_t *)(bytes + PAGE - 3);
		if (got != across)
			return differs("across pages", offset / 8, got, across);
	}
	return 0;
}

/* The upper half moves over the lower with REP MOVSB, and is cleared with REP STOSQ. */
static int move_strings(uint64_t seed)
{
	size_t half = count / 2, bytes = half * 8, left = half;
	void *to = words, *from = words + half;

	for (size_t i = half; i < count; i++)
		words[i] = pattern(i, seed);
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
	to = words + half;
	__asm__ volatile("rep stosq" : "+D"(to), "+c"(left) : "a"(0L) : "memory");
	for (size_t i = 0; i < half; i++) {
		if (words[i] != pattern(i + half, seed))
			return differs("moved", i, words[i], pattern(i + half, seed));
		if (words[i + half])
			return differs("cleared", i + half, words[i + half], 0);
	}
	return 0;
}

/* Linux, Documentation/admin-guide/mm/pagemap.rst: bits 0-54 of an entry are the frame. */
static size_t count_high_pages(void)
{
	uintptr_t first = (uintptr_t)words / PAGE;
	FILE *map = fopen("/proc/self/pagemap", "r");
	size_t high = 0;
	uint64_t entry;

	if (!map)
		return 0;
	if (!fseek(map, (long)(first * sizeof(entry)), SEEK_SET)) {
		for (size_t i = 0; i < count * 8 / PAGE && fread(&entry, 8, 1, map) == 1; i++)
			high += (entry << 9 >> 9) * PAGE >= 1UL << 32;
	}
	fclose(map);
	return high;
}

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 0) * MIB : 0;

	if (!size)
		return 2;
	words = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (words == MAP_FAILED) {
		puts("no memory");
		return 2;
	}
	count = size / sizeof(*words);
	if (fill_and_read(0) || invert_backwards(0) || fill_and_read(0x5555555555555555) ||
	    write_narrow() || move_strings(1))
		return 1;
	printf("%zu MiB, %zu above 4 GiB\n", size / MIB, count_high_pages() * PAGE / MIB);
	return 0;
}
