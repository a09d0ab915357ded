// SPDX-License-Identifier: GPL-2.0-or-later
#include "signing.h"

#include "lib/crypto.h"

#include <openssl/rsa.h>

static bool fits(const BIGNUM *n)
{
	return BN_num_bytes(n) <= SGX_MODULUS_SIZE;
}

void sign_unreduced(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = signer_modulus(signer), *s;
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *q = BN_new();
	bool found;

	/* S + M and floor((S + M)^2 / M) must both fit. */
	do {
		sig->date++;
		s = signer_signature(sig, signer);
		assert_true(BN_add(s, s, m) && BN_sqr(q, s, ctx) && BN_div(q, NULL, q, m, ctx));
		found = fits(s) && fits(q);
		if (found)
			signer_store_signature(sig, m, s);
		BN_free(s);
	} while (!found);
	BN_free(q);
	BN_free(m);
	BN_CTX_free(ctx);
}

void sign_with_loose_quotients(struct sgx_sigstruct *sig, enum signer signer)
{
	BIGNUM *m = signer_modulus(signer), *s, *q = BN_new();
	bool found;

	/* r1 = S^2 - (Q1 - 1) * M is r1 + M, and S * M more is taken off by Q2 + S. */
	do {
		sig->date++;
		s = signer_signature(sig, signer);
		signer_store_signature(sig, m, s);
		assert_true(BN_lebin2bn(sig->q2, SGX_MODULUS_SIZE, q) && BN_add(q, q, s));
		found = fits(q);
		BN_free(s);
	} while (!found);
	signer_store(q, sig->q2);
	assert_true(BN_lebin2bn(sig->q1, SGX_MODULUS_SIZE, q) && BN_sub_word(q, 1));
	signer_store(q, sig->q1);
	BN_free(q);
	BN_free(m);
}

void sign_with_loose_padding(struct sgx_sigstruct *sig, enum signer signer, bool digest_last)
{
	static const uint8_t head[] = {0x00, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
				       0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer_key(signer), NULL);
	uint8_t message[SIGNER_MESSAGE_SIZE], encoding[SGX_MODULUS_SIZE],
		signature[SGX_MODULUS_SIZE];
	BIGNUM *m = signer_modulus(signer), *s;
	size_t len = sizeof(signature);

	signer_message(sig, message);
	memset(encoding, 0xa5, sizeof(encoding));
	memcpy(encoding, head, sizeof(head));
	crypto_sha256(message, sizeof(message),
		      digest_last ? encoding + sizeof(encoding) - SGX_HASH_SIZE
				  : encoding + sizeof(head));
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, signature, &len, encoding, sizeof(encoding)), 1);
	s = BN_bin2bn(signature, (int)len, NULL);
	signer_store_signature(sig, m, s);
	BN_free(s);
	BN_free(m);
	EVP_PKEY_CTX_free(ctx);
}

struct sgx_sigstruct *sigstruct(struct fixture *f)
{
	return ram_ptr(f, SIGSTRUCT_GVA);
}

struct sgx_einittoken *einittoken(struct fixture *f)
{
	return ram_ptr(f, EINITTOKEN_GVA);
}

void describe_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig)
{
	signer_describe(epc_ptr(f, secs_page), sig);
}

void sign_enclave(struct fixture *f, unsigned int secs_page, struct sgx_sigstruct *sig)
{
	describe_enclave(f, secs_page, sig);
	sign(sig, SIGNER_A);
}

void trust_signer(struct fixture *f, enum signer signer)
{
	uint8_t hash[SGX_HASH_SIZE];

	signer_hash(signer, hash);
	for (unsigned int i = 0; i < FIXTURE_CPUS; i++)
		memcpy(f->cpus[i].cpu.lepubkeyhash, hash, sizeof(hash));
}

struct leaf_result einit(struct fixture *f, unsigned int secs_page)
{
	return encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(secs_page), EINITTOKEN_GVA);
}

void make_unsigned_enclave(struct fixture *f, uint64_t attributes)
{
	source_secs(f, ENCLAVE_BASE, ENCLAVE_SIZE)->attributes = attributes;
	set_pageinfo(f, 0, 0, EPCM_PT(SGX_PAGE_TYPE_SECS));
	expect_ok(encls(f, ECREATE, PAGEINFO_GVA, epc_gva(0), 0));
	memset(ram_ptr(f, SRC_GVA), 0, SGX_PAGE_SIZE);
	add_reg(f, 0, 1, ENCLAVE_BASE, EPCM_R | EPCM_W);
}

struct sgx_sigstruct *legal_einit(struct fixture *f)
{
	if (!epcm_is_valid(epcm_state(epcm_of(f, 0))))
		make_unsigned_enclave(f, SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG);
	trust_signer(f, SIGNER_A);
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	sign_enclave(f, 0, sigstruct(f));
	return sigstruct(f);
}

void init_enclave(struct fixture *f, unsigned int secs_page)
{
	sign_enclave(f, secs_page, sigstruct(f));
	memset(einittoken(f), 0, sizeof(struct sgx_einittoken));
	trust_signer(f, SIGNER_A);
	expect_code(einit(f, secs_page), SGX_SUCCESS);
}
