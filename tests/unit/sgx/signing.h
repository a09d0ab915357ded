/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signing and initialising the enclaves of the tests. */
#ifndef EXCLAVE_TESTS_UNIT_SGX_SIGNING_H
#define EXCLAVE_TESTS_UNIT_SGX_SIGNING_H

#include "fixture.h"
#include "signer.h"

/* Where EINIT of the tests finds its operands. */
#define SIGSTRUCT_GVA  ram_gva(2)
#define EINITTOKEN_GVA ram_gva(3)

struct sgx_sigstruct *sigstruct(struct fixture *f);
struct sgx_einittoken *einittoken(struct fixture *f);

/* A SIGSTRUCT of the enclave as it is now, all masks set, for sign(). */
void describe_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig);

/* Both, with SIGNER_A. */
void sign_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig);

/*
 * Signatures that only a verifier takes that does not insist on S < M, or on
 * remainders below M: S + M for S, and Q1 - 1 with the Q2 that makes up for it.
 * DATE changes until one fits.
 */
void sign_unreduced(struct sgx_sigstruct *sig, enum signer signer);
void sign_with_loose_quotients(struct sgx_sigstruct *sig, enum signer signer);

/*
 * PKCS#1 v1.5 with too little padding and free bytes behind the digest, or, so
 * that it ends in the digest, before.
 */
void sign_with_loose_padding(struct sgx_sigstruct *sig, enum signer signer, bool digest_last);

/* IA32_SGXLEPUBKEYHASHn of all processors. */
void trust_signer(struct fixture *f, enum signer signer);

/* EINIT with the operands at SIGSTRUCT_GVA and EINITTOKEN_GVA. */
struct leaf_result einit(struct fixture *f, unsigned int secs_page);

/* An enclave of one RW page in EPC pages 0 and 1, for EINIT. */
void make_unsigned_enclave(struct fixture *f, uint64_t attributes);

/*
 * Everything that EINIT of EPC page 0 wants, with no token, for tests to spoil; makes
 * the enclave (MODE64BIT, DEBUG) unless there is one. Return: the SIGSTRUCT.
 */
struct sgx_sigstruct *legal_einit(struct fixture *f);

/* Signs the enclave, trusts SIGNER_A and asserts that EINIT without a token succeeds. */
void init_enclave(struct fixture *f, unsigned int secs_page);

#endif
