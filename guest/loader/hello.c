// SPDX-License-Identifier: GPL-2.0-or-later
/* The enclave says who it is. */
#include "demo.h"

#include <string.h>

#define ATTRIBUTES (SGX_ATTR_INIT | SGX_ATTR_MODE64BIT)

/* The signer computed what to expect, from the image alone. */
void step_hello(struct demo *d)
{
	const struct enclave *enclaves[] = {&d->alice, &d->bob};
	const char *names[] = {"hello_alice", "hello_bob"};
	char text[2 * SGX_HASH_SIZE + 1];
	struct sgx_report report;

	for (unsigned int i = 0; i < 2; i++) {
		const struct sgx_sigstruct *sig = &enclaves[i]->image->sigstruct;

		if (!get_report(names[i], enclaves[i], NULL, &report))
			continue;
		to_hex(report.mrenclave, SGX_HASH_SIZE, text);
		if (memcmp(report.mrenclave, sig->enclave_hash, SGX_HASH_SIZE) != 0)
			fail(names[i], "MRENCLAVE %s is not what was signed", text);
		else
			pass(names[i], "MRENCLAVE %s", text);
	}
}

void step_attributes(struct demo *d)
{
	const struct sgx_sigstruct *sig = &d->alice.image->sigstruct;
	struct sgx_report report;

	if (!get_report("attributes", &d->alice, NULL, &report))
		return;
	if (report.attributes == (ATTRIBUTES | d->attributes) && report.xfrm == sig->xfrm &&
	    report.isv_prod_id == sig->isv_prod_id && report.isv_svn == sig->isv_svn)
		pass("attributes", "%#lx, XFRM %#lx, product %u, version %u", report.attributes,
		     report.xfrm, report.isv_prod_id, report.isv_svn);
	else
		fail("attributes", "%#lx, XFRM %#lx, product %u, version %u", report.attributes,
		     report.xfrm, report.isv_prod_id, report.isv_svn);
}
