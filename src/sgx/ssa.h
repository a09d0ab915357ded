/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "State Save Area (SSA) Frame": where AEX saves a thread of an enclave.
 *
 * A frame is looked up and tested once, by the leaf that makes it the current
 * one. From then on it is reached by its EPC pages: AEX makes no page walk and
 * no test. The pages cannot go meanwhile, because EWB, EREMOVE and EACCEPT refuse
 * them as long as the processor, which was counted before it looked, is inside
 * (track.h). Other threads of the enclave may write a frame at any time.
 */
#ifndef EXCLAVE_SGX_SSA_H
#define EXCLAVE_SGX_SSA_H

#include "sgx/leaf.h"

/*
 * Frame @index of @tcs in enclave @secs: ordinary page walks and EPCM tests for
 * reading and writing. The caller is counted inside and holds no lock.
 */
struct leaf_result ssa_open(struct sgx_cpu *cpu, const struct epcm_entry *secs,
			    const struct sgx_tcs *tcs, uint32_t index, struct sgx_ssa_frame *frame);

static inline struct sgx_gprsgx *ssa_gprsgx(const struct sgx_ssa_frame *frame)
{
	uint8_t *page = epcm_page(frame->gpr);

	return (struct sgx_gprsgx *)(page + SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx));
}

/*
 * GPRSGX, word by word: an ERESUME may read it that comes too late for the TCS, while
 * whoever is inside through that TCS writes it (enclu/entry.h).
 */
static inline void ssa_store64(uint64_t *field, uint64_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline void ssa_store32(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static inline void ssa_load_gprsgx(const struct sgx_ssa_frame *frame, struct sgx_gprsgx *copy)
{
	const uint64_t *from = (const uint64_t *)ssa_gprsgx(frame);
	uint64_t *to = (uint64_t *)copy;

	_Static_assert(sizeof(*copy) % sizeof(*to) == 0, "whole words");
	for (unsigned int i = 0; i < sizeof(*copy) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* For an enclave with MISCSELECT.EXINFO. */
static inline struct sgx_exinfo *ssa_exinfo(const struct sgx_ssa_frame *frame)
{
	return (struct sgx_exinfo *)ssa_gprsgx(frame) - 1;
}

void ssa_save_xstate(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame, uint64_t xfrm);

/* XRSTOR from a private copy of the frame; #GP with the state unchanged. */
struct leaf_result ssa_load_xstate(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame,
				   uint64_t xfrm);

/* leaf_page_changed() for a frame that AEX has written. */
void ssa_changed(struct sgx_cpu *cpu, const struct sgx_ssa_frame *frame);

#endif
