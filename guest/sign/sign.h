/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signer: from a linked enclave to a signed image. It has its own measurement, beside the one
 * in src/sgx, so that the two show each other's mistakes.
 */
#ifndef EXCLAVE_GUEST_SIGN_H
#define EXCLAVE_GUEST_SIGN_H

#include "common/image.h"

#include <openssl/evp.h>

struct image {
	struct image_header header;
	uint8_t *contents; /* of all parts, from the enclave's base */
};

/* Says what is wrong, with @format of printf(), and ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...);

/* Fails unless the file is an enclave of ours. The contents are the caller's to free. */
void image_from_elf(const char *path, struct image *image);
void image_write(const char *path, const struct image *image);

/* MRENCLAVE, by SDM "Measuring Enclave Contents". */
void image_measure(const struct image *image, uint8_t mrenclave[SGX_HASH_SIZE]);

/* Fills the SIGSTRUCT for @mrenclave and signs it. */
void image_sign(struct image *image, const uint8_t mrenclave[SGX_HASH_SIZE], EVP_PKEY *key);

#endif
