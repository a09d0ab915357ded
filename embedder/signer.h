/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who signs enclaves in demo, benchmark and tests: two RSA-3072 keys with
 * exponent 3, made once for each process. A failure of libcrypto aborts.
 */
#ifndef EXCLAVE_EMBEDDER_SIGNER_H
#define EXCLAVE_EMBEDDER_SIGNER_H

#include "sgx/sgx.h"

#include <openssl/bn.h>
#include <openssl/evp.h>

enum signer {
	SIGNER_A,
	SIGNER_B,
	NR_SIGNERS,
};

/*
 * A SIGSTRUCT of the enclave whose SECS page, not yet initialised, is @secs: its
 * measurement as it stands, its attributes, all masks set. For sign().
 */
void signer_describe(struct sgx_secs *secs, struct sgx_sigstruct *sig);

/* Signs what @sig says. */
void sign(struct sgx_sigstruct *sig, enum signer signer);

/* MRSIGNER, which IA32_SGXLEPUBKEYHASHn must hold for EINIT without a token. */
void signer_hash(enum signer signer, uint8_t mrsigner[SGX_HASH_SIZE]);

/* The steps of sign(), for tests that take one of them differently. */
#define SIGNER_MESSAGE_SIZE 256
EVP_PKEY *signer_key(enum signer signer);
BIGNUM *signer_modulus(enum signer signer);
void signer_message(const struct sgx_sigstruct *sig, uint8_t message[SIGNER_MESSAGE_SIZE]);
/* S by the private key, with libcrypto's own PKCS#1 v1.5. */
BIGNUM *signer_signature(const struct sgx_sigstruct *sig, enum signer signer);
/* Q1 and Q2 by division, then all numbers into @sig. */
void signer_store_signature(struct sgx_sigstruct *sig, const BIGNUM *m, const BIGNUM *s);
/* Little-endian. */
void signer_store(const BIGNUM *n, uint8_t out[SGX_MODULUS_SIZE]);

#endif
