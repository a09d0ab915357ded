// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/sigstruct.h"

#include "lib/crypto.h"

#include <errno.h>
#include <string.h>

/* 00 01 FF..FF 00, then the DigestInfo of SHA-256 up to the digest. */
/* clang-format off */
const uint8_t sigstruct_padding[SGX_PADDING_SIZE] = {
	[1] = 0x01,
	[2 ... 331] = 0xff,
	[333] = 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
	0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
};
/* clang-format on */

void sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t mrsigner[SGX_HASH_SIZE])
{
	crypto_sha256(sig->modulus, sizeof(sig->modulus), mrsigner);
}

static void message_digest(const struct sgx_sigstruct *sig, uint8_t digest[SGX_HASH_SIZE])
{
	const size_t half = SGX_SIGSTRUCT_SIGNED1;
	uint8_t message[2 * SGX_SIGSTRUCT_SIGNED1];

	memcpy(message, sig, half);
	memcpy(message + half, (const uint8_t *)sig + SGX_SIGSTRUCT_SIGNED2, half);
	crypto_sha256(message, sizeof(message), digest);
}

int sigstruct_verify(const struct sgx_sigstruct *sig)
{
	uint8_t expected[SGX_MODULUS_SIZE], encoding[SGX_MODULUS_SIZE];
	int ret;

	ret = crypto_rsa3_recover(sig->modulus, sig->signature, sig->q1, sig->q2, encoding);
	if (ret)
		return ret;
	/*
	 * The whole encoding is compared, not parsed: with exponent 3, a parser
	 * that skips bytes lets anybody forge signatures.
	 */
	memcpy(expected, sigstruct_padding, SGX_PADDING_SIZE);
	message_digest(sig, expected + SGX_PADDING_SIZE);
	return memcmp(encoding, expected, sizeof(expected)) ? -EBADMSG : 0;
}
