/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page that nobody can guess, and the search for any 16 bytes of it. */
#ifndef EXCLAVE_TESTS_ATTACK_HUNT_H
#define EXCLAVE_TESTS_ATTACK_HUNT_H

#include "sgx/arch.h"

#define HUNT_WINDOW  16
#define HUNT_WINDOWS (SGX_PAGE_SIZE - HUNT_WINDOW + 1)

struct secret {
	uint64_t seed; /* from which the enclave makes it: nobody else in the guest has it */
	uint8_t bytes[SGX_PAGE_SIZE];
	/* Windows by their first two bytes: the first one, and the next one with the same. */
	uint16_t first[UINT16_MAX + 1], next[SGX_PAGE_SIZE];
};

/* A new one. */
void secret_make(struct secret *secret);

/* Return: how many places of memory hold 16 bytes of the secret, wherever in it. */
size_t hunt(const struct secret *secret, const void *memory, size_t size);

/* SplitMix64, which the enclave has as well. */
uint64_t splitmix(uint64_t *state);

#endif
