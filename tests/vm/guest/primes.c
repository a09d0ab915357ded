// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For tcc in the guest, which has no C library: counts the primes below a million and writes the
 * number.
 */
#define LIMIT 1000000

static char composite[LIMIT];

static long system_call(long number, long a, const void *b, long c)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static int count_primes(void)
{
	int count = 0;

	for (int i = 2; i < LIMIT; i++) {
		if (composite[i])
			continue;
		count++;
		for (int j = 2 * i; j < LIMIT; j += i)
			composite[j] = 1;
	}
	return count;
}

void _start(void)
{
	char text[16];
	int at = sizeof(text), count = count_primes();

	text[--at] = '\n';
	for (; count; count /= 10)
		text[--at] = '0' + count % 10;
	system_call(1, 1, text + at, sizeof(text) - at);
	system_call(60, 0, 0, 0);
}
