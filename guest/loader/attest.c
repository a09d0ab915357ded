// SPDX-License-Identifier: GPL-2.0-or-later
/* Local attestation: Alice proves to Bob who she is, through us, who could change what she says. */
#include "demo.h"

#include <string.h>

static int verify(const char *name, const struct enclave *e, const struct sgx_report *report,
		  uint64_t wanted)
{
	struct call_frame f = {.call = CALL_VERIFY};
	struct sgx_enclave_run run;
	int ret;

	f.report.report = *report;
	ret = enclave_call(e, 0, &f, &run);
	if (!ret && f.status == wanted)
		return 1;
	fail(name, "return %d, status %lu, code %lu of the leaf", ret, f.status, f.leaf_code);
	return 0;
}

void step_attest(struct demo *d)
{
	struct sgx_targetinfo bob = {0};
	struct sgx_report report;

	if (!get_report("attest", &d->bob, NULL, &report))
		return;
	memcpy(bob.measurement, report.mrenclave, sizeof(bob.measurement));
	bob.attributes = report.attributes;
	bob.xfrm = report.xfrm;
	bob.miscselect = report.miscselect;
	if (!get_report("attest", &d->alice, &bob, &report))
		return;
	if (verify("attest", &d->bob, &report, CALL_DONE))
		pass("attest", "Bob believes Alice's report");
	if (verify("attest_elsewhere", &d->alice, &report, CALL_REFUSED))
		pass("attest_elsewhere", "nobody but Bob can check it");
	report.reportdata[0] ^= 1;
	if (verify("attest_forged", &d->bob, &report, CALL_REFUSED))
		pass("attest_forged", "with one bit changed Bob refuses it");
}
