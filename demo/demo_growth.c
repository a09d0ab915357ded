// SPDX-License-Identifier: GPL-2.0-or-later
/* SGX2: the enclave grows by a page, restricts it, and gives it back. */
#include "demo.h"

#include <inttypes.h>

#define REG        EPCM_PT(SGX_PAGE_TYPE_REG)
#define PENDING_RW (REG | EPCM_R | EPCM_W | EPCM_PENDING)
#define TRIMMED    (EPCM_PT(SGX_PAGE_TYPE_TRIM) | EPCM_MODIFIED)

static gva_t grown(const struct demo *d)
{
	return enclave_gva(&d->enclave, GROWN);
}

/* EACCEPT by the thread; it is inside. */
static struct leaf_result accept_page(struct demo *d, uint64_t flags)
{
	return world_enclu(d, EACCEPT, world_secinfo(d, &d->enclave, flags), grown(d), 0);
}

static struct leaf_result modify(struct demo *d, uint32_t leaf, uint64_t flags)
{
	*builder_secinfo(&d->kernel) = (struct sgx_secinfo){.flags = flags};
	return world_encls(d, leaf, builder_secinfo_gva(&d->kernel), d->enclave.page[GROWN], 0);
}

/* Threads inside leave for a moment, as the kernel's interrupt makes them do. */
static bool track(struct demo *d)
{
	struct sgx_event interrupt = {.type = SGX_EVENT_INTERRUPT};
	bool ok = is_code(world_encls(d, ETRACK, 0, d->enclave.secs, 0), SGX_SUCCESS);

	sgx_aex(&d->thread->cpu, &interrupt);
	return world_enclu(d, ERESUME, enclave_gva(&d->enclave, TCS), AEP, 0).kind == LEAF_JUMP &&
	       ok;
}

static void tell_fault(struct demo *d, uint32_t access, const char *what)
{
	struct x86_exception fault = {0};
	const uint32_t expected = PFERR_SGX_MASK | PFERR_USER_MASK | PFERR_PRESENT_MASK | access;
	bool refused;

	clock_start(d);
	refused = !world_access(d, grown(d), access, &fault);
	tell_step(d, refused && fault.error_code == expected, access ? "store" : "load",
		  "%s: #PF %#" PRIx32, what, fault.error_code);
}

static void grow(struct demo *d)
{
	struct leaf_result res;
	uint64_t *word;

	d->enclave.page[GROWN] = world_free_epc(d);
	*builder_pageinfo(&d->kernel) =
		(struct sgx_pageinfo){.linaddr = grown(d), .secs = d->enclave.secs};
	clock_start(d);
	res = world_encls(d, EAUG, d->kernel.args, d->enclave.page[GROWN], 0);
	tell_step(d, leaf_succeeded(res), "EAUG", "the kernel adds a page");
	world_map(d, grown(d), d->enclave.page[GROWN]);
	tell_fault(d, PFERR_WRITE_MASK, "not accepted yet");
	clock_start(d);
	tell_step(d, is_code(accept_page(d, PENDING_RW), SGX_SUCCESS), "EACCEPT",
		  "the enclave takes it");
	clock_start(d);
	word = world_access(d, grown(d), PFERR_WRITE_MASK, NULL);
	tell_step(d, word && !*word, "store", "possible, and the page was zero");
	if (word)
		*word = 1;
}

static void restrict_rights(struct demo *d)
{
	clock_start(d);
	tell_step(d, is_code(modify(d, EMODPR, EPCM_R), SGX_SUCCESS), "EMODPR",
		  "the kernel takes the right to write");
	clock_start(d);
	tell_step(d, is_code(accept_page(d, REG | EPCM_R | EPCM_PR), SGX_NOT_TRACKED), "EACCEPT",
		  "too early: SGX_NOT_TRACKED");
	track(d);
	clock_start(d);
	tell_step(d, is_code(accept_page(d, REG | EPCM_R | EPCM_PR), SGX_SUCCESS), "EACCEPT",
		  "after ETRACK and an interrupt: accepted");
	tell_fault(d, PFERR_WRITE_MASK, "no longer possible");
}

static void trim(struct demo *d)
{
	struct leaf_result res;
	bool ok;

	clock_start(d);
	ok = is_code(modify(d, EMODT, EPCM_PT(SGX_PAGE_TYPE_TRIM)), SGX_SUCCESS) && track(d);
	tell_step(d, ok && is_code(accept_page(d, TRIMMED), SGX_SUCCESS), "EMODT",
		  "trimmed, tracked, accepted by the enclave");
	tell_fault(d, 0, "gone");
	/* How Linux asks whether the enclave has agreed. */
	res = modify(d, EMODPR, EPCM_RWX);
	clock_start(d);
	ok = is_code(world_encls(d, EREMOVE, 0, d->enclave.page[GROWN], 0), SGX_SUCCESS);
	tell_step(d, ok && res.kind == LEAF_FAULT, "EREMOVE", "with the thread still inside");
}

void show_growth(struct demo *d)
{
	tell_section("It grows and shrinks while a thread is inside");
	clock_start(d);
	if (!tell_step(d, world_enter(d, &d->enclave), "EENTER", "a thread stays inside"))
		return;
	grow(d);
	restrict_rights(d);
	trim(d);
	world_exit(d);
}
