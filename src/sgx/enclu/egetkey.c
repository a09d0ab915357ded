// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EGETKEY". */
#include "sgx/key.h"
#include "sgx/leaf.h"

#include "lib/crypto.h"

#include <errno.h>
#include <string.h>

#define KEYREQUEST_ALIGN 512

static struct leaf_result check_reserved(struct sgx_cpu *cpu, const struct sgx_keyrequest *request,
					 const struct sgx_secs *secs)
{
	bool kss = secs->attributes & SGX_ATTR_KSS;

	CHECK(!request->reserved1, leaf_gp());
	CHECK(is_zero(request->reserved2, sizeof(request->reserved2)), leaf_gp());
	/* The processor has no CET, so its field is reserved. */
	CHECK(!request->cet_attributes_mask, leaf_gp());
	CHECK(!(request->keypolicy & SGX_KEYPOLICY_RESERVED), leaf_gp());
	CHECK(kss || !(request->keypolicy & SGX_KEYPOLICY_KSS), leaf_gp());
	CHECK(kss || !request->config_svn, leaf_gp());
	return leaf_ok();
}

static bool is_provisioning(uint16_t keyname)
{
	return keyname == SGX_KEYNAME_PROVISION || keyname == SGX_KEYNAME_PROVISION_SEAL;
}

static bool has_config(uint16_t keyname)
{
	return keyname == SGX_KEYNAME_PROVISION_SEAL || keyname == SGX_KEYNAME_SEAL;
}

/* Who may ask, and no key of a version that processor and enclave have not reached yet. */
static struct leaf_result check_key(struct sgx_cpu *cpu, const struct sgx_keyrequest *request,
				    const struct sgx_secs *secs)
{
	const struct leaf_result forbidden = leaf_code(SGX_INVALID_ATTRIBUTE);
	uint16_t name = request->keyname;

	CHECK(name <= SGX_KEYNAME_SEAL, leaf_code(SGX_INVALID_KEYNAME));
	if (name == SGX_KEYNAME_REPORT)
		return leaf_ok();
	CHECK(name != SGX_KEYNAME_EINITTOKEN || (secs->attributes & SGX_ATTR_EINITTOKENKEY),
	      forbidden);
	CHECK(!is_provisioning(name) || (secs->attributes & SGX_ATTR_PROVISIONKEY), forbidden);
	CHECK(key_has_cpusvn(cpu->platform, request->cpusvn), leaf_code(SGX_INVALID_CPUSVN));
	CHECK(request->isv_svn <= secs->isv_svn, leaf_code(SGX_INVALID_ISVSVN));
	CHECK(!has_config(name) || request->config_svn <= secs->config_svn,
	      leaf_code(SGX_INVALID_ISVSVN));
	return leaf_ok();
}

/* RBX = KEYREQUEST, RCX = key (out). */
struct leaf_result sgx_egetkey(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct sgx_secs *secs = secs_of(cpu->enclave.secs);
	struct sgx_keyrequest request;
	uint8_t key[SGX_KEY_SIZE];
	struct epcm_entry *e, *out_entry;
	void *keyrequest, *out;

	CHECK(is_aligned(rbx, KEYREQUEST_ALIGN), leaf_gp());
	TRY(operand_enclave(cpu, rbx, sizeof(request), ENCLU_READ, &e, &keyrequest));
	CHECK(is_aligned(rcx, SGX_KEY_SIZE), leaf_gp());
	TRY(operand_enclave(cpu, rcx, sizeof(key), ENCLU_WRITE, &out_entry, &out));

	/* Copied once: the enclave's other threads may write to it meanwhile. */
	memcpy(&request, keyrequest, sizeof(request));
	TRY(check_reserved(cpu, &request, secs));
	TRY(check_key(cpu, &request, secs));
	if (!key_for_request(cpu, secs, &request, key))
		return leaf_host_error(-ENOMEM);

	memcpy(out, key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	leaf_page_changed(cpu, out_entry);
	return leaf_code(SGX_SUCCESS);
}
