// SPDX-License-Identifier: GPL-2.0-or-later
#include "invariants.h"

#include "sgx/secs.h"
#include "sgx/track.h"
#include "sgx/xsave.h"

#include <assert.h>
#include <string.h>

#define EPCM_STATES (EPCM_BLOCKED | EPCM_PENDING | EPCM_MODIFIED | EPCM_PR)
#define EPCM_KNOWN  (EPCM_SECINFO | EPCM_VALID | EPCM_BLOCKED | ~EPCM_FLAGS_MASK)

/* is_zero() is slow under sanitizers, and the fuzzer asks all the time. */
static const uint8_t zeroes[SGX_PAGE_SIZE];

struct view {
	struct embedder *embedder;
	uint32_t pages;
	struct epcm_entry *entries[INVARIANTS_MAX_PAGES];
};

/* Stops at the first rule that is broken. */
#define RULE(cond, violation)             \
	do {                              \
		if (!(cond))              \
			return violation; \
	} while (0)
#define RULES(expr)                         \
	do {                                \
		const char *broken_ = expr; \
		if (broken_)                \
			return broken_;     \
	} while (0)

static bool is_secs(const struct view *v, const struct epcm_entry *secs)
{
	for (uint32_t i = 0; i < v->pages; i++)
		if (v->entries[i] == secs)
			return epcm_is(epcm_state(secs), SGX_PAGE_TYPE_SECS);
	return false;
}

static uint32_t count_children(const struct view *v, const struct epcm_entry *secs)
{
	uint32_t children = 0;

	for (uint32_t i = 0; i < v->pages; i++) {
		const struct epcm_entry *e = v->entries[i];

		children += epcm_is_valid(epcm_state(e)) && epcm_secs(e) == secs;
	}
	return children;
}

/* Who entered @secs in epoch @epoch. */
static uint16_t count_inside(const struct view *v, const struct epcm_entry *secs, uint32_t epoch)
{
	uint16_t inside = 0;

	for (unsigned int i = 0; i < v->embedder->config.cpus; i++) {
		const struct sgx_enclave_state *enclave = &v->embedder->cpus[i].cpu.enclave;

		inside += enclave->active && enclave->secs == secs && enclave->entry_epoch == epoch;
	}
	return inside;
}

static const char *check_no_parent(const struct epcm_entry *e)
{
	/* SDM "EPCM": what a TLB fill compares is of children only. */
	RULE(!epcm_secs(e) && !epcm_linaddr(e), "a SECS or VA page has a parent or an address");
	/* No software may ever read them, and EBLOCK and the SGX2 leaves refuse them. */
	RULE(!(epcm_state(e) & (EPCM_RWX | EPCM_STATES)),
	     "a SECS or VA page has access rights or a transitional state");
	return NULL;
}

/* What ECREATE has asked for stays so: ELD brings back no other SECS than EWB took. */
static const char *check_secs_page(const struct view *v, const struct sgx_secs *secs)
{
	const struct sgx_cpuid *cpuid = &v->embedder->cpuid;
	const uint64_t frame_size = (uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE;
	const bool mode64 = secs->attributes & SGX_ATTR_MODE64BIT;

	RULE(secs->size >= 2 * SGX_PAGE_SIZE && is_power_of_2(secs->size) &&
		     is_aligned(secs->base, secs->size),
	     "a SECS has an impossible range");
	RULE(mode64 || (secs->base + secs->size - 1) >> 32 == 0,
	     "a 32-bit enclave reaches beyond 4 GiB");
	RULE(xfrm_is_legal(secs->xfrm) && (secs->xfrm & XFEATURE_MASK_SSE),
	     "a SECS has an XFRM that no XCR0 can have");
	/* Else AEX would write beyond the frame. */
	RULE(frame_size >= ssa_frame_min_size(cpuid, secs->xfrm, secs->miscselect),
	     "the state of a thread does not fit into an SSA frame");
	return NULL;
}

static const char *check_identity(const struct view *v, const struct epcm_entry *e)
{
	struct sgx_secs *secs = secs_of(e);
	const struct secs_hidden *hidden = secs_hidden(secs);

	/* EWB binds pages to the EID: with two of one number a page could change its enclave. */
	RULE(hidden->eid && hidden->eid < atomic_load(&v->embedder->platform.next_eid),
	     "a SECS has an EID that was not given away");
	for (uint32_t i = 0; i < v->pages; i++) {
		const struct epcm_entry *other = v->entries[i];

		RULE(other == e || !epcm_is(epcm_state(other), SGX_PAGE_TYPE_SECS) ||
			     secs_hidden(secs_of(other))->eid != hidden->eid,
		     "two SECS pages have one EID");
	}
	RULE(hidden->measured_blocks, "an enclave was created without being measured");
	/* Keys are derived from MRSIGNER: only EINIT may give one. */
	RULE(secs_is_initialised(secs) || is_zero(secs->mrsigner, sizeof(secs->mrsigner)),
	     "an enclave has a signer before EINIT");
	return NULL;
}

static const char *check_secs(const struct view *v, const struct epcm_entry *e)
{
	const uint64_t track = atomic_load(&e->track);
	const uint32_t epoch = track_epoch(e);

	RULES(check_no_parent(e));
	RULES(check_secs_page(v, epcm_page(e)));
	RULES(check_identity(v, e));
	/* EREMOVE and EWB of a SECS trust the count. */
	RULE(atomic_load(&e->children) == count_children(v, e),
	     "a SECS has another number of children than it counts");
	/* EWB, EREMOVE, EACCEPT and ETRACK trust these; nobody is inside since an older epoch. */
	RULE((uint16_t)(track >> 32) == count_inside(v, e, epoch),
	     "a SECS counts another number of processors in this epoch than there are");
	RULE((uint16_t)(track >> 48) == count_inside(v, e, epoch - 1),
	     "a SECS counts another number of processors in the last epoch than there are");
	return NULL;
}

/* A version in two slots would let one blob be loaded twice. */
static const char *check_va(const struct view *v, const struct epcm_entry *e)
{
	const uint64_t next = atomic_load(&v->embedder->platform.next_version);
	const struct sgx_va_page *va = epcm_page(e);

	RULES(check_no_parent(e));
	for (unsigned int i = 0; i < ARRAY_SIZE(va->slot); i++) {
		if (!va->slot[i])
			continue;
		RULE(va->slot[i] < next, "a VA slot has a version that was not given away");
		for (unsigned int j = 0; j < i; j++)
			RULE(va->slot[j] != va->slot[i], "a version is in two slots");
		for (uint32_t page = 0; v->entries[page] != e; page++) {
			const struct sgx_va_page *other = epcm_page(v->entries[page]);

			if (!epcm_is(epcm_state(v->entries[page]), SGX_PAGE_TYPE_VA))
				continue;
			for (unsigned int j = 0; j < ARRAY_SIZE(other->slot); j++)
				RULE(other->slot[j] != va->slot[i], "a version is in two VA pages");
		}
	}
	return NULL;
}

static const char *check_tcs(const struct view *v, const struct epcm_entry *e)
{
	const struct sgx_tcs *tcs = epcm_page(e);
	unsigned int inside = 0;

	/* Until EACCEPT has looked at it, it holds what the enclave has written. */
	if (epcm_state(e) & EPCM_MODIFIED)
		return NULL;
	for (unsigned int i = 0; i < v->embedder->config.cpus; i++)
		inside += sgx_in_enclave(&v->embedder->cpus[i].cpu) &&
			  v->embedder->cpus[i].cpu.enclave.tcs == e;
	/* Two threads would save their state in one frame; an orphan could never enter again. */
	RULE(inside <= 1, "two processors are inside through one TCS");
	RULE(tcs->state == (inside ? SGX_TCS_ACTIVE : SGX_TCS_INACTIVE),
	     "a TCS is active without a thread, or a thread's is not");
	/* EENTER and ERESUME leave room for the frame that AEX adds. */
	RULE(tcs->cssa <= tcs->nssa, "a TCS has more frames in use than it has");
	RULE(!tcs->ocetssa && !tcs->prevssp &&
		     !memcmp(tcs->reserved, zeroes, sizeof(tcs->reserved)),
	     "a TCS has reserved fields that are not zero");
	return NULL;
}

/* SDM "EAUG", "EMODPR", "EMODT": which states can come together. */
static const char *check_states(const struct epcm_entry *e)
{
	const uint64_t state = epcm_state(e);
	const bool regular = epcm_pt(state) == SGX_PAGE_TYPE_REG;
	const struct sgx_secs *secs = secs_of(epcm_secs(e));

	RULE(!(state & EPCM_W) || (state & EPCM_R), "a page is writable but not readable");
	RULE(regular || !(state & (EPCM_RWX | EPCM_PENDING | EPCM_PR)),
	     "a TCS or trimmed page has access rights, is pending or restricted");
	RULE(!regular || !(state & EPCM_MODIFIED), "a regular page is modified");
	/* Rights of a page that the enclave has not accepted are EAUG's. */
	RULE(!(state & EPCM_PENDING) || (state & (EPCM_RWX | EPCM_PR)) == (EPCM_R | EPCM_W),
	     "a pending page has other rights than EAUG gives, or is restricted");
	/* Nobody can have written to it, and EAUG leaves nothing of its last owner. */
	RULE(!(state & EPCM_PENDING) || !memcmp(epcm_page(e), zeroes, SGX_PAGE_SIZE),
	     "a pending page is not empty");
	/* There is nobody inside yet who could accept. */
	RULE(!(state & (EPCM_PENDING | EPCM_MODIFIED | EPCM_PR)) || secs_is_initialised(secs),
	     "a page changes in an enclave that is not initialised");
	/* Else tracking would wait for an epoch to come. */
	RULE((int32_t)(track_epoch(epcm_secs(e)) - epcm_epoch(state)) >= 0,
	     "a page is marked in an epoch to come");
	return NULL;
}

static const char *check_child(const struct view *v, const struct epcm_entry *e)
{
	const struct sgx_secs *secs;

	/* EREMOVE and EWB keep the SECS while it has children, so users of a child need not ask. */
	RULE(is_secs(v, epcm_secs(e)), "a child has no valid SECS");
	secs = epcm_page(epcm_secs(e));
	/* An access outside ELRANGE must never be one to the enclave's pages. */
	RULE(is_aligned(epcm_linaddr(e), SGX_PAGE_SIZE) && secs_in_elrange(secs, epcm_linaddr(e)),
	     "a child lies outside its enclave");
	RULES(check_states(e));
	return epcm_is(epcm_state(e), SGX_PAGE_TYPE_TCS) ? check_tcs(v, e) : NULL;
}

static const char *check_entry(const struct view *v, const struct epcm_entry *e)
{
	const uint64_t state = epcm_state(e);

	/* The next leaf on the page would wait for nobody. */
	RULE(!atomic_load(&e->lock), "a lock was left behind");
	RULE(!(atomic_load(&e->seq) & 1), "an exclusive holder was left behind");
	RULE(!(state & ~EPCM_KNOWN), "an entry has bits that mean nothing");
	if (!epcm_is_valid(state)) {
		/* A leaf that makes it valid sets only what it knows of. */
		RULE(!state && !epcm_secs(e) && !epcm_linaddr(e), "an invalid entry is not empty");
		return NULL;
	}
	switch (epcm_pt(state)) {
	case SGX_PAGE_TYPE_SECS:
		return check_secs(v, e);
	case SGX_PAGE_TYPE_VA:
		return check_va(v, e);
	case SGX_PAGE_TYPE_TCS:
	case SGX_PAGE_TYPE_REG:
	case SGX_PAGE_TYPE_TRIM:
		return check_child(v, e);
	case SGX_PAGE_TYPE_SS_FIRST:
	case SGX_PAGE_TYPE_SS_REST:
		break;
	}
	return "a page has a type that the processor cannot make";
}

/* Who enters after an ETRACK has seen what EBLOCK or EMODT did to a page before it. */
static bool entered_before_mark(const struct sgx_enclave_state *enclave, uint64_t state)
{
	return !(state & (EPCM_BLOCKED | EPCM_MODIFIED)) ||
	       (int32_t)(epcm_epoch(state) - enclave->entry_epoch) >= 0;
}

/*
 * AEX writes there without looking: the page must still be the thread's own. It
 * may have become blocked, or modified by EMODT, but nobody can have accepted that.
 */
static const char *check_ssa_page(const struct sgx_enclave_state *enclave,
				  const struct epcm_entry *e, gva_t linaddr)
{
	const uint64_t state = epcm_state(e);

	RULE(epcm_is_valid(state) && epcm_secs(e) == enclave->secs,
	     "a processor inside would save its state in a page that is gone");
	RULE(epcm_linaddr(e) == linaddr, "a processor inside would save its state elsewhere");
	RULE(epcm_pt(state) == SGX_PAGE_TYPE_REG || (state & EPCM_MODIFIED),
	     "an SSA page of a processor inside was accepted as something else");
	RULE(entered_before_mark(enclave, state),
	     "a processor has entered with an SSA page that was blocked or modified");
	return NULL;
}

static const char *check_ssa(const struct view *v, const struct sgx_enclave_state *enclave)
{
	const struct sgx_secs *secs = secs_of(enclave->secs);
	const struct sgx_tcs *tcs = epcm_page(enclave->tcs);
	const uint64_t frame_size = (uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE;
	const gva_t frame = secs->base + tcs->ossa + frame_size * tcs->cssa;
	const uint32_t xsave_size = sgx_xsave_size(&v->embedder->cpuid, secs->xfrm);

	/* The frame of the next AEX is there. */
	RULE(tcs->cssa < tcs->nssa, "a processor is inside without a frame to save its state in");
	RULE((enclave->ssa.xsave_pages - 1) * SGX_PAGE_SIZE < xsave_size &&
		     enclave->ssa.xsave_pages * SGX_PAGE_SIZE >= xsave_size,
	     "a processor inside has another XSAVE area than XFRM says");
	for (unsigned int i = 0; i < enclave->ssa.xsave_pages; i++)
		RULES(check_ssa_page(enclave, enclave->ssa.xsave[i], frame + PAGES(i)));
	return check_ssa_page(enclave, enclave->ssa.gpr, frame + frame_size - SGX_PAGE_SIZE);
}

static const char *check_processor(const struct view *v, const struct embedder_cpu *c)
{
	const struct sgx_enclave_state *enclave = &c->cpu.enclave;
	const struct sgx_secs *secs;
	uint32_t age;

	if (!enclave->active)
		return NULL;
	RULE(is_secs(v, enclave->secs), "a processor is inside an enclave without a SECS");
	secs = secs_of(enclave->secs);
	RULE(secs_is_initialised(secs), "a processor is inside an enclave that is not initialised");
	RULE(enclave->base == secs->base && enclave->size == secs->size,
	     "a processor inside has another ELRANGE than its enclave");
	RULE(epcm_is_valid(epcm_state(enclave->tcs)) && epcm_secs(enclave->tcs) == enclave->secs &&
		     epcm_linaddr(enclave->tcs) == enclave->tcs_linaddr,
	     "a processor is inside through a TCS that is gone");
	/* EMODT may have marked it for removal, but who could accept is still inside. */
	RULE(epcm_is(epcm_state(enclave->tcs), SGX_PAGE_TYPE_TCS) ||
		     (epcm_state(enclave->tcs) & EPCM_MODIFIED),
	     "a processor is inside through a page that was accepted as something else");
	RULE(entered_before_mark(enclave, epcm_state(enclave->tcs)),
	     "a processor has entered through a TCS that was blocked or modified");
	RULE(((const struct sgx_tcs *)epcm_page(enclave->tcs))->state == SGX_TCS_ACTIVE,
	     "the TCS of a processor inside is not active");
	age = track_epoch(enclave->secs) - enclave->entry_epoch;
	/* ETRACK refuses to start a third. */
	RULE(age <= 1, "a processor is inside since an epoch that has ended");
	RULE(c->state.seg[X86_SEG_FS].selector == SGX_SEGMENT_SELECTOR &&
		     c->state.seg[X86_SEG_GS].selector == SGX_SEGMENT_SELECTOR,
	     "a processor inside has FS or GS of outside");
	RULE(!(c->state.cr4 & X86_CR4_OSXSAVE) || c->state.xcr0 == secs->xfrm,
	     "a processor inside has another XCR0 than XFRM");
	return check_ssa(v, enclave);
}

const char *epcm_find_violation(struct embedder *embedder)
{
	struct view v = {.embedder = embedder, .pages = embedder->config.epc_pages};

	assert(v.pages <= INVARIANTS_MAX_PAGES);
	for (uint32_t i = 0; i < v.pages; i++)
		v.entries[i] = embedder_epcm(embedder, i);
	for (uint32_t i = 0; i < v.pages; i++)
		RULES(check_entry(&v, v.entries[i]));
	for (unsigned int i = 0; i < embedder->config.cpus; i++)
		RULES(check_processor(&v, &embedder->cpus[i]));
	return NULL;
}
