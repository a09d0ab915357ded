/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Enclave Signature Structure (SIGSTRUCT)": the part of EINIT that depends
 * on nothing but the structure. Both functions work on a private copy and need
 * no lock.
 */
#ifndef EXCLAVE_SGX_SIGSTRUCT_H
#define EXCLAVE_SGX_SIGSTRUCT_H

#include "sgx/arch.h"

/*
 * All of a signature's encoding but the digest: PKCS#1 v1.5 for SHA-256 with
 * RSA-3072, big-endian. Every good signature yields these bytes, which go into
 * SECS.PADDING, and every key depends on them.
 */
extern const uint8_t sigstruct_padding[SGX_PADDING_SIZE];

/* MRSIGNER of an enclave that is signed so. */
void sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t mrsigner[SGX_HASH_SIZE]);

/* Return: 0; -EBADMSG when SIGNATURE, Q1 or Q2 is wrong; -ENOMEM. */
int sigstruct_verify(const struct sgx_sigstruct *sig);

#endif
