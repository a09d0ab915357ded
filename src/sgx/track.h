/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SDM "EPC and Management of EPC Pages": which logical processors may still
 * hold translations of an enclave's pages.
 *
 * ETRACK starts a new epoch and succeeds only when nobody is inside since an
 * earlier epoch than the current one. So everybody inside entered in the
 * current epoch or in the one before, and two counts beside the epoch answer
 * every question without a list of processors:
 *
 *  63..48 processors inside that entered in the epoch before (previous)
 *  47..32 processors inside that entered in the current epoch (current)
 *  31..0  epoch
 *
 * The word is the `track` of the enclave's SECS entry and changes by compare
 * and exchange alone. An epoch that wraps around can only make an old page look
 * recent: it is then reported as not tracked, which asks software for another
 * ETRACK and is harmless.
 */
#ifndef EXCLAVE_SGX_TRACK_H
#define EXCLAVE_SGX_TRACK_H

#include "sgx/epcm.h"

/* More processors than this cannot be inside one enclave at once. */
#define TRACK_MAX_INSIDE 0xffff

/* A new SECS, by ECREATE or ELD. Nobody is inside. */
void track_reset(struct epcm_entry *secs);

uint32_t track_epoch(const struct epcm_entry *secs);

/* An epoch for a page whose tracking is complete, as after ELDU. */
static inline uint32_t track_epoch_complete(const struct epcm_entry *secs)
{
	return track_epoch(secs) - 2;
}

/*
 * A processor enters; the caller holds one of the enclave's pages locked.
 * Return: false when TRACK_MAX_INSIDE processors are inside already, else
 * @epoch is the processor's entry epoch.
 */
bool track_enter(struct epcm_entry *secs, uint32_t *epoch);

/* It leaves, with the entry epoch that track_enter() gave. */
void track_leave(struct epcm_entry *secs, uint32_t epoch);

/* Is any processor, the caller included, inside the enclave? */
bool track_is_active(const struct epcm_entry *secs);

/*
 * ETRACK. Return: false when a processor is inside since an earlier epoch, so
 * that the cycle before is not complete.
 */
bool track_new_epoch(struct epcm_entry *secs);

/* Has everybody left who may have translations of a page of this @epoch? */
bool track_is_complete(const struct epcm_entry *secs, uint32_t epoch);

/*
 * Marks a page: clears @clear, sets @set and records the parent's epoch. The
 * caller holds @e shared and, unless @set is EPCM_BLOCKED, EPCM_LOCK_SGX2.
 * The flags are visible before the epoch is taken for good: a processor that
 * enters in a later epoch than the recorded one has seen them.
 */
void track_mark_page(struct epcm_entry *e, struct epcm_entry *secs, uint64_t clear, uint64_t set);

#endif
