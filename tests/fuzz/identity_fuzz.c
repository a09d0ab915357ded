// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as the platform identity's file. No guess ever has the right
 * checksum, so an input is also tried with a checksum made for it: what is then
 * accepted must be what encoding makes of it.
 */
#include "host/identity.h"

#include "lib/crypto.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const uint8_t *bytes, size_t len)
{
	uint8_t again[IDENTITY_FILE_SIZE];
	struct sgx_identity identity;

	if (identity_decode(bytes, len, &identity))
		return;
	identity_encode(&identity, again);
	if (len != sizeof(again) || memcmp(again, bytes, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[IDENTITY_FILE_SIZE];
	const size_t covered = sizeof(bytes) - CRYPTO_SHA256_SIZE;

	decode(data, size);
	if (size < covered)
		return 0;
	memcpy(bytes, data, covered);
	crypto_sha256(bytes, covered, bytes + covered);
	decode(bytes, sizeof(bytes));
	return 0;
}
