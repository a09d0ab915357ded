// SPDX-License-Identifier: GPL-2.0-or-later
#include "hunt.h"

#include "report.h"

#include <string.h>
#include <sys/random.h>

#define NO_WINDOW UINT16_MAX

uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static unsigned int start_of(const uint8_t *bytes)
{
	return bytes[0] | (unsigned int)bytes[1] << 8;
}

void secret_make(struct secret *secret)
{
	uint64_t state;

	must(getrandom(&secret->seed, sizeof(secret->seed), 0) == sizeof(secret->seed));
	state = secret->seed;
	for (size_t i = 0; i < SGX_PAGE_SIZE; i += 8) {
		uint64_t word = splitmix(&state);

		memcpy(&secret->bytes[i], &word, sizeof(word));
	}
	memset(secret->first, 0xff, sizeof(secret->first));
	for (uint16_t i = 0; i < HUNT_WINDOWS; i++) {
		uint16_t *first = &secret->first[start_of(&secret->bytes[i])];

		secret->next[i] = *first;
		*first = i;
	}
}

static bool is_window(const struct secret *secret, const uint8_t *bytes)
{
	uint16_t i = secret->first[start_of(bytes)];

	for (; i != NO_WINDOW; i = secret->next[i])
		if (!memcmp(&secret->bytes[i], bytes, HUNT_WINDOW))
			return true;
	return false;
}

size_t hunt(const struct secret *secret, const void *memory, size_t size)
{
	const uint8_t *bytes = memory;
	size_t found = 0;

	for (size_t i = 0; i + HUNT_WINDOW <= size; i++)
		found += is_window(secret, &bytes[i]);
	return found;
}
