// SPDX-License-Identifier: GPL-2.0-or-later
/* Who this enclave is, said to another one, and what another says to this one. */
#include "aes.h"
#include "enclave.h"
#include "leaf.h"

/* The operands' alignments. */
struct report_operands {
	struct sgx_targetinfo target __attribute__((aligned(512)));
	struct sgx_report report __attribute__((aligned(512)));
	uint8_t data[SGX_REPORTDATA_SIZE] __attribute__((aligned(128)));
};

void call_report(struct call_frame *f)
{
	struct report_operands operands;

	operands.target = f->report.target;
	memcpy(operands.data, f->report.data, sizeof(operands.data));
	leaf_report(&operands.target, operands.data, &operands.report);
	f->report.report = operands.report;
}

/* Was the report made on this platform, for this enclave? */
void call_verify(struct call_frame *f)
{
	const struct sgx_report *report = &f->report.report;
	struct sgx_keyrequest request __attribute__((aligned(512))) = {
		.keyname = SGX_KEYNAME_REPORT,
	};
	uint8_t key[SGX_KEY_SIZE] __attribute__((aligned(16))), mac[SGX_MAC_SIZE];
	struct aes aes;

	memcpy(request.keyid, report->keyid, sizeof(request.keyid));
	f->leaf_code = leaf_get_key(&request, key);
	if (f->leaf_code != SGX_SUCCESS) {
		f->status = CALL_LEAF_FAILED;
		return;
	}
	aes_init(&aes, key);
	/* SDM "REPORT": all that is before KEYID is under the MAC. */
	aes_cmac(&aes, report, offsetof(struct sgx_report, keyid), mac);
	if (!mac_equal(mac, report->mac))
		f->status = CALL_REFUSED;
}
