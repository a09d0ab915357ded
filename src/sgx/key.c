// SPDX-License-Identifier: GPL-2.0-or-later
#include "sgx/key.h"

#include "lib/crypto.h"
#include "sgx/sigstruct.h"

#include <string.h>

/* SDM EGETKEY: a key depends on these attributes whatever the mask says. */
#define ATTRIBUTES_ALWAYS (SGX_ATTR_INIT | SGX_ATTR_DEBUG)

static bool derive(struct sgx_cpu *cpu, const uint8_t root[SGX_KEY_SIZE],
		   struct key_dependencies *deps, uint8_t key[SGX_KEY_SIZE])
{
	bool ok = crypto_cmac(cpu->derivation, root, deps, sizeof(*deps), key);

	crypto_wipe(deps, sizeof(*deps));
	if (unlikely(!ok))
		crypto_wipe(key, SGX_KEY_SIZE);
	return ok;
}

static void bind_fuses(struct key_dependencies *deps, const struct sgx_platform *platform)
{
	memcpy(deps->seal_fuses, platform->identity.seal_fuses, sizeof(deps->seal_fuses));
}

static void bind_owner(struct key_dependencies *deps, const struct sgx_platform *platform)
{
	memcpy(deps->owner_epoch, platform->identity.owner_epoch, sizeof(deps->owner_epoch));
}

/* What all keys but REPORT_KEY have in common. */
static void bind_request(struct key_dependencies *deps, struct sgx_secs *secs,
			 const struct sgx_keyrequest *request)
{
	deps->isv_prod_id = secs->isv_prod_id;
	deps->isv_svn = request->isv_svn;
	deps->attributes = (request->attributes_mask | ATTRIBUTES_ALWAYS) & secs->attributes;
	deps->xfrm = request->xfrm_mask & secs->xfrm;
	memcpy(deps->cpusvn, request->cpusvn, sizeof(deps->cpusvn));
	memcpy(deps->padding, secs_hidden(secs)->padding, sizeof(deps->padding));
	deps->miscselect = request->miscmask & secs->miscselect;
}

static void bind_masks(struct key_dependencies *deps, const struct sgx_keyrequest *request)
{
	deps->attributes_mask = request->attributes_mask;
	deps->xfrm_mask = request->xfrm_mask;
	deps->miscmask = ~request->miscmask;
}

static void bind_signer(struct key_dependencies *deps, const struct sgx_secs *secs)
{
	memcpy(deps->mrsigner, secs->mrsigner, sizeof(deps->mrsigner));
}

static void bind_enclave(struct key_dependencies *deps, const struct sgx_secs *secs)
{
	memcpy(deps->mrenclave, secs->mrenclave, sizeof(deps->mrenclave));
}

static void bind_keyid(struct key_dependencies *deps, const uint8_t keyid[SGX_KEYID_SIZE])
{
	memcpy(deps->keyid, keyid, sizeof(deps->keyid));
}

/* SDM "Key Request (KEYREQUEST)": KEYPOLICY beyond MRENCLAVE and MRSIGNER. */
static void bind_policy(struct key_dependencies *deps, struct sgx_secs *secs,
			const struct sgx_keyrequest *request)
{
	const struct secs_hidden *hidden = secs_hidden(secs);
	uint16_t policy = request->keypolicy;

	deps->keypolicy = policy;
	if (policy & SGX_KEYPOLICY_NOISVPRODID)
		deps->isv_prod_id = 0;
	if (policy & SGX_KEYPOLICY_CONFIGID) {
		memcpy(deps->config_id, secs->config_id, sizeof(deps->config_id));
		deps->config_svn = request->config_svn;
	}
	if (policy & SGX_KEYPOLICY_ISVFAMILYID)
		memcpy(deps->isv_family_id, hidden->isv_family_id, sizeof(deps->isv_family_id));
	if (policy & SGX_KEYPOLICY_ISVEXTPRODID)
		memcpy(deps->isv_ext_prod_id, hidden->isv_ext_prod_id,
		       sizeof(deps->isv_ext_prod_id));
}

/* REPORT_KEY as its owner asks for it; the identity is all that the report names as target. */
static void bind_report(struct key_dependencies *deps, const struct sgx_secs *secs,
			const struct sgx_keyrequest *request, const struct sgx_platform *platform)
{
	deps->attributes = secs->attributes;
	deps->xfrm = secs->xfrm;
	bind_owner(deps, platform);
	bind_enclave(deps, secs);
	bind_keyid(deps, request->keyid);
	bind_fuses(deps, platform);
	memcpy(deps->cpusvn, platform->identity.cpusvn, sizeof(deps->cpusvn));
	memcpy(deps->padding, sigstruct_padding, sizeof(deps->padding));
	deps->miscselect = secs->miscselect;
	memcpy(deps->config_id, secs->config_id, sizeof(deps->config_id));
	deps->config_svn = secs->config_svn;
}

bool key_for_request(struct sgx_cpu *cpu, struct sgx_secs *secs,
		     const struct sgx_keyrequest *request, uint8_t key[SGX_KEY_SIZE])
{
	const struct sgx_platform *platform = cpu->platform;
	struct key_dependencies deps = {.keyname = request->keyname};
	const uint8_t *root = platform->identity.root_key;

	switch ((enum sgx_key_name)request->keyname) {
	case SGX_KEYNAME_EINITTOKEN:
		bind_request(&deps, secs, request);
		bind_owner(&deps, platform);
		bind_signer(&deps, secs);
		bind_keyid(&deps, request->keyid);
		bind_fuses(&deps, platform);
		break;
	case SGX_KEYNAME_PROVISION:
		root = platform->identity.provisioning_root_key;
		bind_request(&deps, secs, request);
		bind_masks(&deps, request);
		bind_signer(&deps, secs);
		break;
	case SGX_KEYNAME_PROVISION_SEAL:
		root = platform->identity.provisioning_root_key;
		bind_request(&deps, secs, request);
		bind_masks(&deps, request);
		bind_signer(&deps, secs);
		bind_fuses(&deps, platform);
		bind_policy(&deps, secs, request);
		break;
	case SGX_KEYNAME_REPORT:
		bind_report(&deps, secs, request, platform);
		break;
	case SGX_KEYNAME_SEAL:
		bind_request(&deps, secs, request);
		bind_masks(&deps, request);
		bind_owner(&deps, platform);
		if (request->keypolicy & SGX_KEYPOLICY_MRENCLAVE)
			bind_enclave(&deps, secs);
		if (request->keypolicy & SGX_KEYPOLICY_MRSIGNER)
			bind_signer(&deps, secs);
		bind_keyid(&deps, request->keyid);
		bind_fuses(&deps, platform);
		bind_policy(&deps, secs, request);
		break;
	}
	return derive(cpu, root, &deps, key);
}

bool key_for_report(struct sgx_cpu *cpu, struct sgx_secs *secs, const struct sgx_targetinfo *target,
		    uint8_t key[SGX_KEY_SIZE])
{
	const struct sgx_platform *platform = cpu->platform;
	struct key_dependencies deps = {
		.keyname = SGX_KEYNAME_REPORT,
		.attributes = target->attributes,
		.xfrm = target->xfrm,
		.miscselect = target->miscselect,
		.config_svn = target->config_svn,
	};

	bind_owner(&deps, platform);
	memcpy(deps.mrenclave, target->measurement, sizeof(deps.mrenclave));
	bind_keyid(&deps, platform->report_keyid);
	bind_fuses(&deps, platform);
	memcpy(deps.cpusvn, platform->identity.cpusvn, sizeof(deps.cpusvn));
	memcpy(deps.padding, secs_hidden(secs)->padding, sizeof(deps.padding));
	memcpy(deps.config_id, target->config_id, sizeof(deps.config_id));
	return derive(cpu, platform->identity.root_key, &deps, key);
}

bool key_for_token(struct sgx_cpu *cpu, const struct sgx_einittoken *token,
		   uint8_t key[SGX_KEY_SIZE])
{
	const struct sgx_platform *platform = cpu->platform;
	struct key_dependencies deps = {
		.keyname = SGX_KEYNAME_EINITTOKEN,
		.isv_prod_id = token->isv_prod_id_le,
		.isv_svn = token->isv_svn_le,
		.attributes = token->masked_attributes_le,
		.xfrm = token->masked_xfrm_le,
		.miscselect = token->masked_miscselect_le,
	};

	bind_owner(&deps, platform);
	memcpy(deps.mrsigner, cpu->lepubkeyhash, sizeof(deps.mrsigner));
	bind_keyid(&deps, token->keyid);
	bind_fuses(&deps, platform);
	memcpy(deps.cpusvn, token->cpusvn_le, sizeof(deps.cpusvn));
	memcpy(deps.padding, sigstruct_padding, sizeof(deps.padding));
	return derive(cpu, platform->identity.root_key, &deps, key);
}

bool key_has_cpusvn(const struct sgx_platform *platform, const uint8_t cpusvn[SGX_CPUSVN_SIZE])
{
	const uint8_t *current = platform->identity.cpusvn;

	for (unsigned int i = 0; i < SGX_CPUSVN_SIZE; i++)
		if (cpusvn[i] > current[i])
			return false;
	return true;
}
