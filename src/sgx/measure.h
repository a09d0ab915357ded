/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "Measurement": the running SHA-256 of an enclave's construction. The
 * caller holds the SECS exclusively or its EPCM_LOCK_MEASURE.
 */
#ifndef EXCLAVE_SGX_MEASURE_H
#define EXCLAVE_SGX_MEASURE_H

#include "sgx/secs.h"

/* ECREATE: starts the measurement with SSAFRAMESIZE and SIZE. */
void measure_ecreate(struct sgx_secs *secs);

/* EADD of a page at @offset in the enclave with the SECINFO that the EPCM got. */
void measure_eadd(struct sgx_secs *secs, uint64_t offset, const struct sgx_secinfo *secinfo);

/* EEXTEND of the SGX_CHUNK_SIZE bytes at @chunk, which lie at @offset. */
void measure_eextend(struct sgx_secs *secs, uint64_t offset, const void *chunk);

/* What MRENCLAVE will be if EINIT succeeds now. */
void measure_final(struct sgx_secs *secs, uint8_t mrenclave[SGX_HASH_SIZE]);

#endif
