// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch.h"

#include "invariants.h"
#include "sgx/secs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MARK  UINT64_C(0x5ec2e75ec2e70000)
#define SECRET_OWNER UINT64_C(0xffff)

/* The EPC after the last step. */
struct shadow {
	struct {
		uint64_t state;
		uint64_t linaddr;
		const struct epcm_entry *secs;
		uint64_t track;
		uint32_t children;
		bool watched;
		uint64_t context;
	} entries[EPC_PAGES];
	uint8_t pages[EPC_PAGES][SGX_PAGE_SIZE];
};

static struct shadow shadow;
static struct x86_state before[CPUS];
static bool disturbed;
static bool noticed[EPC_PAGES];

void watch_rule(bool ok, const char *rule)
{
	if (ok)
		return;
	fprintf(stderr, "leaf fuzzer: broken rule: %s\n", rule);
	abort();
}

static void page_changed(void *ctx, hpa_t hpa)
{
	struct embedder *embedder = ctx;

	noticed[(hpa - embedder->config.epc_hpa) / SGX_PAGE_SIZE] = true;
}

static void copy_entry(struct embedder *embedder, unsigned int i)
{
	struct epcm_entry *e = world_entry(embedder, i);

	shadow.entries[i].state = e->state;
	shadow.entries[i].linaddr = e->linaddr;
	shadow.entries[i].secs = e->secs;
	shadow.entries[i].track = e->track;
	shadow.entries[i].children = e->children;
	shadow.entries[i].watched = e->watched;
	shadow.entries[i].context = e->context;
}

static bool entry_is_same(struct embedder *embedder, unsigned int i)
{
	const struct epcm_entry *e = world_entry(embedder, i);

	return shadow.entries[i].state == e->state && shadow.entries[i].linaddr == e->linaddr &&
	       shadow.entries[i].secs == e->secs && shadow.entries[i].track == e->track &&
	       shadow.entries[i].children == e->children &&
	       shadow.entries[i].watched == e->watched && shadow.entries[i].context == e->context;
}

static bool page_is_same(struct embedder *embedder, unsigned int i)
{
	return !memcmp(shadow.pages[i], epcm_page(world_entry(embedder, i)), SGX_PAGE_SIZE);
}

void watch_own_write(struct embedder *embedder, unsigned int epc_page)
{
	memcpy(shadow.pages[epc_page], epcm_page(world_entry(embedder, epc_page)), SGX_PAGE_SIZE);
}

void watch_start(struct embedder *embedder)
{
	embedder->platform.page_changed = page_changed;
	embedder->platform.page_changed_ctx = embedder;
	memset(noticed, 0, sizeof(noticed));
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		copy_entry(embedder, i);
		watch_own_write(embedder, i);
	}
}

void watch_disturb(void)
{
	disturbed = true;
}

void watch_leaf_begin(struct embedder_cpu *c)
{
	memcpy(&before[c - c->embedder->cpus], &c->state, sizeof(c->state));
}

static bool is_refusal(struct leaf_result res)
{
	if (leaf_succeeded(res))
		return false;
	return res.kind != LEAF_INFO || res.value != SGX_VA_SLOT_OCCUPIED;
}

static void check_fault(const struct embedder_cpu *c, bool user, struct leaf_result res)
{
	const uint32_t sgx_fault = PFERR_SGX_MASK | PFERR_PRESENT_MASK;

	watch_rule(res.vector == GP_VECTOR || res.vector == PF_VECTOR || res.vector == UD_VECTOR ||
			   res.vector == NM_VECTOR,
		   "a leaf raises #GP, #PF, #UD or #NM");
	if (res.vector != PF_VECTOR)
		return;
	watch_rule(user == !!(res.error_code & PFERR_USER_MASK),
		   "#PF of ENCLU is a user's, that of ENCLS a supervisor's");
	if (!(res.error_code & PFERR_SGX_MASK))
		return;
	watch_rule(c->embedder->cpuid.leaves & SGX_CPUID_SGX2,
		   "an SGX-induced #PF takes a processor with SGX2");
	watch_rule((res.error_code & sgx_fault) == sgx_fault, "an SGX-induced #PF has P set");
}

/* A leaf that completes with an error has told so in RAX and RFLAGS. */
static void check_registers(const struct embedder_cpu *c, struct leaf_result res)
{
	const struct x86_state *old = &before[c - c->embedder->cpus];
	struct x86_state state;

	memcpy(&state, &c->state, sizeof(state));
	if (res.kind == LEAF_CODE || res.kind == LEAF_INFO) {
		state.gpr[X86_RAX] = old->gpr[X86_RAX];
		state.rflags = old->rflags;
		state.rip = old->rip;
	}
	watch_rule(!memcmp(&state, old, sizeof(state)), "a refused leaf changes no register");
}

static void check_epc_unchanged(struct embedder *embedder)
{
	for (unsigned int i = 0; i < EPC_PAGES; i++) {
		watch_rule(entry_is_same(embedder, i), "a refused leaf changes no EPCM entry");
		watch_rule(!epcm_is_valid(shadow.entries[i].state) || page_is_same(embedder, i),
			   "a refused leaf changes no EPC page");
	}
}

void watch_leaf_end(struct embedder_cpu *c, bool user, struct leaf_result res)
{
	if (res.kind == LEAF_FAULT)
		check_fault(c, user, res);
	if (!is_refusal(res))
		return;
	check_registers(c, res);
	if (!disturbed)
		check_epc_unchanged(c->embedder);
}

bool watch_has_secrets(const struct epcm_entry *secs)
{
	return !(secs_attributes(secs_of(secs)) & SGX_ATTR_DEBUG);
}

uint64_t watch_secret(const struct epcm_entry *secs)
{
	return SECRET_MARK | (secs_hidden(secs_of(secs))->eid & SECRET_OWNER);
}

/* Is there a secret in the words at @p, other than @own? */
static bool has_secret(const void *p, size_t len, uint64_t own)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)p + i, sizeof(word));
		if ((word & ~SECRET_OWNER) == SECRET_MARK && word != own)
			return true;
	}
	return false;
}

void watch_outside(const void *p, size_t len, const char *where)
{
	watch_rule(!has_secret(p, len, 0), where);
}

/* Only what can be read counts: an invalid page may hold what it held. */
static void check_secrets(struct embedder *embedder, unsigned int i)
{
	const struct epcm_entry *e = world_entry(embedder, i);
	const struct epcm_entry *secs = epcm_secs(e);

	if (!epcm_is_valid(epcm_state(e)))
		return;
	watch_rule(!has_secret(epcm_page(e), SGX_PAGE_SIZE, secs ? watch_secret(secs) : 0),
		   "a secret of an enclave stays out of others' pages");
}

static bool is_regular(uint64_t state)
{
	return epcm_is(state, SGX_PAGE_TYPE_REG);
}

/* Nothing but regular pages can be read by whoever asks for notices. */
static void check_notice(struct embedder *embedder, unsigned int i, bool same_page)
{
	const struct epcm_entry *e = world_entry(embedder, i);
	const bool was_regular = is_regular(shadow.entries[i].state);
	const bool changed =
		was_regular != is_regular(e->state) ||
		(was_regular && (!same_page || shadow.entries[i].linaddr != e->linaddr ||
				 shadow.entries[i].secs != e->secs));

	if (!shadow.entries[i].watched)
		return;
	watch_rule(!changed || noticed[i], "a watched page changes with notice only");
	watch_rule(e->watched || noticed[i], "a page is watched until it is noticed");
}

/* Keys and reports tell of an enclave what EINIT has found. */
static void check_identity(struct embedder *embedder, unsigned int i)
{
	const struct epcm_entry *e = world_entry(embedder, i);
	struct sgx_secs *now = epcm_page(e), *then = (struct sgx_secs *)shadow.pages[i];
	const bool same_enclave = epcm_is(shadow.entries[i].state, SGX_PAGE_TYPE_SECS) &&
				  epcm_is(epcm_state(e), SGX_PAGE_TYPE_SECS) &&
				  secs_hidden(now)->eid == secs_hidden(then)->eid;

	watch_rule(!same_enclave || !secs_is_initialised(then),
		   "the SECS of an initialised enclave does not change");
}

static void settle_page(struct embedder *embedder, unsigned int i)
{
	const bool same_entry = entry_is_same(embedder, i);
	const bool same_page = page_is_same(embedder, i);

	if (same_entry && same_page)
		return;
	check_notice(embedder, i, same_page);
	check_secrets(embedder, i);
	if (!same_page)
		check_identity(embedder, i);
	if (!same_entry)
		copy_entry(embedder, i);
	if (!same_page)
		watch_own_write(embedder, i);
}

void watch_settle(struct embedder *embedder)
{
	const char *violation = epcm_find_violation(embedder);

	watch_rule(!violation, violation ? violation : "");
	for (unsigned int i = 0; i < EPC_PAGES; i++)
		settle_page(embedder, i);
	for (unsigned int i = 0; i < CPUS; i++) {
		const struct embedder_cpu *c = &embedder->cpus[i];

		if (!sgx_in_enclave(&c->cpu))
			watch_outside(c->state.gpr, sizeof(c->state.gpr),
				      "a secret of an enclave is in no register outside");
	}
	memset(noticed, 0, sizeof(noticed));
	disturbed = false;
}
