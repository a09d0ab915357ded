/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the model keeps in the implementation-defined part of a SECS page, so
 * that EWB and ELD carry it. Written under the SECS's locks (epcm.h): exclusive,
 * or EPCM_LOCK_MEASURE for the measurement and what EINIT sets.
 */
#ifndef EXCLAVE_SGX_SECS_H
#define EXCLAVE_SGX_SECS_H

#include "lib/bits.h"
#include "lib/crypto.h"
#include "sgx/epcm.h"

#define SECS_HIDDEN_OFFSET 1024

struct secs_hidden {
	uint64_t eid;
	/* Until EINIT: what will be MRENCLAVE, and how many blocks it has taken. */
	struct crypto_sha256 measurement;
	uint64_t measured_blocks;
	uint64_t virt_child_count;
	uint8_t isv_family_id[16];
	uint8_t isv_ext_prod_id[16];
	uint8_t padding[SGX_PADDING_SIZE];
};
_Static_assert(SECS_HIDDEN_OFFSET >= offsetof(struct sgx_secs, reserved4), "SECS hidden part");
_Static_assert(SECS_HIDDEN_OFFSET + sizeof(struct secs_hidden) <= SGX_PAGE_SIZE,
	       "SECS hidden part");

/* The SECS page of a PT_SECS entry. */
static inline struct sgx_secs *secs_of(const struct epcm_entry *secs)
{
	return epcm_page(secs);
}

static inline struct secs_hidden *secs_hidden(struct sgx_secs *secs)
{
	return (struct secs_hidden *)((uint8_t *)secs + SECS_HIDDEN_OFFSET);
}

/*
 * ATTRIBUTES as EINIT may change them meanwhile. INIT is set last: who sees it
 * sees the enclave's final identity.
 */
static inline uint64_t secs_attributes(const struct sgx_secs *secs)
{
	return __atomic_load_n(&secs->attributes, __ATOMIC_ACQUIRE);
}

static inline bool secs_is_initialised(const struct sgx_secs *secs)
{
	return secs_attributes(secs) & SGX_ATTR_INIT;
}

/* Is the page at @linaddr inside the enclave's linear address range? */
static inline bool secs_in_elrange(const struct sgx_secs *secs, gva_t linaddr)
{
	return linaddr - secs->base < secs->size;
}

#endif
