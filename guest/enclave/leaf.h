/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ENCLU leaves that code in an enclave uses. */
#ifndef EXCLAVE_GUEST_LEAF_H
#define EXCLAVE_GUEST_LEAF_H

#include "sgx/arch.h"

/* Return: RAX, for the leaves that give a code. */
static inline uint64_t enclu(uint64_t leaf, const void *rbx, void *rcx, void *rdx)
{
	asm volatile("enclu" : "+a"(leaf) : "b"(rbx), "c"(rcx), "d"(rdx) : "memory", "cc");
	return leaf;
}

static inline void leaf_report(const struct sgx_targetinfo *target, void *data,
			       struct sgx_report *report)
{
	enclu(EREPORT, target, data, report);
}

static inline uint64_t leaf_get_key(const struct sgx_keyrequest *request, void *key)
{
	return enclu(EGETKEY, request, key, NULL);
}

static inline uint64_t leaf_accept(const struct sgx_secinfo *secinfo, void *page)
{
	return enclu(EACCEPT, secinfo, page, NULL);
}

/* It has no code: it faults or succeeds. */
static inline void leaf_extend_rights(const struct sgx_secinfo *secinfo, void *page)
{
	enclu(EMODPE, secinfo, page, NULL);
}

#endif
