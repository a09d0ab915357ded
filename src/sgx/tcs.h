/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDM "Thread Control Structure (TCS)": what leaves alike ask of a page that is or becomes one. */
#ifndef EXCLAVE_SGX_TCS_H
#define EXCLAVE_SGX_TCS_H

#include "lib/bits.h"
#include "sgx/sgx.h"

/* The bits of FLAGS that are not reserved on this processor. */
static inline uint64_t tcs_known_flags(const struct sgx_cpu *cpu)
{
	bool notify = cpu->cpuid->attributes & SGX_ATTR_AEXNOTIFY;

	return SGX_TCS_DBGOPTIN | (notify ? SGX_TCS_AEXNOTIFY : 0);
}

/* The fields of CET are reserved without it, and it is not offered. */
static inline bool tcs_reserved_is_zero(const struct sgx_tcs *tcs)
{
	return !tcs->ocetssa && !tcs->prevssp && is_zero(tcs->reserved, sizeof(tcs->reserved));
}

/* FSLIMIT and GSLIMIT count in pages in a 32-bit enclave, and for nothing in a 64-bit one. */
static inline bool tcs_limits_are_legal(const struct sgx_tcs *tcs, bool mode64)
{
	uint32_t low = tcs->fs_limit & tcs->gs_limit & SGX_TCS_32BIT_LIMIT_MASK;

	return mode64 || low == SGX_TCS_32BIT_LIMIT_MASK;
}

#endif
