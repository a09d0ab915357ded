// SPDX-License-Identifier: GPL-2.0-or-later
/* SDM "EREPORT". */
#include "sgx/key.h"
#include "sgx/leaf.h"

#include "lib/crypto.h"

#include <errno.h>
#include <string.h>

#define TARGETINFO_ALIGN 512
#define REPORTDATA_ALIGN 128
#define REPORT_ALIGN     512

static void fill_report(const struct sgx_platform *platform, struct sgx_secs *secs,
			struct sgx_report *report)
{
	const struct secs_hidden *hidden = secs_hidden(secs);

	memcpy(report->cpusvn, platform->identity.cpusvn, sizeof(report->cpusvn));
	report->miscselect = secs->miscselect;
	memcpy(report->isv_ext_prod_id, hidden->isv_ext_prod_id, sizeof(report->isv_ext_prod_id));
	report->attributes = secs->attributes;
	report->xfrm = secs->xfrm;
	memcpy(report->mrenclave, secs->mrenclave, sizeof(report->mrenclave));
	memcpy(report->mrsigner, secs->mrsigner, sizeof(report->mrsigner));
	memcpy(report->config_id, secs->config_id, sizeof(report->config_id));
	report->isv_prod_id = secs->isv_prod_id;
	report->isv_svn = secs->isv_svn;
	report->config_svn = secs->config_svn;
	memcpy(report->isv_family_id, hidden->isv_family_id, sizeof(report->isv_family_id));
	memcpy(report->keyid, platform->report_keyid, sizeof(report->keyid));
}

/* With the key that the enclave @target alone gets. */
static bool sign_report(struct sgx_cpu *cpu, struct sgx_secs *secs,
			const struct sgx_targetinfo *target, struct sgx_report *report)
{
	uint8_t key[SGX_KEY_SIZE];
	bool ok = key_for_report(cpu, secs, target, key) &&
		  crypto_cmac(cpu->cmac, key, report, SGX_REPORT_MACED, report->mac);

	crypto_cmac_forget(cpu->cmac);
	crypto_wipe(key, sizeof(key));
	return ok;
}

/* RBX = TARGETINFO, RCX = REPORTDATA, RDX = REPORT (out). */
struct leaf_result sgx_ereport(struct sgx_cpu *cpu, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
	struct sgx_secs *secs = secs_of(cpu->enclave.secs);
	struct sgx_report report = {0};
	struct sgx_targetinfo target;
	struct epcm_entry *e, *out_entry;
	void *targetinfo, *reportdata, *out;

	CHECK(is_aligned(rbx, TARGETINFO_ALIGN), leaf_gp());
	TRY(operand_enclave(cpu, rbx, sizeof(target), ENCLU_READ, &e, &targetinfo));
	CHECK(is_aligned(rcx, REPORTDATA_ALIGN), leaf_gp());
	TRY(operand_enclave(cpu, rcx, SGX_REPORTDATA_SIZE, ENCLU_READ, &e, &reportdata));
	CHECK(is_aligned(rdx, REPORT_ALIGN), leaf_gp());
	TRY(operand_enclave(cpu, rdx, sizeof(report), ENCLU_WRITE, &out_entry, &out));

	/* Copied once: the enclave's other threads may write to them meanwhile. */
	memcpy(&target, targetinfo, sizeof(target));
	memcpy(report.reportdata, reportdata, sizeof(report.reportdata));
	fill_report(cpu->platform, secs, &report);
	if (!sign_report(cpu, secs, &target, &report))
		return leaf_host_error(-ENOMEM);

	memcpy(out, &report, sizeof(report));
	leaf_page_changed(cpu, out_entry);
	return leaf_ok();
}
