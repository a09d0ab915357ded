// SPDX-License-Identifier: GPL-2.0-or-later
/* Local attestation: one enclave proves to another on the same platform what it is. */
#include "demo.h"

#include "lib/crypto.h"

#include <string.h>

#define TARGET_AT UINT64_C(0x10090000)

static bool put(struct demo *d, gva_t gva, const void *bytes, size_t len)
{
	void *where = world_access(d, gva, PFERR_WRITE_MASK, NULL);

	if (where)
		memcpy(where, bytes, len);
	return where;
}

static bool get(struct demo *d, gva_t gva, void *bytes, size_t len)
{
	const void *where = world_access(d, gva, 0, NULL);

	if (where)
		memcpy(bytes, where, len);
	return where;
}

/* Inside the reporting enclave. */
static bool make_report(struct demo *d, const struct sgx_targetinfo *target,
			struct sgx_report *report)
{
	static const char message[SGX_REPORTDATA_SIZE] = "signed by nobody, believed by one";
	const gva_t data = enclave_gva(&d->enclave, DATA);

	return put(d, data + 0x200, target, sizeof(*target)) &&
	       put(d, data + 0x400, message, sizeof(message)) &&
	       leaf_succeeded(world_enclu(d, EREPORT, data + 0x200, data + 0x400, data + 0x600)) &&
	       get(d, data + 0x600, report, sizeof(*report));
}

/* Inside the target: the key is its own, and the MAC was made with it. */
static bool is_true(struct demo *d, const struct enclave *target, const struct sgx_report *report)
{
	const gva_t data = enclave_gva(target, DATA);
	struct sgx_keyrequest request = {.keyname = SGX_KEYNAME_REPORT};
	uint8_t key[SGX_KEY_SIZE], mac[SGX_MAC_SIZE];
	bool ok;

	memcpy(request.keyid, report->keyid, sizeof(request.keyid));
	ok = put(d, data + 0x200, &request, sizeof(request)) &&
	     leaf_succeeded(world_enclu(d, EGETKEY, data + 0x200, data + 0x400, 0)) &&
	     get(d, data + 0x400, key, sizeof(key)) &&
	     crypto_cmac(d->thread->cpu.cmac, key, report, SGX_REPORT_MACED, mac) &&
	     crypto_equal(mac, report->mac, sizeof(mac));
	crypto_wipe(key, sizeof(key));
	return ok;
}

static bool remove_enclave(struct demo *d, const struct enclave *e)
{
	bool ok = true;

	for (unsigned int i = TCS; i <= DATA; i++)
		ok = is_code(world_encls(d, EREMOVE, 0, e->page[i], 0), SGX_SUCCESS) && ok;
	return is_code(world_encls(d, EREMOVE, 0, e->secs, 0), SGX_SUCCESS) && ok;
}

void show_attestation(struct demo *d)
{
	struct sgx_report report = {0};
	struct enclave target;
	bool ok;

	tell_section("It attests to another enclave");
	clock_start(d);
	if (!tell_step(d, build_enclave(d, &target, TARGET_AT, 0x90), "build",
		       "a second enclave, with other code"))
		return;
	tell_hash("MRENCLAVE", target.mrenclave);
	world_enter(d, &d->enclave);
	clock_start(d);
	ok = make_report(d, &target.target, &report);
	tell_step(d, ok && !memcmp(report.mrenclave, d->enclave.mrenclave, SGX_HASH_SIZE),
		  "EREPORT", "the first one says who it is");
	world_exit(d);

	world_enter(d, &target);
	clock_start(d);
	tell_step(d, is_true(d, &target, &report), "EGETKEY",
		  "the second one checks the MAC: true");
	report.isv_svn++;
	clock_start(d);
	tell_step(d, !is_true(d, &target, &report), "EGETKEY", "with a version forged: false");
	world_exit(d);
	clock_start(d);
	tell_step(d, remove_enclave(d, &target), "EREMOVE", "the second one goes");
}
