/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EENTER and ERESUME share, and the end that EEXIT and AEX share.
 *
 * The order of an entry is what makes AEX safe. First the TCS is locked and found
 * valid; while it is locked, the processor is counted inside the enclave. From
 * then on EWB, EREMOVE and EACCEPT refuse the TCS and every SSA page that the leaf
 * finds valid, so the lock is dropped before the first page walk. Last the TCS
 * becomes active. A leaf that fails on the way is counted out.
 *
 * Until the TCS is active, another processor may enter by it, and leave it with
 * another CSSA and other contents of the frames. `activations` in the EPCM entry
 * of the TCS counts the entries, so that the leaf sees that it has come too late:
 * the TCS then was active while it ran, and that is what it reports.
 */
#ifndef EXCLAVE_SGX_ENCLU_ENTRY_H
#define EXCLAVE_SGX_ENCLU_ENTRY_H

#include "sgx/ssa.h"

struct enclave_entry {
	struct epcm_entry *tcs_entry;
	struct epcm_entry *secs_entry;
	struct sgx_tcs *tcs;
	const struct sgx_secs *secs;
	gva_t tcs_linaddr;
	uint64_t aep;
	uint32_t epoch;

	/* Of the TCS, read once: other processors may change them. */
	uint64_t activations;
	bool was_active;
	uint64_t flags; /* EDBGWR */
	uint32_t cssa;

	/* What entry_commit() puts into the processor. */
	struct sgx_ssa_frame frame; /* for the next AEX */
	uint64_t rip;
	uint64_t fs_base;
	uint64_t gs_base;
};

/*
 * SDM "EENTER", operands and TCS page. Return: leaf_ok() with the processor
 * counted inside, which entry_abandon() takes back.
 */
struct leaf_result entry_begin(struct sgx_cpu *cpu, struct enclave_entry *op, uint64_t rbx,
			       uint64_t rcx);
void entry_abandon(struct enclave_entry *op);

/* The offsets in the TCS are those of pages. */
struct leaf_result entry_check_offsets(struct sgx_cpu *cpu, const struct enclave_entry *op);
/* TCS.FLAGS, the enclave, and the processor's mode and extended state against the enclave's. */
struct leaf_result entry_check_enclave(struct sgx_cpu *cpu, const struct enclave_entry *op);
/* Sets fs_base and gs_base as EENTER does; entry_check_segments() then tests them. */
void entry_set_segments(struct enclave_entry *op);
struct leaf_result entry_check_segments(struct sgx_cpu *cpu, const struct enclave_entry *op);
/* The TCS becomes active. */
struct leaf_result entry_activate(struct sgx_cpu *cpu, const struct enclave_entry *op);
void entry_deactivate(const struct enclave_entry *op);

/* RAX, RCX and the frame, when the enclave starts at OENTRY. */
void entry_call(struct sgx_cpu *cpu, const struct enclave_entry *op);
/* Everything else: the processor is in enclave mode. The general registers are set already. */
void entry_commit(struct sgx_cpu *cpu, const struct enclave_entry *op);

/* Can the processor go to @rip? */
struct leaf_result check_branch_target(struct sgx_cpu *cpu, uint64_t rip);

/* EEXIT and AEX: the processor leaves the enclave. General registers and RIP are set already. */
void enclave_leave(struct sgx_cpu *cpu);

static inline struct sgx_tcs *active_tcs(const struct sgx_cpu *cpu)
{
	return epcm_page(cpu->enclave.tcs);
}

#endif
