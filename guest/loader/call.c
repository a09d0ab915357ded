// SPDX-License-Identifier: GPL-2.0-or-later
#include "demo.h"

#include <errno.h>
#include <string.h>

static int enter(unsigned int function, struct call_frame *f, struct sgx_enclave_run *run)
{
	static vdso_sgx_enter_enclave_t enter_enclave;

	if (!enter_enclave)
		enter_enclave = vdso_find();
	if (!enter_enclave)
		return -ENOSYS;
	return enter_enclave((unsigned long)f, 0, 0, function, 0, 0, run);
}

int enclave_call(const struct enclave *e, unsigned int tcs, struct call_frame *f,
		 struct sgx_enclave_run *run)
{
	memset(run, 0, sizeof(*run));
	run->tcs = (uint64_t)enclave_tcs(e, tcs);
	return enter(EENTER, f, run);
}

int enclave_resume(struct call_frame *f, struct sgx_enclave_run *run)
{
	return enter(ERESUME, f, run);
}

int must_call(const char *name, const struct enclave *e, struct call_frame *f)
{
	struct sgx_enclave_run run;
	int ret = enclave_call(e, 0, f, &run);

	if (ret)
		fail(name, "the enclave faulted: %s, vector %u, error code %#x, address %#llx",
		     strerror(-ret), run.exception_vector, run.exception_error_code,
		     run.exception_addr);
	else if (f->status != CALL_DONE)
		fail(name, "call %lu: status %lu, code %lu of the leaf", f->call, f->status,
		     f->leaf_code);
	else
		return 1;
	return 0;
}
