// SPDX-License-Identifier: GPL-2.0-or-later
/* A page leaves the EPC encrypted and comes back elsewhere; an old copy of it does not. */
#include "demo.h"

#include <string.h>

#define BLOB_AT   4 /* RAM pages: ciphertext, and a copy for the attacker */
#define BLOB_COPY 5
#define OLD_VALUE UINT64_C(0x01d)
#define NEW_VALUE UINT64_C(0x2e3)

/* What the kernel keeps of the attacker's copy beside the ciphertext. */
struct copy {
	struct sgx_pcmd pcmd;
	struct sgx_pageinfo pageinfo;
};

static bool store(struct demo *d, uint64_t value)
{
	uint64_t *word;
	bool ok = world_enter(d, &d->enclave);

	word = ok ? world_access(d, enclave_gva(&d->enclave, DATA), PFERR_WRITE_MASK, NULL) : NULL;
	if (word)
		*word = value;
	world_exit(d);
	return word;
}

static uint64_t load(struct demo *d)
{
	const uint64_t *word;
	uint64_t value = 0;

	if (!world_enter(d, &d->enclave))
		return 0;
	word = world_access(d, enclave_gva(&d->enclave, DATA), 0, NULL);
	if (word)
		value = *word;
	world_exit(d);
	return value;
}

static struct leaf_result write_back(struct demo *d, gva_t slot)
{
	*builder_pageinfo(&d->kernel) = (struct sgx_pageinfo){
		.srcpge = world_ram(BLOB_AT),
		.secinfo = builder_pcmd_gva(&d->kernel),
	};
	return world_encls(d, EWB, d->kernel.args, d->enclave.page[DATA], slot);
}

static struct leaf_result load_page(struct demo *d, gva_t epc, gva_t slot)
{
	builder_pageinfo(&d->kernel)->secs = d->enclave.secs;
	return world_encls(d, ELDU, d->kernel.args, epc, slot);
}

static bool page_out(struct demo *d, gva_t slot)
{
	return is_code(world_encls(d, EBLOCK, 0, d->enclave.page[DATA], 0), SGX_SUCCESS) &&
	       is_code(world_encls(d, ETRACK, 0, d->enclave.secs, 0), SGX_SUCCESS) &&
	       is_code(write_back(d, slot), SGX_SUCCESS);
}

static bool page_in(struct demo *d, gva_t slot)
{
	const gva_t epc = world_free_epc(d);

	if (!is_code(load_page(d, epc, slot), SGX_SUCCESS))
		return false;
	d->enclave.page[DATA] = epc;
	world_map(d, enclave_gva(&d->enclave, DATA), epc);
	return true;
}

static void keep(struct demo *d, struct copy *copy)
{
	copy->pcmd = *builder_pcmd(&d->kernel);
	copy->pageinfo = *builder_pageinfo(&d->kernel);
	memcpy(world_ram_ptr(d, BLOB_COPY), world_ram_ptr(d, BLOB_AT), SGX_PAGE_SIZE);
}

/* Swaps what the kernel has with @copy. */
static void exchange(struct demo *d, struct copy *copy)
{
	const struct copy old = {
		.pcmd = *builder_pcmd(&d->kernel),
		.pageinfo = *builder_pageinfo(&d->kernel),
	};
	uint8_t page[SGX_PAGE_SIZE];

	memcpy(page, world_ram_ptr(d, BLOB_AT), sizeof(page));
	memcpy(world_ram_ptr(d, BLOB_AT), world_ram_ptr(d, BLOB_COPY), sizeof(page));
	memcpy(world_ram_ptr(d, BLOB_COPY), page, sizeof(page));
	*builder_pcmd(&d->kernel) = copy->pcmd;
	*builder_pageinfo(&d->kernel) = copy->pageinfo;
	*copy = old;
}

static bool is_readable_in_memory(struct demo *d, uint64_t value)
{
	uint64_t first;

	memcpy(&first, world_ram_ptr(d, BLOB_AT), sizeof(first));
	return first == value;
}

static void show_replay(struct demo *d, gva_t slot, struct copy *old)
{
	bool ok = store(d, NEW_VALUE);

	clock_start(d);
	ok = ok && page_out(d, slot);
	tell_step(d, ok, "EWB", "the enclave went on and wrote %#llx; out again",
		  (unsigned long long)NEW_VALUE);
	exchange(d, old);
	clock_start(d);
	tell_step(d, is_code(load_page(d, world_free_epc(d), slot), SGX_MAC_COMPARE_FAIL), "ELDU",
		  "of the old copy: SGX_MAC_COMPARE_FAIL");
	exchange(d, old);
	clock_start(d);
	ok = page_in(d, slot);
	tell_step(d, ok && load(d) == NEW_VALUE, "ELDU", "of the right one: %#llx is back",
		  (unsigned long long)NEW_VALUE);
}

void show_paging(struct demo *d)
{
	const gva_t va = world_free_epc(d), slot = va + 8;
	const gva_t before = d->enclave.page[DATA];
	struct copy old;
	bool ok;

	tell_section("A page leaves the EPC and comes back");
	clock_start(d);
	tell_step(d, leaf_succeeded(world_encls(d, EPA, SGX_PAGE_TYPE_VA, va, 0)), "EPA",
		  "a page for 512 versions");
	ok = store(d, OLD_VALUE);
	world_encls(d, EBLOCK, 0, before, 0);
	clock_start(d);
	tell_step(d, ok && is_code(write_back(d, slot), SGX_NOT_TRACKED), "EWB",
		  "before ETRACK: SGX_NOT_TRACKED");
	clock_start(d);
	ok = is_code(world_encls(d, ETRACK, 0, d->enclave.secs, 0), SGX_SUCCESS) &&
	     is_code(write_back(d, slot), SGX_SUCCESS);
	tell_step(d, ok && !is_readable_in_memory(d, OLD_VALUE), "EWB",
		  "the data page is ciphertext in memory now");
	keep(d, &old);
	clock_start(d);
	ok = page_in(d, slot);
	tell_step(d, ok && d->enclave.page[DATA] != before && load(d) == OLD_VALUE, "ELDU",
		  "to another EPC page: %#llx is back", (unsigned long long)OLD_VALUE);
	show_replay(d, slot, &old);
	clock_start(d);
	tell_step(d, is_code(world_encls(d, EREMOVE, 0, va, 0), SGX_SUCCESS), "EREMOVE",
		  "the version page goes");
}
