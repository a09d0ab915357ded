// SPDX-License-Identifier: GPL-2.0-or-later
#include "enclave.h"

#include <stdint.h>

void *memcpy(void *to, const void *from, __SIZE_TYPE__ size)
{
	void *result = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return result;
}

void *memset(void *to, int value, __SIZE_TYPE__ size)
{
	void *result = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
	return result;
}

bool is_outside(const void *address, uint64_t size)
{
	uint64_t start = (uint64_t)address, base = (uint64_t)enclave_base;

	return start + size >= start && (start + size <= base || start >= base + ENCLAVE_SIZE);
}

static void dispatch(struct call_frame *f, uint64_t thread)
{
	switch ((enum call)f->call) {
	case CALL_NOTHING:
		return;
	case CALL_REPORT:
		return call_report(f);
	case CALL_VERIFY:
		return call_verify(f);
	case CALL_SEAL:
		return call_seal(f);
	case CALL_UNSEAL:
		return call_unseal(f);
	case CALL_PROVISION:
		return call_provision(f);
	case CALL_ACCEPT:
		return call_accept(f);
	case CALL_EXTEND:
		return call_extend(f);
	case CALL_FILL:
		return call_fill(f);
	case CALL_SUM:
		return call_sum(f);
	case CALL_STORE:
		return call_store(f);
	case CALL_MEET:
		return call_meet(f);
	case CALL_STORM:
		return call_storm(f, thread);
	case CALL_GAPS:
		return call_gaps(f);
	case CALL_CHURN:
		return call_churn(f);
	case CALL_AUDIT:
		return call_audit(f);
	}
	f->status = CALL_UNKNOWN;
}

void enclave_main(struct call_frame *untrusted, uint64_t thread)
{
	struct call_frame f;

	/* Else the caller could have the enclave overwrite itself; no call, no answer. */
	if (!untrusted || !is_outside(untrusted, sizeof(*untrusted)))
		return;
	if (untrusted->call == CALL_NOTHING) {
		untrusted->status = CALL_DONE;
		return;
	}
	memcpy(&f, untrusted, sizeof(f));
	f.status = CALL_DONE;
	f.leaf_code = SGX_SUCCESS;
	dispatch(&f, thread);
	memcpy(untrusted, &f, sizeof(f));
}
