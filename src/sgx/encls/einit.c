// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EINIT". */
#include "sgx/key.h"
#include "sgx/leaf.h"
#include "sgx/measure.h"
#include "sgx/sigstruct.h"

#include "lib/crypto.h"

#include <errno.h>
#include <string.h>

/* The private copies, and what is computed before any page is locked. */
struct einit {
	struct sgx_sigstruct sig;
	struct sgx_einittoken token;
	uint8_t mrsigner[SGX_HASH_SIZE];
	bool token_mac_ok;
};
_Static_assert(sizeof(struct einit) <= SGX_SCRATCH_SIZE, "operands of EINIT");
_Static_assert(sizeof(((struct sgx_cpu *)0)->lepubkeyhash) == SGX_HASH_SIZE, "launch key hash");

static struct leaf_result check_format(struct sgx_cpu *cpu, const struct sgx_sigstruct *sig)
{
	static const uint8_t header[] = SGX_SIGSTRUCT_HEADER;
	static const uint8_t header2[] = SGX_SIGSTRUCT_HEADER2;
	const struct leaf_result bad = leaf_code(SGX_INVALID_SIG_STRUCT);

	CHECK(!memcmp(sig->header, header, sizeof(header)), bad);
	CHECK(!sig->vendor || sig->vendor == SGX_SIGSTRUCT_VENDOR_INTEL, bad);
	CHECK(!memcmp(sig->header2, header2, sizeof(header2)), bad);
	CHECK(sig->exponent == SGX_SIGSTRUCT_EXPONENT, bad);
	CHECK(is_zero(sig->reserved1, sizeof(sig->reserved1)), bad);
	/* The processor has no CET, so its fields are reserved. */
	CHECK(!sig->cet_attributes && !sig->cet_attributes_mask, bad);
	CHECK(is_zero(sig->reserved2, sizeof(sig->reserved2)), bad);
	CHECK(is_zero(sig->reserved3, sizeof(sig->reserved3)), bad);
	CHECK(is_zero(sig->reserved4, sizeof(sig->reserved4)), bad);
	return leaf_ok();
}

static bool token_is_valid(const struct sgx_einittoken *token)
{
	return token->valid & SGX_EINITTOKEN_VALID;
}

static bool signed_by_launch_signer(const struct sgx_cpu *cpu, const struct einit *op)
{
	return !memcmp(op->mrsigner, cpu->lepubkeyhash, sizeof(op->mrsigner));
}

static struct leaf_result check_signature(struct sgx_cpu *cpu, const struct sgx_sigstruct *sig)
{
	int ret = sigstruct_verify(sig);

	CHECK(ret != -EBADMSG, leaf_code(SGX_INVALID_SIGNATURE));
	return ret ? leaf_host_error(ret) : leaf_ok();
}

/* The crypto whose outcome counts only later, but which may allocate and takes long. */
static struct leaf_result prepare(struct sgx_cpu *cpu, struct einit *op)
{
	const struct sgx_einittoken *token = &op->token;
	uint8_t key[SGX_KEY_SIZE], mac[SGX_MAC_SIZE];
	bool ok;

	sigstruct_mrsigner(&op->sig, op->mrsigner);
	op->token_mac_ok = false;
	if (!token_is_valid(token))
		return leaf_ok();
	ok = key_for_token(cpu, token, key) &&
	     crypto_cmac(cpu->cmac, key, token, SGX_EINITTOKEN_MACED, mac);
	crypto_cmac_forget(cpu->cmac);
	crypto_wipe(key, sizeof(key));
	if (!ok)
		return leaf_host_error(-ENOMEM);
	op->token_mac_ok = crypto_equal(mac, token->mac, sizeof(mac));
	crypto_wipe(mac, sizeof(mac));
	return leaf_ok();
}

static struct leaf_result check_identity(struct sgx_cpu *cpu, const struct einit *op,
					 const struct sgx_secs *secs,
					 const uint8_t mrenclave[SGX_HASH_SIZE])
{
	const struct sgx_sigstruct *sig = &op->sig;
	const struct leaf_result mismatch = leaf_code(SGX_INVALID_ATTRIBUTE);

	CHECK(!memcmp(mrenclave, sig->enclave_hash, SGX_HASH_SIZE),
	      leaf_code(SGX_INVALID_MEASUREMENT));
	CHECK(!(secs->attributes & SGX_ATTR_EINITTOKENKEY) || signed_by_launch_signer(cpu, op),
	      mismatch);
	CHECK(!((secs->attributes ^ sig->attributes) & sig->attributes_mask), mismatch);
	CHECK(!((secs->xfrm ^ sig->xfrm) & sig->xfrm_mask), mismatch);
	CHECK(!((secs->miscselect ^ sig->miscselect) & sig->miscmask), mismatch);
	return leaf_ok();
}

static struct leaf_result check_token(struct sgx_cpu *cpu, const struct einit *op,
				      const struct sgx_secs *secs,
				      const uint8_t mrenclave[SGX_HASH_SIZE])
{
	const struct sgx_einittoken *token = &op->token;
	const struct leaf_result bad = leaf_code(SGX_INVALID_EINITTOKEN);

	if (!token_is_valid(token)) {
		CHECK(signed_by_launch_signer(cpu, op), bad);
		return leaf_ok();
	}
	/* A launch enclave that can be debugged may launch only such enclaves. */
	CHECK(!(token->masked_attributes_le & SGX_ATTR_DEBUG) ||
		      (secs->attributes & SGX_ATTR_DEBUG),
	      bad);
	CHECK(is_zero(token->reserved1, sizeof(token->reserved1)), bad);
	CHECK(is_zero(token->reserved2, sizeof(token->reserved2)), bad);
	CHECK(is_zero(token->reserved3, sizeof(token->reserved3)), bad);
	CHECK(!token->cet_masked_attributes_le, bad);
	CHECK(is_zero(token->reserved4, sizeof(token->reserved4)), bad);
	CHECK(!(token->valid & ~SGX_EINITTOKEN_VALID), bad);
	CHECK(key_has_cpusvn(cpu->platform, token->cpusvn_le), leaf_code(SGX_INVALID_CPUSVN));
	CHECK(op->token_mac_ok, bad);
	CHECK(!memcmp(token->mrenclave, mrenclave, SGX_HASH_SIZE),
	      leaf_code(SGX_INVALID_MEASUREMENT));
	CHECK(!memcmp(token->mrsigner, op->mrsigner, SGX_HASH_SIZE),
	      leaf_code(SGX_INVALID_MEASUREMENT));
	CHECK(token->attributes == secs->attributes, leaf_code(SGX_INVALID_ATTRIBUTE));
	CHECK(token->xfrm == secs->xfrm, leaf_code(SGX_INVALID_ATTRIBUTE));
	return leaf_ok();
}

static void __commit(struct sgx_secs *secs, const struct einit *op,
		     const uint8_t mrenclave[SGX_HASH_SIZE])
{
	const struct sgx_sigstruct *sig = &op->sig;
	struct secs_hidden *hidden = secs_hidden(secs);

	memcpy(secs->mrenclave, mrenclave, sizeof(secs->mrenclave));
	memcpy(secs->mrsigner, op->mrsigner, sizeof(secs->mrsigner));
	secs->isv_prod_id = sig->isv_prod_id;
	secs->isv_svn = sig->isv_svn;
	memcpy(hidden->isv_family_id, sig->isv_family_id, sizeof(hidden->isv_family_id));
	memcpy(hidden->isv_ext_prod_id, sig->isv_ext_prod_id, sizeof(hidden->isv_ext_prod_id));
	memcpy(hidden->padding, sigstruct_padding, sizeof(hidden->padding));
	/* Last: a processor that enters meanwhile sees all or nothing. */
	__atomic_store_n(&secs->attributes, secs->attributes | SGX_ATTR_INIT, __ATOMIC_RELEASE);
}

/* The measurement is locked. */
static struct leaf_result __initialise(struct sgx_cpu *cpu, struct sgx_secs *secs,
				       const struct einit *op)
{
	uint8_t mrenclave[SGX_HASH_SIZE];

	CHECK(!secs_is_initialised(secs), leaf_gp());
	measure_final(secs, mrenclave);
	TRY(check_identity(cpu, op, secs, mrenclave));
	TRY(check_token(cpu, op, secs, mrenclave));
	__commit(secs, op, mrenclave);
	return leaf_code(SGX_SUCCESS);
}

static struct leaf_result __einit(struct sgx_cpu *cpu, struct epcm_entry *e, gva_t gva,
				  const struct einit *op)
{
	const struct sgx_sigstruct *sig = &op->sig;
	struct leaf_result res;
	struct sgx_secs *secs;
	bool kss;

	CHECK(epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS), leaf_pf(gva, ENCLS_WRITE));
	secs = secs_of(e);
	kss = secs_attributes(secs) & SGX_ATTR_KSS;
	CHECK(kss || is_zero(sig->isv_family_id, sizeof(sig->isv_family_id)),
	      leaf_code(SGX_INVALID_SIG_STRUCT));
	CHECK(kss || is_zero(sig->isv_ext_prod_id, sizeof(sig->isv_ext_prod_id)),
	      leaf_code(SGX_INVALID_SIG_STRUCT));
	CHECK(epcm_bit_lock(e, EPCM_LOCK_MEASURE), leaf_gp());
	res = __initialise(cpu, secs, op);
	epcm_bit_unlock(e, EPCM_LOCK_MEASURE);
	return res;
}

static bool event_is_pending(struct sgx_cpu *cpu)
{
	return cpu->ops->event_pending && cpu->ops->event_pending(cpu);
}

/* RBX = SIGSTRUCT, RCX = SECS, RDX = EINITTOKEN. */
struct leaf_result sgx_einit(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct einit *op = (struct einit *)cpu->scratch;
	struct epcm_entry *e;
	struct leaf_result res;
	gva_t gva;

	CHECK(is_aligned(rbx, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(rcx, SGX_PAGE_SIZE), leaf_gp());
	CHECK(is_aligned(rdx, 512), leaf_gp());
	TRY(operand_epc_page(cpu, rcx, ENCLS_WRITE, &gva, &e));
	TRY(operand_read(cpu, rbx, ENCLS_READ, &op->sig, sizeof(op->sig)));
	TRY(operand_read(cpu, rdx, ENCLS_READ, &op->token, sizeof(op->token)));
	TRY(check_format(cpu, &op->sig));
	CHECK(!event_is_pending(cpu), leaf_code(SGX_UNMASKED_EVENT));
	TRY(check_signature(cpu, &op->sig));
	TRY(prepare(cpu, op));

	CHECK(epcm_lock(e, EPCM_SHARED), leaf_gp());
	res = __einit(cpu, e, gva, op);
	epcm_unlock(e, EPCM_SHARED);
	if (leaf_succeeded(res))
		leaf_page_changed(cpu, e);
	return res;
}
