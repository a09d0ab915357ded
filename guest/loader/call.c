// SPDX-License-Identifier: GPL-2.0-or-later
#include "demo.h"

#include <errno.h>
#include <string.h>

/* Of enter.S. */
int enter_enclave(struct call_frame *f, unsigned int function, struct sgx_enclave_run *run,
		  vdso_sgx_enter_enclave_t vdso);

int enclave_call(const struct enclave *e, unsigned int tcs, struct call_frame *f,
		 struct sgx_enclave_run *run)
{
	return enclave_call_handled(e, tcs, f, run, NULL, NULL);
}

int enclave_call_handled(const struct enclave *e, unsigned int tcs, struct call_frame *f,
			 struct sgx_enclave_run *run, sgx_enclave_user_handler_t handler,
			 void *data)
{
	static vdso_sgx_enter_enclave_t vdso;
	int ret;

	*run = (struct sgx_enclave_run){
		.tcs = (uint64_t)enclave_tcs(e, tcs),
		.user_handler = (uint64_t)handler,
		.user_data = (uint64_t)data,
	};
	if (!vdso)
		vdso = vdso_find();
	if (!vdso)
		return -ENOSYS;
	ret = enter_enclave(f, EENTER, run, vdso);
	/* A fault is not its failure: only the leaf at which it came out tells. */
	return ret || run->function == EEXIT ? ret : -EFAULT;
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
