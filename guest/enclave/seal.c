// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sealing: encrypted under a key that EGETKEY gives to this very enclave on this platform alone,
 * then authenticated. Both keys are derived from the sealing key, which protects nothing itself.
 */
#include "aes.h"
#include "enclave.h"
#include "leaf.h"

#define SEAL_MAGIC "EXCSEAL1"

enum purpose {
	PURPOSE_ENCRYPT = 1,
	PURPOSE_AUTHENTICATE = 2,
	PURPOSE_SHOW = 3,
};

struct seal_keys {
	struct aes encrypt;
	struct aes authenticate;
};

static void derive(const struct aes *from, enum purpose purpose, struct aes *to)
{
	uint8_t block[AES_BLOCK] = {(uint8_t)purpose};

	aes_block(from, block, block);
	aes_init(to, block);
}

/* Return: the leaf's code. */
static uint64_t get_seal_keys(const struct sealed *sealed, struct seal_keys *keys)
{
	struct sgx_keyrequest request __attribute__((aligned(512))) = {
		.keyname = SGX_KEYNAME_SEAL,
		.keypolicy = SGX_KEYPOLICY_MRENCLAVE,
		.isv_svn = sealed->isv_svn,
		.attributes_mask = UINT64_MAX,
		.xfrm_mask = UINT64_MAX,
		.miscmask = UINT32_MAX,
	};
	uint8_t key[SGX_KEY_SIZE] __attribute__((aligned(16)));
	struct aes root;
	uint64_t code;

	memcpy(request.cpusvn, sealed->cpusvn, sizeof(request.cpusvn));
	memcpy(request.keyid, sealed->keyid, sizeof(request.keyid));
	code = leaf_get_key(&request, key);
	if (code != SGX_SUCCESS)
		return code;
	aes_init(&root, key);
	derive(&root, PURPOSE_ENCRYPT, &keys->encrypt);
	derive(&root, PURPOSE_AUTHENTICATE, &keys->authenticate);
	return SGX_SUCCESS;
}

/* The processor may have none for a moment. */
static bool take_random(unsigned long long *number)
{
	bool taken;

	asm volatile("rdrand %0" : "=r"(*number), "=@ccc"(taken));
	return taken;
}

/* The processor's own numbers: the caller could choose any other. */
static void fill_random(uint8_t *to, uint64_t size)
{
	unsigned long long number;

	for (uint64_t i = 0; i < size; i += sizeof(number)) {
		while (!take_random(&number))
			;
		memcpy(to + i, &number, sizeof(number));
	}
}

/* The security versions that this enclave has now, by its own report. */
static void take_versions(struct sealed *sealed)
{
	struct sgx_targetinfo target __attribute__((aligned(512))) = {0};
	struct sgx_report report __attribute__((aligned(512))) = {0};
	uint8_t data[SGX_REPORTDATA_SIZE] __attribute__((aligned(128))) = {0};

	leaf_report(&target, data, &report);
	memcpy(sealed->cpusvn, report.cpusvn, sizeof(sealed->cpusvn));
	sealed->isv_svn = report.isv_svn;
}

void call_seal(struct call_frame *f)
{
	struct sealed *sealed = &f->seal.sealed;
	struct seal_keys keys;

	memset(sealed, 0, sizeof(*sealed));
	memcpy(sealed->magic, SEAL_MAGIC, sizeof(sealed->magic));
	fill_random(sealed->keyid, sizeof(sealed->keyid));
	fill_random(sealed->counter, sizeof(sealed->counter));
	take_versions(sealed);
	f->leaf_code = get_seal_keys(sealed, &keys);
	if (f->leaf_code != SGX_SUCCESS) {
		f->status = CALL_LEAF_FAILED;
		return;
	}
	memcpy(sealed->text, f->seal.text, sizeof(sealed->text));
	aes_ctr(&keys.encrypt, sealed->counter, sealed->text, sizeof(sealed->text));
	aes_cmac(&keys.authenticate, sealed, offsetof(struct sealed, mac), sealed->mac);
}

void call_unseal(struct call_frame *f)
{
	const struct sealed *sealed = &f->seal.sealed;
	struct seal_keys keys;
	uint8_t mac[SGX_MAC_SIZE];

	f->leaf_code = get_seal_keys(sealed, &keys);
	if (f->leaf_code != SGX_SUCCESS) {
		f->status = CALL_LEAF_FAILED;
		return;
	}
	aes_cmac(&keys.authenticate, sealed, offsetof(struct sealed, mac), mac);
	if (!mac_equal(mac, sealed->mac)) {
		f->status = CALL_REFUSED;
		return;
	}
	memcpy(f->seal.text, sealed->text, sizeof(f->seal.text));
	aes_ctr(&keys.encrypt, sealed->counter, f->seal.text, sizeof(f->seal.text));
}

void call_provision(struct call_frame *f)
{
	struct sgx_keyrequest request __attribute__((aligned(512))) = {
		.keyname = SGX_KEYNAME_PROVISION,
		.attributes_mask = UINT64_MAX,
		.xfrm_mask = UINT64_MAX,
	};
	uint8_t key[SGX_KEY_SIZE] __attribute__((aligned(16)));
	struct aes root, show;
	uint8_t zero[AES_BLOCK] = {0};

	f->leaf_code = leaf_get_key(&request, key);
	if (f->leaf_code != SGX_SUCCESS) {
		f->status = CALL_LEAF_FAILED;
		return;
	}
	aes_init(&root, key);
	derive(&root, PURPOSE_SHOW, &show);
	aes_block(&show, zero, f->key.digest);
}
