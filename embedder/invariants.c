// SPDX-License-Identifier: GPL-2.0-or-later
#include "invariants.h"

#include "sgx/secs.h"
#include "sgx/track.h"

/* Is @secs the entry of a page of this EPC, valid and of type SECS? */
static bool is_secs(struct embedder *embedder, const struct epcm_entry *secs)
{
	for (uint32_t i = 0; i < embedder->config.epc_pages; i++)
		if (embedder_epcm(embedder, i) == secs)
			return epcm_is(epcm_state(secs), SGX_PAGE_TYPE_SECS);
	return false;
}

static uint32_t count_children(struct embedder *embedder, const struct epcm_entry *secs)
{
	uint32_t children = 0;

	for (uint32_t i = 0; i < embedder->config.epc_pages; i++) {
		const struct epcm_entry *e = embedder_epcm(embedder, i);

		children += epcm_is_valid(epcm_state(e)) && epcm_secs(e) == secs;
	}
	return children;
}

static uint32_t count_inside(struct embedder *embedder, const struct epcm_entry *secs)
{
	uint32_t inside = 0;

	for (unsigned int i = 0; i < embedder->config.cpus; i++) {
		const struct sgx_enclave_state *enclave = &embedder->cpus[i].cpu.enclave;

		inside += enclave->active && enclave->secs == secs;
	}
	return inside;
}

static const char *check_secs(struct embedder *embedder, const struct epcm_entry *e)
{
	uint64_t track = atomic_load(&e->track);
	const struct sgx_secs *secs = epcm_page(e);

	if (epcm_secs(e) || epcm_linaddr(e))
		return "a SECS has a parent or an address";
	if (epcm_state(e) & (EPCM_RWX | EPCM_BLOCKED | EPCM_PENDING | EPCM_MODIFIED | EPCM_PR))
		return "a SECS has access rights or a transitional state";
	if (atomic_load(&e->children) != count_children(embedder, e))
		return "a SECS has another number of children than it counts";
	if ((uint16_t)(track >> 32) + (uint16_t)(track >> 48) != count_inside(embedder, e))
		return "a SECS counts another number of processors inside than there are";
	if (!is_power_of_2(secs->size) || !is_aligned(secs->base, secs->size))
		return "a SECS has an impossible range";
	return NULL;
}

static const char *check_child(struct embedder *embedder, const struct epcm_entry *e)
{
	uint64_t state = epcm_state(e);
	const struct sgx_secs *secs;

	if (!is_secs(embedder, epcm_secs(e)))
		return "a child has no valid SECS";
	secs = epcm_page(epcm_secs(e));
	if (!is_aligned(epcm_linaddr(e), SGX_PAGE_SIZE) || !secs_in_elrange(secs, epcm_linaddr(e)))
		return "a child lies outside its enclave";
	if ((state & EPCM_W) && !(state & EPCM_R))
		return "a page is writable but not readable";
	if (epcm_pt(state) != SGX_PAGE_TYPE_REG && (state & EPCM_RWX))
		return "a TCS or trimmed page has access rights";
	if ((state & EPCM_PENDING) && (state & (EPCM_MODIFIED | EPCM_PR)))
		return "a page is pending and modified or restricted";
	return NULL;
}

static const char *check_entry(struct embedder *embedder, const struct epcm_entry *e)
{
	uint64_t state = epcm_state(e);

	if (atomic_load(&e->lock))
		return "a lock was left behind";
	if (atomic_load(&e->seq) & 1)
		return "an exclusive holder was left behind";
	if (!epcm_is_valid(state))
		return state || epcm_secs(e) ? "an invalid entry is not empty" : NULL;
	switch (epcm_pt(state)) {
	case SGX_PAGE_TYPE_SECS:
		return check_secs(embedder, e);
	case SGX_PAGE_TYPE_VA:
		return epcm_secs(e) || (state & (EPCM_RWX | EPCM_BLOCKED | EPCM_PENDING |
						 EPCM_MODIFIED | EPCM_PR))
			       ? "a VA page has a parent, rights or a state"
			       : NULL;
	case SGX_PAGE_TYPE_TCS:
	case SGX_PAGE_TYPE_REG:
	case SGX_PAGE_TYPE_TRIM:
		return check_child(embedder, e);
	case SGX_PAGE_TYPE_SS_FIRST:
	case SGX_PAGE_TYPE_SS_REST:
		break;
	}
	return "a page has a type that the processor cannot make";
}

static const char *check_processor(struct embedder *embedder, const struct sgx_cpu *cpu)
{
	const struct sgx_enclave_state *enclave = &cpu->enclave;
	const struct sgx_tcs *tcs;

	if (!enclave->active)
		return NULL;
	if (!is_secs(embedder, enclave->secs))
		return "a processor is inside an enclave without a SECS";
	if (!epcm_is_valid(epcm_state(enclave->tcs)) || epcm_secs(enclave->tcs) != enclave->secs)
		return "a processor is inside through a TCS that is gone";
	tcs = epcm_page(enclave->tcs);
	return tcs->state == SGX_TCS_ACTIVE ? NULL : "the TCS of a processor inside is not active";
}

const char *epcm_find_violation(struct embedder *embedder)
{
	const char *violation = NULL;

	for (uint32_t i = 0; i < embedder->config.epc_pages && !violation; i++)
		violation = check_entry(embedder, embedder_epcm(embedder, i));
	for (unsigned int i = 0; i < embedder->config.cpus && !violation; i++)
		violation = check_processor(embedder, &embedder->cpus[i].cpu);
	return violation;
}
