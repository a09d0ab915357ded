// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SDM "EINIT", one test for each line of its checks but those of launch control
 * (launch_test.c), and their order.
 */
#include "tests.h"
#include "signing.h"

#include "sgx/sigstruct.h"

#include <openssl/crypto.h>

#include <errno.h>
#include <stdlib.h>

#define ATTRIBUTES (SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG)

static struct leaf_result resign_and_run(struct fixture *f)
{
	sign(sigstruct(f), SIGNER_A);
	return einit(f, 0);
}

static void einit_legal_sets_identity(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig = legal_einit(f);
	uint8_t mrsigner[SGX_HASH_SIZE];
	struct sgx_secs *secs;

	signer_hash(SIGNER_A, mrsigner);
	expect_code(einit(f, 0), SGX_SUCCESS);
	secs = epc_ptr(f, 0);
	assert_int_equal(secs->attributes, ATTRIBUTES | SGX_ATTR_INIT);
	assert_memory_equal(secs->mrenclave, sig->enclave_hash, SGX_HASH_SIZE);
	assert_memory_equal(secs->mrsigner, mrsigner, SGX_HASH_SIZE);
	assert_int_equal(secs->isv_prod_id, 5);
	assert_int_equal(secs->isv_svn, 7);
	assert_memory_equal(secs_hidden(secs)->padding, sigstruct_padding, SGX_PADDING_SIZE);
	assert_int_equal(secs_hidden(secs)->padding[1], 1);
	assert_int_equal(secs_hidden(secs)->padding[331], 0xff);
	assert_int_equal(secs_hidden(secs)->padding[332], 0);
	assert_int_equal(secs_hidden(secs)->padding[351], 0x20);
	assert_int_equal(epcm_of(f, 0)->state, EPCM_VALID | EPCM_PT(SGX_PAGE_TYPE_SECS));
}

static void einit_kss_sets_family_and_ext_prod_id(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig;

	make_unsigned_enclave(f, ATTRIBUTES | SGX_ATTR_KSS);
	sig = legal_einit(f);
	memset(sig->isv_family_id, 0xfa, sizeof(sig->isv_family_id));
	memset(sig->isv_ext_prod_id, 0xeb, sizeof(sig->isv_ext_prod_id));
	expect_code(resign_and_run(f), SGX_SUCCESS);
	assert_memory_equal(secs_hidden(epc_ptr(f, 0))->isv_family_id, sig->isv_family_id, 16);
	assert_memory_equal(secs_hidden(epc_ptr(f, 0))->isv_ext_prod_id, sig->isv_ext_prod_id, 16);
}

/* No page of the enclave may be measured any more. */
static void einit_twice_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
	expect_gp(einit(f, 0));
	expect_refused_by(f, "!secs_is_initialised");
	expect_gp(encls(f, EEXTEND, epc_gva(0), epc_gva(1), 0));
}

static void einit_misaligned_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	expect_gp(encls(f, EINIT, SIGSTRUCT_GVA + 2048, epc_gva(0), EINITTOKEN_GVA));
	expect_refused_by(f, "is_aligned(rbx");
	expect_gp(encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(0) + 2048, EINITTOKEN_GVA));
	expect_refused_by(f, "is_aligned(rcx");
	expect_gp(encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(0), EINITTOKEN_GVA + 256));
	expect_refused_by(f, "is_aligned(rdx");
	expect_code(encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(0), EINITTOKEN_GVA + 512), 0);
}

static void einit_non_canonical_operands_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	expect_gp(encls(f, EINIT, NON_CANONICAL, epc_gva(0), EINITTOKEN_GVA));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(encls(f, EINIT, SIGSTRUCT_GVA, NON_CANONICAL, EINITTOKEN_GVA));
	expect_refused_by(f, "x86_is_canonical");
	expect_gp(encls(f, EINIT, SIGSTRUCT_GVA, epc_gva(0), NON_CANONICAL));
	expect_refused_by(f, "x86_is_canonical");
}

static void einit_secs_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	unmap(f, epc_gva(0));
	unmap(f, SIGSTRUCT_GVA);
	expect_pfo(einit(f, 0), epc_gva(0), PFERR_WRITE_MASK);
}

static void einit_secs_not_epc_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	unmap(f, SIGSTRUCT_GVA);
	expect_pfx(encls(f, EINIT, SIGSTRUCT_GVA, ram_gva(5), EINITTOKEN_GVA), ram_gva(5),
		   ENCLS_WRITE);
}

static void einit_sigstruct_or_token_not_mapped_ordinary_pf(void **state)
{
	struct fixture *f = *state;

	/* A SIGSTRUCT that is refused shows that the token is read before it is looked at. */
	legal_einit(f)->vendor = 1;
	unmap(f, EINITTOKEN_GVA);
	expect_pfo(einit(f, 0), EINITTOKEN_GVA, 0);
	unmap(f, SIGSTRUCT_GVA);
	expect_pfo(einit(f, 0), SIGSTRUCT_GVA, 0);
}

static void einit_operand_memory_gone_host_error(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	legal_einit(f);
	f->embedder->host_error = -EFAULT;
	res = einit(f, 0);
	assert_int_equal(res.kind, LEAF_HOST_ERROR);
	assert_int_equal(res.value, -EFAULT);
}

static bool no_memory;

static void *limited_malloc(size_t size, const char *file, int line)
{
	return no_memory ? NULL : malloc(size);
}

static void *limited_realloc(void *p, size_t size, const char *file, int line)
{
	return no_memory ? NULL : realloc(p, size);
}

static void plain_free(void *p, const char *file, int line)
{
	free(p);
}

/* libcrypto takes other functions only before its first allocation. */
__attribute__((constructor)) static void limit_libcrypto(void)
{
	if (!CRYPTO_set_mem_functions(limited_malloc, limited_realloc, plain_free))
		abort();
}

/* The guest sees nothing of it: the host stops, and the leaf can be run again. */
static void einit_out_of_memory_host_error(void **state)
{
	struct fixture *f = *state;
	struct leaf_result res;

	legal_einit(f);
	no_memory = true;
	res = einit(f, 0);
	no_memory = false;
	assert_int_equal(res.kind, LEAF_HOST_ERROR);
	assert_int_equal(res.value, -ENOMEM);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

/* EPC is the abort page to EINIT's reads: all ones. */
static void einit_sigstruct_in_epc_invalid(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	expect_code(encls(f, EINIT, epc_gva(1), epc_gva(0), EINITTOKEN_GVA),
		    SGX_INVALID_SIG_STRUCT);
}

static void spoil_operands_after_copy(struct fixture *f)
{
	if (f->cpus[0].reads != 2)
		return;
	/* Before the token is read: the SIGSTRUCT has been copied. */
	memset(sigstruct(f), 0xff, sizeof(struct sgx_sigstruct));
}

static void einit_reads_each_operand_once(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	f->cpus[0].reads = 0;
	f->on_read = spoil_operands_after_copy;
	expect_code(einit(f, 0), SGX_SUCCESS);
	assert_int_equal(f->cpus[0].reads, 2);
}

/* Each row spoils one field; the signature is good, so that nothing else refuses. */
static void einit_malformed_sigstruct_invalid(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig;

#define SPOILED(rule, ...)                                              \
	do {                                                            \
		sig = legal_einit(f);                                   \
		__VA_ARGS__;                                            \
		expect_code(resign_and_run(f), SGX_INVALID_SIG_STRUCT); \
		expect_refused_by(f, rule);                             \
	} while (0)

	SPOILED("header, header", sig->header[0] = 7);
	SPOILED("header, header", sig->header[15] = 1);
	SPOILED("vendor", sig->vendor = 1);
	SPOILED("vendor", sig->vendor = 0x18086);
	SPOILED("header2", sig->header2[0] = 0);
	SPOILED("header2", sig->header2[15] = 1);
	SPOILED("reserved1", sig->reserved1[0] = 1);
	SPOILED("reserved1", sig->reserved1[83] = 1);
	SPOILED("cet", sig->cet_attributes = 1);
	SPOILED("cet", sig->cet_attributes_mask = 1);
	SPOILED("reserved2", sig->reserved2[1] = 1);
	SPOILED("reserved3", sig->reserved3[0] = 1);
	SPOILED("reserved3", sig->reserved3[15] = 1);
	SPOILED("reserved4", sig->reserved4[0] = 1);
	SPOILED("reserved4", sig->reserved4[11] = 1);
#undef SPOILED
	legal_einit(f)->exponent = 65537;
	expect_code(einit(f, 0), SGX_INVALID_SIG_STRUCT);
	expect_refused_by(f, "exponent");
}

static void einit_vendor_intel_ok(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->vendor = 0x8086;
	expect_code(resign_and_run(f), SGX_SUCCESS);
}

static void einit_event_pending_unmasked_event(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	f->cpus[0].event_pending = true;
	expect_code(einit(f, 0), SGX_UNMASKED_EVENT);
	expect_refused_by(f, "event_is_pending");
	f->cpus[0].event_pending = false;
	expect_code(einit(f, 0), SGX_SUCCESS);
}

/* After the format, before the signature. */
static void einit_event_pending_and_bad_sigstruct_in_order(void **state)
{
	struct fixture *f = *state;

	f->cpus[0].event_pending = true;
	legal_einit(f)->signature[0] ^= 1;
	expect_code(einit(f, 0), SGX_UNMASKED_EVENT);
	sigstruct(f)->vendor = 1;
	expect_code(einit(f, 0), SGX_INVALID_SIG_STRUCT);
}

/* Is byte @at of a SIGSTRUCT one that may have one or two values only? */
static bool is_fixed(size_t at)
{
	return at < 20 || (at >= 24 && at < 40) || (at >= 44 && at < 128) ||
	       (at >= 512 && at < 516) || (at >= 908 && at < 912) || (at >= 992 && at < 1008) ||
	       (at >= 1028 && at < 1040);
}

/* All that is signed, and the numbers of the signature: 20 bits of each, and the last. */
static void einit_one_bit_flipped_refused(void **state)
{
	static const struct {
		size_t start, end;
	} parts[] = {{0, 128}, {900, 1028}, {128, 512}, {516, 900}, {1040, 1424}, {1424, 1808}};
	struct fixture *f = *state;
	uint8_t *bytes = (uint8_t *)legal_einit(f);
	uint32_t random = 12345;

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t bits = (parts[i].end - parts[i].start) * 8;

		for (unsigned int n = 0; n <= 20; n++) {
			size_t bit = n < 20 ? (random >> 8) % bits : bits - 1;
			size_t at = parts[i].start + bit / 8;

			random = random * 1103515245 + 12345;
			bytes[at] ^= (uint8_t)(1 << bit % 8);
			expect_code(einit(f, 0),
				    is_fixed(at) ? SGX_INVALID_SIG_STRUCT : SGX_INVALID_SIGNATURE);
			bytes[at] ^= (uint8_t)(1 << bit % 8);
		}
	}
	expect_code(einit(f, 0), SGX_SUCCESS);
}

static void expect_bad_signature(struct fixture *f)
{
	expect_code(einit(f, 0), SGX_INVALID_SIGNATURE);
	expect_refused_by(f, "-EBADMSG");
}

/* A good S^3 mod M that no honest signer writes so. */
static void einit_loose_signature_refused(void **state)
{
	struct fixture *f = *state;

	sign_unreduced(legal_einit(f), SIGNER_A);
	expect_bad_signature(f);
	sign_with_loose_quotients(legal_einit(f), SIGNER_A);
	expect_bad_signature(f);
	sign_with_loose_padding(legal_einit(f), SIGNER_A, false);
	expect_bad_signature(f);
	sign_with_loose_padding(legal_einit(f), SIGNER_A, true);
	expect_bad_signature(f);
}

static void einit_degenerate_numbers_refused(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig = legal_einit(f);

	memset(sig->modulus, 0, SGX_MODULUS_SIZE);
	expect_bad_signature(f);
	memset(sig->signature, 0, SGX_MODULUS_SIZE);
	memset(sig->q1, 0, SGX_MODULUS_SIZE);
	memset(sig->q2, 0, SGX_MODULUS_SIZE);
	expect_bad_signature(f);
	memcpy(sig->modulus, legal_einit(f)->modulus, SGX_MODULUS_SIZE);
	memcpy(sig->signature, sig->modulus, SGX_MODULUS_SIZE);
	expect_bad_signature(f);
	memset(sig, 0xff, sizeof(*sig));
	expect_code(einit(f, 0), SGX_INVALID_SIG_STRUCT);
}

/* One signer's signature under the other's name. */
static void einit_modulus_of_other_signer_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t modulus[SGX_MODULUS_SIZE];

	legal_einit(f);
	sign(sigstruct(f), SIGNER_B);
	memcpy(modulus, sigstruct(f)->modulus, sizeof(modulus));
	memcpy(legal_einit(f)->modulus, modulus, sizeof(modulus));
	expect_bad_signature(f);
}

/* The signature comes before everything that is known of the SECS. */
static void einit_bad_signature_and_bad_secs_signature_first(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->signature[0] ^= 1;
	hold_page(f, 0, EPCM_LOCK_EXCL);
	expect_bad_signature(f);
	expect_code(einit(f, 40), SGX_INVALID_SIGNATURE);
}

static void einit_secs_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	hold_page(f, 0, EPCM_LOCK_EXCL);
	expect_gp(einit(f, 0));
	expect_refused_by(f, "epcm_lock");
	let_go(f, 0, EPCM_LOCK_EXCL);
	/* Shared with others that build this or its children. */
	hold_page(f, 0, 1);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

static void einit_secs_in_use_and_invalid_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	hold_page(f, 40, EPCM_LOCK_EXCL);
	expect_gp(einit(f, 40));
	expect_refused_by(f, "epcm_lock");
}

static void einit_secs_invalid_or_other_type_sgx_pf(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	expect_pfx(einit(f, 40), epc_gva(40), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
	expect_pfx(einit(f, 1), epc_gva(1), ENCLS_WRITE);
	expect_refused_by(f, "SGX_PAGE_TYPE_SECS");
}

/* Before the state of the measurement is looked at. */
static void einit_family_id_without_kss_invalid(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->isv_family_id[15] = 1;
	expect_code(resign_and_run(f), SGX_INVALID_SIG_STRUCT);
	expect_refused_by(f, "isv_family_id");
	legal_einit(f)->isv_ext_prod_id[15] = 1;
	expect_code(resign_and_run(f), SGX_INVALID_SIG_STRUCT);
	expect_refused_by(f, "isv_ext_prod_id");
	hold_page(f, 0, EPCM_LOCK_MEASURE);
	expect_code(resign_and_run(f), SGX_INVALID_SIG_STRUCT);
	let_go(f, 0, EPCM_LOCK_MEASURE);
	force_init(f, 0);
	expect_code(einit(f, 0), SGX_INVALID_SIG_STRUCT);
}

static void einit_measurement_in_use_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->enclave_hash[0] ^= 1;
	sign(sigstruct(f), SIGNER_A);
	hold_page(f, 0, EPCM_LOCK_MEASURE);
	expect_gp(einit(f, 0));
	expect_refused_by(f, "EPCM_LOCK_MEASURE");
}

static void einit_initialised_and_other_hash_gp(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->enclave_hash[0] ^= 1;
	force_init(f, 0);
	expect_gp(resign_and_run(f));
	expect_refused_by(f, "!secs_is_initialised");
}

static void einit_other_hash_invalid_measurement(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->enclave_hash[31] ^= 0x80;
	expect_code(resign_and_run(f), SGX_INVALID_MEASUREMENT);
	expect_refused_by(f, "enclave_hash");
	legal_einit(f);
	expect_ok(encls(f, EEXTEND, epc_gva(0), epc_gva(1), 0));
	expect_code(einit(f, 0), SGX_INVALID_MEASUREMENT);
}

/* A refused EINIT changes nothing: the enclave can still be measured and initialised. */
static void einit_refused_measurement_goes_on(void **state)
{
	struct fixture *f = *state;

	legal_einit(f)->enclave_hash[0] ^= 1;
	expect_code(resign_and_run(f), SGX_INVALID_MEASUREMENT);
	expect_ok(encls(f, EEXTEND, epc_gva(0), epc_gva(1), 0));
	legal_einit(f);
	expect_code(einit(f, 0), SGX_SUCCESS);
}

static void einit_attributes_differ_under_mask_invalid_attribute(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig = legal_einit(f);

	sig->attributes ^= SGX_ATTR_DEBUG;
	expect_code(resign_and_run(f), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "attributes_mask");
	legal_einit(f)->attributes |= BIT64(63);
	expect_code(resign_and_run(f), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "attributes_mask");
	/* Compared before EINIT sets INIT. */
	legal_einit(f)->attributes |= SGX_ATTR_INIT;
	expect_code(resign_and_run(f), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "attributes_mask");
	legal_einit(f)->xfrm |= XFEATURE_MASK_YMM;
	expect_code(resign_and_run(f), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "xfrm_mask");
	legal_einit(f)->miscselect = 0;
	expect_code(resign_and_run(f), SGX_INVALID_ATTRIBUTE);
	expect_refused_by(f, "miscmask");
}

static void einit_attributes_differ_outside_mask_ok(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct *sig = legal_einit(f);

	sig->attributes ^= SGX_ATTR_DEBUG | BIT64(40);
	sig->attributes_mask = ~(SGX_ATTR_DEBUG | BIT64(40));
	sig->xfrm = 0x1234;
	sig->xfrm_mask = 0;
	sig->miscselect = 0;
	sig->miscmask = ~SGX_MISC_EXINFO;
	expect_code(resign_and_run(f), SGX_SUCCESS);
	assert_int_equal(((struct sgx_secs *)epc_ptr(f, 0))->attributes,
			 ATTRIBUTES | SGX_ATTR_INIT);
}

static void einit_watched_secs_notifies(void **state)
{
	struct fixture *f = *state;

	legal_einit(f);
	sgx_watch_page(f->platform, EPC_HPA);
	expect_code(einit(f, 0), SGX_SUCCESS);
	assert_int_equal(f->embedder->notices, 1);
	assert_int_equal(f->embedder->last_notice, EPC_HPA);
}

const struct CMUnitTest einit_tests[] = {
	sgx_test(einit_legal_sets_identity),
	sgx_test(einit_kss_sets_family_and_ext_prod_id),
	sgx_test(einit_twice_gp),
	sgx_test(einit_misaligned_operands_gp),
	sgx_test(einit_non_canonical_operands_gp),
	sgx_test(einit_secs_not_mapped_ordinary_pf),
	sgx_test(einit_secs_not_epc_sgx_pf),
	sgx_test(einit_sigstruct_or_token_not_mapped_ordinary_pf),
	sgx_test(einit_operand_memory_gone_host_error),
	sgx_test(einit_out_of_memory_host_error),
	sgx_test(einit_sigstruct_in_epc_invalid),
	sgx_test(einit_reads_each_operand_once),
	sgx_test(einit_malformed_sigstruct_invalid),
	sgx_test(einit_vendor_intel_ok),
	sgx_test(einit_event_pending_unmasked_event),
	sgx_test(einit_event_pending_and_bad_sigstruct_in_order),
	sgx_test(einit_one_bit_flipped_refused),
	sgx_test(einit_loose_signature_refused),
	sgx_test(einit_degenerate_numbers_refused),
	sgx_test(einit_modulus_of_other_signer_refused),
	sgx_test(einit_bad_signature_and_bad_secs_signature_first),
	sgx_test(einit_secs_in_use_gp),
	sgx_test(einit_secs_in_use_and_invalid_gp),
	sgx_test(einit_secs_invalid_or_other_type_sgx_pf),
	sgx_test(einit_family_id_without_kss_invalid),
	sgx_test(einit_measurement_in_use_gp),
	sgx_test(einit_initialised_and_other_hash_gp),
	sgx_test(einit_other_hash_invalid_measurement),
	sgx_test(einit_refused_measurement_goes_on),
	sgx_test(einit_attributes_differ_under_mask_invalid_attribute),
	sgx_test(einit_attributes_differ_outside_mask_ok),
	sgx_test(einit_watched_secs_notifies),
};
const size_t einit_test_count = ARRAY_SIZE(einit_tests);
